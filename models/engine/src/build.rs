//! Making a model file of a base and low-rank changes: merged, quantised, written anew.

use std::io::{Seek, Write};

use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use crate::kernel::Source;
use crate::{Adapter, EngineError, LlamaConfig, ModelFile};

/// How a built file holds its matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Quantisation {
    /// Eight bits a weight: nothing of the model's sense is lost.
    #[value(name = "q8_0")]
    Eight,
    /// Four and a half bits a weight, in matrices whose rows are multiples of 256; the others, the
    /// embedding and the output take eight.
    #[value(name = "q4_k")]
    Four,
}

/// Values in a block of [`GgmlDType::Q8_0`]: rows that are no multiple of it stay as they are.
const EIGHT_BLOCK: usize = 32;

/// Values in a block of [`GgmlDType::Q4K`].
const FOUR_BLOCK: usize = 256;

/// `general.file_type` of the two forms, by llama.cpp's `llama_ftype`.
const FILE_TYPE_EIGHT: u32 = 7;
const FILE_TYPE_FOUR: u32 = 15;

/// The alignment that the writer knows, and whoever finds none in a file.
const ALIGNMENT_KEY: &str = "general.alignment";

/// Writes the base with every adapter merged in, in their order. Norms stay as exact as they were.
///
/// # Errors
/// When a tensor is damaged, an adapter is of another base, or the file cannot be written.
pub fn build(
    base: &mut ModelFile,
    adapters: &[Adapter],
    form: Quantisation,
    out: &mut (impl Write + Seek),
) -> Result<(), EngineError> {
    let config = LlamaConfig::read(base)?;
    for adapter in adapters {
        adapter.check(&config)?;
    }
    let mut tensors = Vec::new();
    for (name, shape) in base.shapes() {
        let tensor = match shape[..] {
            [rows, columns] => {
                let mut source = Source::Values(base.values(&name, &shape)?);
                for adapter in adapters {
                    adapter.merge(&config, &name, (rows, columns), &mut source)?;
                }
                let values = Tensor::from_vec(
                    source.all_values(rows * columns),
                    (rows, columns),
                    &Device::Cpu,
                )?;
                QTensor::quantize(&values, kind(&name, columns, form))?
            }
            _ => QTensor::quantize(&base.tensor(&name, &shape)?, GgmlDType::F32)?,
        };
        tensors.push((name, tensor));
    }
    let metadata = metadata(base, form);
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    Ok(write(out, &metadata, &tensors)?)
}

/// The block kind of a matrix.
fn kind(name: &str, columns: usize, form: Quantisation) -> GgmlDType {
    let table = ["token_embd.weight", "output.weight"].contains(&name);
    if form == Quantisation::Four && !table && columns.is_multiple_of(FOUR_BLOCK) {
        GgmlDType::Q4K
    } else if columns.is_multiple_of(EIGHT_BLOCK) {
        GgmlDType::Q8_0
    } else {
        GgmlDType::F32
    }
}

/// The base's metadata in the order of their keys, so that the same input makes the same bytes.
fn metadata(base: &ModelFile, form: Quantisation) -> Vec<(String, Value)> {
    let file_type = match form {
        Quantisation::Eight => FILE_TYPE_EIGHT,
        Quantisation::Four => FILE_TYPE_FOUR,
    };
    let mut metadata: Vec<_> = base
        .metadata()
        .filter(|(key, _)| *key != ALIGNMENT_KEY && *key != "general.file_type")
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    metadata.push(("general.file_type".to_owned(), Value::U32(file_type)));
    metadata.sort_by(|left, right| left.0.cmp(&right.0));
    metadata
}
