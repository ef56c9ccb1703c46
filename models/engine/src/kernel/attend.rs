use super::lanes::Lanes;
use super::vector::{by_isa, exponential, sum};
use super::{Isa, LANES};

/// Keys and values of one layer. Keys lie in panels of [`LANES`] positions, so that sixteen scores
/// are made at once; values lie row after row.
pub(crate) struct KeyValues {
    keys: Vec<f32>,
    values: Vec<f32>,
    capacity: usize,
    heads: usize,
    width: usize,
}

/// Positions a token sees, in order: half-open ranges.
pub(crate) type Runs = [(u32, u32)];

/// Query heads whose sums are kept in registers together.
const HEADS: usize = 4;

/// Panels of keys multiplied together.
const PANELS: usize = 4;

/// Vectors of values added up together.
const COLUMNS: usize = 4;

impl KeyValues {
    /// Room for at least `positions`, a multiple of [`LANES`] in fact.
    pub(crate) fn new(positions: usize, heads: usize, width: usize) -> Self {
        let capacity = positions.next_multiple_of(LANES * PANELS);
        let room = || vec![0.0; heads * capacity * width];
        Self { keys: room(), values: room(), capacity, heads, width }
    }

    /// Keeps the keys and values of a position, head after head.
    pub(crate) fn put(&mut self, position: usize, keys: &[f32], values: &[f32]) {
        let (panel, lane) = (position / LANES, position % LANES);
        for head in 0..self.heads {
            let part = head * self.width..(head + 1) * self.width;
            let start = head * self.capacity * self.width;
            let place = &mut self.keys[start + panel * LANES * self.width..];
            for (column, key) in keys[part.clone()].iter().enumerate() {
                place[column * LANES + lane] = *key;
            }
            self.values[start + position * self.width..][..self.width]
                .copy_from_slice(&values[part]);
        }
    }

    /// Copies the first `positions` of another.
    pub(crate) fn copy(&mut self, other: &Self, positions: usize) {
        let each = self.capacity * self.width;
        let used = positions.next_multiple_of(LANES) * self.width;
        for head in 0..self.heads {
            let part = head * each..head * each + used;
            self.keys[part.clone()].copy_from_slice(&other.keys[part.clone()]);
            self.values[part.clone()].copy_from_slice(&other.values[part]);
        }
    }

    fn head(&self, head: usize) -> (&[f32], &[f32]) {
        let part = head * self.capacity * self.width..(head + 1) * self.capacity * self.width;
        (&self.keys[part.clone()], &self.values[part])
    }
}

/// What one token's attention needs.
pub(crate) struct Attention<'a> {
    /// What it sees.
    pub(crate) kept: &'a KeyValues,
    /// Where.
    pub(crate) runs: &'a Runs,
    /// Its query heads, one after the other; several share a key head.
    pub(crate) query: &'a [f32],
}

