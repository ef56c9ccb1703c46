use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers drawn by a seed, the same on every machine.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// Draws for one purpose, whatever others drew.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// Evenly from minus to plus `most`.
    pub(crate) fn evenly(&mut self, count: usize, most: f32) -> Vec<f32> {
        (0..count).map(|_| (self.0.random::<f32>() * 2.0 - 1.0) * most).collect()
    }

    /// Kept values for a dropout: 0 with this probability, else raised so that the mean stays.
    pub(crate) fn kept(&mut self, count: usize, dropped: f32) -> Vec<f32> {
        let raised = 1.0 / (1.0 - dropped);
        (0..count).map(|_| if self.0.random::<f32>() < dropped { 0.0 } else { raised }).collect()
    }

    /// Below `most`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0.random_range(0..most)
    }

    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        values.shuffle(&mut self.0);
    }
}
