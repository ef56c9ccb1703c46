use super::LANES;

/// [`LANES`] floats in registers. What a loop over an array would say, where the compiler does not
/// see that it may keep the array in registers.
///
/// # Safety
/// Of every function: the machine must have the instructions of the implementation.
pub(super) trait Lanes: Copy {
    /// The same number in all.
    unsafe fn all(value: f32) -> Self;
    /// From memory.
    unsafe fn load(from: &[f32; LANES]) -> Self;
    /// To memory.
    unsafe fn store(self, to: &mut [f32; LANES]);
    /// `weight * values + self`, rounded once.
    unsafe fn add_weighted(self, weight: Self, values: Self) -> Self;
}

impl Lanes for [f32; LANES] {
    #[inline(always)]
    unsafe fn all(value: f32) -> Self {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        *from
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        *to = self;
    }

    #[inline(always)]
    unsafe fn add_weighted(self, weight: Self, values: Self) -> Self {
        std::array::from_fn(|lane| weight[lane].mul_add(values[lane], self[lane]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes};

    impl Lanes for __m512 {
        #[inline(always)]
        unsafe fn all(value: f32) -> Self {
            // SAFETY: the caller's promise: AVX-512.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: &[f32; LANES]) -> Self {
            // SAFETY: as above; sixteen floats are there.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }

        #[inline(always)]
        unsafe fn store(self, to: &mut [f32; LANES]) {
            // SAFETY: as above; there is room for sixteen.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self) }
        }

        #[inline(always)]
        unsafe fn add_weighted(self, weight: Self, values: Self) -> Self {
            // SAFETY: the caller's promise: AVX-512.
            unsafe { _mm512_fmadd_ps(weight, values, self) }
        }
    }

    impl Lanes for [__m256; 2] {
        #[inline(always)]
        unsafe fn all(value: f32) -> Self {
            // SAFETY: the caller's promise: AVX2 and FMA.
            unsafe { [_mm256_set1_ps(value); 2] }
        }

        #[inline(always)]
        unsafe fn load(from: &[f32; LANES]) -> Self {
            let halves = from.as_chunks::<8>().0;
            // SAFETY: as above; twice eight floats are there.
            unsafe { [_mm256_loadu_ps(halves[0].as_ptr()), _mm256_loadu_ps(halves[1].as_ptr())] }
        }

        #[inline(always)]
        unsafe fn store(self, to: &mut [f32; LANES]) {
            for (half, to) in self.into_iter().zip(to.as_chunks_mut::<8>().0) {
                // SAFETY: as above; there is room for eight.
                unsafe { _mm256_storeu_ps(to.as_mut_ptr(), half) }
            }
        }

        #[inline(always)]
        unsafe fn add_weighted(self, weight: Self, values: Self) -> Self {
            // SAFETY: the caller's promise: AVX2 and FMA.
            unsafe {
                [
                    _mm256_fmadd_ps(weight[0], values[0], self[0]),
                    _mm256_fmadd_ps(weight[1], values[1], self[1]),
                ]
            }
        }
    }
}
