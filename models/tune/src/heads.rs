use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::ops::log_softmax;

use crate::Recipe;
use crate::chance::Chance;
use crate::example::{Example, Lesson, Question};

/// How far first weights stray from zero.
const FIRST: f32 = 0.017;

/// The loss of a question in a batch, and the weight that it stands for.
pub(crate) type Part = (Question, f32, f32);

/// A linear layer over pooled states for each question.
pub(crate) struct Heads {
    layers: BTreeMap<Question, (Var, Var)>,
    device: Device,
}

impl Heads {
    pub(crate) fn new(
        lesson: &Lesson,
        width: usize,
        chance: &mut Chance,
        device: &Device,
    ) -> Result<Self> {
        let layer = |question: Question| {
            let rows = lesson.rows(question);
            let weight =
                Tensor::from_vec(chance.evenly(rows * width, FIRST), (rows, width), device)?;
            let bias = Tensor::zeros(rows, DType::F32, device)?;
            Ok((question, (Var::from_tensor(&weight)?, Var::from_tensor(&bias)?)))
        };
        let layers = Question::ALL.map(layer).into_iter().collect::<Result<_>>()?;
        Ok(Self { layers, device: device.clone() })
    }

    /// What learns, by the names in the file of heads.
    pub(crate) fn layers(&self) -> impl Iterator<Item = (String, &Var)> {
        self.layers.iter().flat_map(|(question, (weight, bias))| {
            let name = question.name();
            [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)]
        })
    }

    /// Logarithms of the probabilities of a question's rows, a line each.
    pub(crate) fn ask(&self, question: Question, states: &Tensor) -> Result<Tensor> {
        let (weight, bias) = &self.layers[&question];
        Ok(log_softmax(&states.matmul(&weight.t()?)?.broadcast_add(bias)?, D::Minus1)?)
    }

    /// The loss of a batch, and its parts.
    pub(crate) fn loss(
        &self,
        states: &Tensor,
        batch: &[&Example],
        lesson: &Lesson,
        recipe: &Recipe,
    ) -> Result<(Tensor, Vec<Part>)> {
        let mut total = Tensor::zeros((), DType::F32, &self.device)?;
        let mut parts = Vec::new();
        for question in Question::ALL {
            let rows = lesson.rows(question);
            let mut wanted = vec![0.0f32; batch.len() * rows];
            for (example, wanted) in batch.iter().zip(wanted.chunks_exact_mut(rows)) {
                let right = lesson.right(example, question);
                let weight = lesson.weight(example, question, recipe) / right.len().max(1) as f32;
                right.into_iter().for_each(|row| wanted[row] = weight);
            }
            let weight = wanted.iter().sum::<f32>() / batch.len() as f32;
            if weight == 0.0 {
                continue;
            }
            let wanted = Tensor::from_vec(wanted, (batch.len(), rows), &self.device)?;
            let told = (self.ask(question, states)? * wanted)?.sum_all()?;
            let loss = (told * (-1.0 / batch.len() as f64))?;
            parts.push((question, loss.to_scalar()?, weight));
            total = (total + (loss * question.share())?)?;
        }
        Ok((total, parts))
    }
}
