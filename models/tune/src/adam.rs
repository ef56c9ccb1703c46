use anyhow::Result;
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

/// Decays of the moments, and what keeps the division sound (Kingma and Ba; Loshchilov and Hutter).
const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.98;
const LEAST: f64 = 1e-8;

/// Longest step of all weights together before it is shortened: one odd batch must not undo the rest.
const LONGEST: f64 = 1.0;

/// A weight that learns, with its moments.
pub(crate) struct Learnt {
    pub(crate) name: String,
    pub(crate) value: Var,
    pub(crate) first: Tensor,
    pub(crate) second: Tensor,
    /// Its rate of learning at full pace.
    pub(crate) rate: f64,
}

impl Learnt {
    pub(crate) fn new(name: String, value: &Var, rate: f64) -> Result<Self> {
        let (first, second) = (value.zeros_like()?, value.zeros_like()?);
        Ok(Self { name, value: value.clone(), first, second, rate })
    }
}

/// One step of AdamW; `pace` scales every rate, `step` counts from one.
pub(crate) fn step(
    learnt: &mut [Learnt],
    gradients: &GradStore,
    (pace, decay): (f64, f64),
    step: usize,
) -> Result<()> {
    let mut length = 0.0;
    for gradient in learnt.iter().filter_map(|one| gradients.get(&one.value)) {
        length += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    anyhow::ensure!(length.is_finite(), "the loss is no number any more: lower the rates");
    let shortened = (LONGEST / (length.sqrt() + 1e-6)).min(1.0);
    let step = i32::try_from(step).unwrap_or(i32::MAX);
    let (first_part, second_part) = (1.0 - FIRST_DECAY.powi(step), 1.0 - SECOND_DECAY.powi(step));
    for one in learnt {
        let Some(gradient) = gradients.get(&one.value) else { continue };
        let gradient = (gradient * shortened)?;
        one.first = ((&one.first * FIRST_DECAY)? + (&gradient * (1.0 - FIRST_DECAY))?)?;
        one.second = ((&one.second * SECOND_DECAY)? + (gradient.sqr()? * (1.0 - SECOND_DECAY))?)?;
        let scale = ((&one.second / second_part)?.sqrt()? + LEAST)?;
        let rate = one.rate * pace;
        let change = (((&one.first / first_part)? / scale)? * rate)?;
        let kept = (one.value.as_tensor() * (1.0 - rate * decay))?;
        one.value.set(&(kept - change)?)?;
    }
    Ok(())
}
