use crate::{EngineError, LlamaConfig, ModelFile};

/// Cosines and sines of the rotary embedding by position.
pub(crate) struct Rotation {
    /// Pairs of a head.
    pub(crate) half: usize,
    /// A row of pairs to each position.
    pub(crate) cos: Vec<f32>,
    pub(crate) sin: Vec<f32>,
    /// Whether a pair is one of each half of the head, not two neighbours.
    pub(crate) apart: bool,
}

impl Rotation {
    pub(crate) fn new(
        file: &mut ModelFile,
        config: &LlamaConfig,
        positions: usize,
    ) -> Result<Self, EngineError> {
        let half = config.head_width / 2;
        // Longer contexts than a model was born with divide the slow frequencies.
        let divisors = match file.has_tensor("rope_freqs.weight") {
            true => file.values("rope_freqs.weight", &[half])?,
            false => vec![1.0; half],
        };
        let frequency = |pair: usize| {
            config.rope_base.powf(-((2 * pair) as f32) / config.head_width as f32) / divisors[pair]
        };
        let angles: Vec<f32> = (0..positions)
            .flat_map(|position| (0..half).map(move |pair| (position, pair)))
            .map(|(position, pair)| position as f32 * frequency(pair))
            .collect();
        let cos = angles.iter().map(|angle| angle.cos()).collect();
        let sin = angles.iter().map(|angle| angle.sin()).collect();
        Ok(Self { half, cos, sin, apart: config.rope_apart })
    }

    /// How many positions there are.
    pub(crate) fn positions(&self) -> usize {
        self.cos.len() / self.half
    }

    /// Cosines and sines of a position.
    pub(crate) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let part = position * self.half..(position + 1) * self.half;
        (&self.cos[part.clone()], &self.sin[part])
    }
}
