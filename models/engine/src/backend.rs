use candle_core::Device;

use crate::{
    Batch, EngineError, KvCache, Llama, LoadOptions, ModelFile, Processor, TensorCache, TensorLlama,
};

/// A model and its cache, wherever it calculates.
pub(crate) enum Backend {
    /// Packed weights on the processor.
    Packed { llama: Box<Llama>, cache: KvCache },
    /// Candle's tensors on a graphics processor.
    Tensors { llama: Box<TensorLlama>, cache: TensorCache },
}

impl Backend {
    /// Loads a model to where the options say.
    pub(crate) fn load(file: &mut ModelFile, options: &LoadOptions) -> Result<Self, EngineError> {
        match options.processor {
            Processor::Central => {
                let llama = Box::new(Llama::load(file, options)?);
                let cache = llama.cache();
                Ok(Self::Packed { llama, cache })
            }
            Processor::Graphics => Self::on_tensors(file, options, &Device::new_cuda(0)?),
        }
    }

    /// Loads a model to a device of candle's.
    pub(crate) fn on_tensors(
        file: &mut ModelFile,
        options: &LoadOptions,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let llama = TensorLlama::load(file, options.positions(), &options.adapters, device)?;
        let cache = llama.cache()?;
        Ok(Self::Tensors { llama: Box::new(llama), cache })
    }

    /// Reads a batch behind what the cache holds; the logits of some tokens at some rows.
    pub(crate) fn read(
        &mut self,
        batch: &Batch,
        rows: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        match self {
            Self::Packed { llama, cache } => {
                let states = llama.read(cache, batch, rows)?;
                llama.logits_of(&states, tokens)
            }
            Self::Tensors { llama, cache } => {
                let states = llama.read(cache, batch, rows)?;
                match rows.is_empty() || tokens.is_empty() {
                    true => Ok(vec![Vec::new(); rows.len()]),
                    false => llama.logits_of(&states, tokens),
                }
            }
        }
    }

    /// Values of a state.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Packed { llama, .. } => llama.config().hidden,
            Self::Tensors { llama, .. } => llama.config().hidden,
        }
    }

    /// Reads a batch behind what the cache holds; the final states of all its tokens, one after the
    /// other.
    pub(crate) fn states(&mut self, batch: &Batch) -> Result<Vec<f32>, EngineError> {
        let rows: Vec<usize> = (0..batch.len()).collect();
        match self {
            Self::Packed { llama, cache } => Ok(llama.read(cache, batch, &rows)?.into_values()),
            Self::Tensors { llama, cache } => {
                Ok(llama.read(cache, batch, &rows)?.flatten_all()?.to_vec1()?)
            }
        }
    }

    /// Positions held.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Packed { cache, .. } => cache.length(),
            Self::Tensors { cache, .. } => cache.length(),
        }
    }

    /// Positions there is room for.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::Packed { cache, .. } => cache.capacity(),
            Self::Tensors { cache, .. } => cache.capacity(),
        }
    }

    /// Forgets all but the first `length` positions.
    pub(crate) fn truncate(&mut self, length: usize) {
        match self {
            Self::Packed { cache, .. } => cache.truncate(length),
            Self::Tensors { cache, .. } => cache.truncate(length),
        }
    }
}
