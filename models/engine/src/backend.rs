use candle_core::Device;

use crate::llama::bounded;
use crate::{
    Adapter, Batch, EngineError, KvCache, Llama, LoadOptions, ModelFile, Processor, TensorCache,
    TensorLlama,
};

/// A model and its cache, wherever it calculates.
pub(crate) enum Backend {
    /// Packed weights on the processor.
    Packed { llama: Box<Llama>, cache: KvCache },
    /// Candle's tensors on a graphics processor: a model to each member of an ensemble.
    Tensors { members: Vec<(TensorLlama, TensorCache)> },
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
        let mut load = |member: Option<&Adapter>| {
            let adapters: Vec<&Adapter> = options.adapters.iter().chain(member).collect();
            let llama = TensorLlama::load(file, options.positions(), &adapters, device)?;
            let cache = llama.cache()?;
            Ok((llama, cache))
        };
        let members = match &options.members[..] {
            [] => vec![load(None)?],
            members => {
                bounded(members.len())?;
                members
                    .iter()
                    .map(|member| load(Some(member)))
                    .collect::<Result<_, EngineError>>()?
            }
        };
        Ok(Self::Tensors { members })
    }

    /// Reads a batch behind what the cache holds; the logits of some tokens at some rows, of one
    /// member after the other.
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
            Self::Tensors { members } => {
                let mut logits = Vec::new();
                for (llama, cache) in members {
                    let states = llama.read(cache, batch, rows)?;
                    logits.extend(match rows.is_empty() || tokens.is_empty() {
                        true => vec![Vec::new(); rows.len()],
                        false => llama.logits_of(&states, tokens)?,
                    });
                }
                Ok(logits)
            }
        }
    }

    /// Values of a state.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Packed { llama, .. } => llama.config().hidden,
            Self::Tensors { members } => members[0].0.config().hidden,
        }
    }

    /// Reads a batch behind what the cache holds; the final states of all its tokens, one after the
    /// other, of one member after the other.
    pub(crate) fn states(&mut self, batch: &Batch) -> Result<Vec<f32>, EngineError> {
        let rows: Vec<usize> = (0..batch.len()).collect();
        match self {
            Self::Packed { llama, cache } => Ok(llama.read(cache, batch, &rows)?.into_values()),
            Self::Tensors { members } => {
                let mut states = Vec::new();
                for (llama, cache) in members {
                    let values = llama.read(cache, batch, &rows)?.flatten_all()?;
                    states.extend(values.to_vec1::<f32>()?);
                }
                Ok(states)
            }
        }
    }

    /// Positions held.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Packed { cache, .. } => cache.length(),
            Self::Tensors { members } => members[0].1.length(),
        }
    }

    /// Positions there is room for.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::Packed { cache, .. } => cache.capacity(),
            Self::Tensors { members } => members[0].1.capacity(),
        }
    }

    /// Forgets all but the first `length` positions.
    pub(crate) fn truncate(&mut self, length: usize) {
        match self {
            Self::Packed { cache, .. } => cache.truncate(length),
            Self::Tensors { members } => {
                members.iter_mut().for_each(|(_, cache)| cache.truncate(length));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{members, tiny};

    #[test]
    fn tensors_hold_a_model_for_each_member() {
        let adapter = |seed: usize, layer: usize| {
            let folder = tempfile::tempdir().unwrap();
            members::write(folder.path(), seed, &[(layer, "mlp.down_proj")]);
            Adapter::read(folder.path()).unwrap()
        };
        let states = |members: Vec<Adapter>| {
            let mut file = ModelFile::open(tiny::write().path(), None).unwrap();
            let options = LoadOptions { members, positions: 16, ..LoadOptions::default() };
            let mut backend = Backend::on_tensors(&mut file, &options, &Device::Cpu).unwrap();
            let batch = Batch::chain(&[5, 6, 7]);
            let states = backend.states(&batch).unwrap();
            backend.truncate(0);
            assert_eq!(backend.states(&batch).unwrap(), states, "nothing of the first is left");
            states
        };
        let alone = [states(vec![adapter(1, 0)]), states(vec![adapter(2, 2)])];
        assert_ne!(alone[0], alone[1]);
        assert_eq!(states(vec![adapter(1, 0), adapter(2, 2)]), alone.concat());
    }
}
