//! What a sentence model's file holds, checked for shape.

use safetensors::SafeTensors;

use crate::EngineError;
use crate::kernel::{BLOCK, Form, Packed, Source};

/// The measures of a matrix.
pub(super) fn shape(tensors: &SafeTensors<'_>, name: &str) -> Result<(usize, usize), EngineError> {
    match tensors.tensor(name).map_err(damaged)?.shape() {
        [rows, columns] => Ok((*rows, *columns)),
        other => Err(EngineError::Corrupt(format!("{name} has the shape {other:?}"))),
    }
}

/// A matrix, packed in eight bits.
pub(super) fn matrix(
    tensors: &SafeTensors<'_>,
    name: &str,
    (rows, columns): (usize, usize),
) -> Result<Packed, EngineError> {
    if !columns.is_multiple_of(BLOCK) {
        return Err(EngineError::Unsupported("widths that are no multiple of 32".into()));
    }
    let values = values(tensors, name, &[rows, columns])?;
    Ok(Packed::new(&Source::Values(values), rows, columns, Some(Form::Eight)))
}

/// A row of numbers.
pub(super) fn vector(
    tensors: &SafeTensors<'_>,
    name: &str,
    length: usize,
) -> Result<Vec<f32>, EngineError> {
    values(tensors, name, &[length])
}

/// Numbers of a tensor that must have this shape.
pub(super) fn values(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, EngineError> {
    let view = tensors.tensor(name).map_err(damaged)?;
    if view.shape() != shape || view.dtype() != safetensors::Dtype::F32 {
        let found = (view.dtype(), view.shape());
        return Err(EngineError::Corrupt(format!("{name} is {found:?}, not floats of {shape:?}")));
    }
    let four = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let values: Vec<f32> = view.data().chunks_exact(4).map(four).collect();
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(EngineError::Corrupt(format!("{name} holds what is no number"))),
    }
}

pub(super) fn damaged(why: safetensors::SafeTensorError) -> EngineError {
    EngineError::Corrupt(why.to_string())
}