impl Attention<'_> {
    /// Writes the mixed values of all query heads.
    pub(crate) fn run(&self, isa: Isa, out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        use super::isa::Kind;
        match isa.kind() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a value of `Isa` is proof that the machine has the instructions.
            Kind::Avx512 => unsafe { self.run_avx512(isa, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::AvxVnni | Kind::Avx2 => unsafe { self.run_avx2(isa, out) },
            // SAFETY: arrays need no instructions in particular.
            _ => unsafe { self.run_by::<[f32; LANES]>(isa, out) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw")]
    fn run_avx512(&self, isa: Isa, out: &mut [f32]) {
        // SAFETY: this function has the instructions.
        unsafe { self.run_by::<std::arch::x86_64::__m512>(isa, out) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn run_avx2(&self, isa: Isa, out: &mut [f32]) {
        // SAFETY: this function has the instructions.
        unsafe { self.run_by::<[std::arch::x86_64::__m256; 2]>(isa, out) }
    }

    /// # Safety
    /// The machine must have the instructions of `L`.
    #[inline(always)]
    unsafe fn run_by<L: Lanes>(&self, isa: Isa, out: &mut [f32]) {
        let (kept, width) = (self.kept, self.kept.width);
        let seen: usize = self.runs.iter().map(|(start, end)| (end - start) as usize).sum();
        let stride = seen.next_multiple_of(LANES);
        let share = self.query.len() / width / kept.heads;
        let mut scores = vec![f32::NEG_INFINITY; share * stride];
        let groups =
            self.query.chunks_exact(share * width).zip(out.chunks_exact_mut(share * width));
        for (head, (query, out)) in groups.enumerate() {
            let (keys, values) = kept.head(head);
            let place = Place { rows: values, width, column: 0, runs: self.runs, stride };
            let parts = query.chunks(HEADS * width).zip(scores.chunks_mut(HEADS * stride));
            for (query, scores) in parts {
                // SAFETY: the caller's promise.
                unsafe { score_all::<L>(&Place { rows: keys, column: 0, ..place }, query, scores) };
            }
            for scores in scores.chunks_exact_mut(stride) {
                scores[seen..].fill(f32::NEG_INFINITY);
                soften(isa, scores, 1.0 / (width as f32).sqrt());
            }
            // SAFETY: the caller's promise.
            unsafe { mix_all::<L>(&place, &scores, out) };
        }
    }
}

by_isa! {
    /// Scores to weights that add up to one.
    pub(super) fn soften(scores: &mut [f32], scale: f32) {
        let scores = scores.as_chunks_mut::<LANES>().0;
        let mut most = [f32::NEG_INFINITY; LANES];
        for scores in scores.iter() {
            for lane in 0..LANES {
                most[lane] = if scores[lane] > most[lane] { scores[lane] } else { most[lane] };
            }
        }
        let most = most.iter().fold(f32::NEG_INFINITY, |most, value| most.max(*value));
        let mut totals = [0.0f32; LANES];
        for scores in scores.iter_mut() {
            for lane in 0..LANES {
                scores[lane] = exponential((scores[lane] - most) * scale);
                totals[lane] += scores[lane];
            }
        }
        let inverse = 1.0 / sum(totals);
        for scores in scores.iter_mut() {
            for score in scores {
                *score *= inverse;
            }
        }
    }
}

/// Keys or values of one head, and which of them are seen.
#[derive(Clone, Copy)]
struct Place<'a> {
    rows: &'a [f32],
    /// Width of a key or value.
    width: usize,
    /// The first column looked at.
    column: usize,
    runs: &'a Runs,
    /// From one head's scores to the next.
    stride: usize,
}

/// The products of up to [`HEADS`] queries with all keys seen.
///
/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn score_all<L: Lanes>(place: &Place<'_>, query: &[f32], scores: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe {
        match query.len() / place.width {
            1 => score::<L, 1>(place, query, scores),
            2 => score::<L, 2>(place, query, scores),
            3 => score::<L, 3>(place, query, scores),
            _ => score::<L, 4>(place, query, scores),
        }
    }
}

/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn score<L: Lanes, const TOGETHER: usize>(
    place: &Place<'_>,
    query: &[f32],
    scores: &mut [f32],
) {
    let panel_size = LANES * place.width;
    let mut written = 0;
    for (start, end) in place.runs.iter().map(|(start, end)| (*start as usize, *end as usize)) {
        let mut panel = start / LANES;
        while panel * LANES < end {
            // A run may end in any panel, and the cache with it.
            let some = (end - panel * LANES).div_ceil(LANES).min(PANELS);
            let keys = &place.rows[panel * panel_size..(panel + some) * panel_size];
            let keys = keys.as_chunks::<LANES>().0;
            let mut found = [[[0.0f32; LANES]; PANELS]; TOGETHER];
            // SAFETY: the caller's promise.
            unsafe {
                match some {
                    PANELS => multiply::<L, TOGETHER, PANELS>(query, keys, 0, &mut found),
                    _ => (0..some).for_each(|at| {
                        multiply::<L, TOGETHER, 1>(query, keys, at, &mut found);
                    }),
                }
            }
            let from = start.max(panel * LANES) - panel * LANES;
            let to = (end - panel * LANES).min(some * LANES);
            for (scores, found) in scores.chunks_exact_mut(place.stride).zip(&found) {
                scores[written..written + to - from]
                    .copy_from_slice(&found.as_flattened()[from..to]);
            }
            written += to - from;
            panel += some;
        }
    }
}

/// The products of some queries with N panels of keys, the first of which is `first`.
///
/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn multiply<L: Lanes, const TOGETHER: usize, const N: usize>(
    query: &[f32],
    keys: &[[f32; LANES]],
    first: usize,
    found: &mut [[[f32; LANES]; PANELS]; TOGETHER],
) {
    let width = query.len() / TOGETHER;
    let keys = &keys[first * width..(first + N) * width];
    // SAFETY: the caller's promise; `keys` holds N panels of `width` vectors, `query` TOGETHER times
    // `width` numbers.
    unsafe {
        let mut totals = [[L::all(0.0); N]; TOGETHER];
        for column in 0..width {
            let mut panels = [L::all(0.0); N];
            for (at, panel) in panels.iter_mut().enumerate() {
                *panel = L::load(keys.get_unchecked(at * width + column));
            }
            for (head, totals) in totals.iter_mut().enumerate() {
                let query = L::all(*query.get_unchecked(head * width + column));
                for (total, panel) in totals.iter_mut().zip(panels) {
                    *total = total.add_weighted(query, panel);
                }
            }
        }
        for (totals, found) in totals.iter().zip(found) {
            for (total, found) in totals.iter().zip(&mut found[first..]) {
                total.store(found);
            }
        }
    }
}

/// Adds up the values seen, for every query head by its own weights.
///
/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn mix_all<L: Lanes>(place: &Place<'_>, weights: &[f32], out: &mut [f32]) {
    let (width, stride) = (place.width, place.stride);
    let outs = out.chunks_mut(HEADS * width).zip(weights.chunks(HEADS * stride));
    for (out, weights) in outs {
        let mut column = 0;
        while column < width {
            let place = Place { column, ..*place };
            // SAFETY: the caller's promise.
            column += unsafe {
                if width - column >= COLUMNS * LANES {
                    by_heads::<L, COLUMNS>(&place, weights, out)
                } else {
                    by_heads::<L, 1>(&place, weights, out)
                }
            };
        }
    }
}

/// Returns how many columns it has done.
///
/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn by_heads<L: Lanes, const WIDE: usize>(
    place: &Place<'_>,
    weights: &[f32],
    out: &mut [f32],
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        match out.len() / place.width {
            1 => mix::<L, 1, WIDE>(place, weights, out),
            2 => mix::<L, 2, WIDE>(place, weights, out),
            3 => mix::<L, 3, WIDE>(place, weights, out),
            _ => mix::<L, 4, WIDE>(place, weights, out),
        }
    }
    WIDE * LANES
}

/// One position after the other, so that the order of additions is the order of positions.
///
/// # Safety
/// The machine must have the instructions of `L`.
#[inline(always)]
unsafe fn mix<L: Lanes, const TOGETHER: usize, const WIDE: usize>(
    place: &Place<'_>,
    weights: &[f32],
    out: &mut [f32],
) {
    let weights: [&[f32]; TOGETHER] =
        std::array::from_fn(|head| &weights[head * place.stride..(head + 1) * place.stride]);
    // SAFETY: the caller's promise.
    unsafe {
        let mut totals = [[L::all(0.0); WIDE]; TOGETHER];
        let mut index = 0;
        for (start, end) in place.runs.iter().map(|(start, end)| (*start as usize, *end as usize)) {
            let rows = &place.rows[start * place.width..end * place.width];
            for row in rows.chunks_exact(place.width) {
                let values = row[place.column..][..WIDE * LANES].as_chunks::<LANES>().0;
                for (totals, weights) in totals.iter_mut().zip(weights) {
                    let weight = L::all(weights[index]);
                    for (total, values) in totals.iter_mut().zip(values) {
                        *total = total.add_weighted(weight, L::load(values));
                    }
                }
                index += 1;
            }
        }
        for (head, totals) in totals.iter().enumerate() {
            let out = &mut out[head * place.width + place.column..][..WIDE * LANES];
            let out = out.as_chunks_mut::<LANES>().0;
            totals.iter().zip(out).for_each(|(total, out)| total.store(out));
        }
    }
}
