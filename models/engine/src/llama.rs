use std::sync::Arc;

use rayon::ThreadPool;

use crate::kernel::{Form, Inputs, Isa, KeyValues, Packed, multiply_rows, rms_norm};
use crate::layer::{Layer, Scratch, Step, project};
use crate::rotation::Rotation;
use crate::{Adapter, Batch, EngineError, LlamaConfig, ModelFile};

/// How weights are kept in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Four bits for what the file holds in four, eight for all else.
    #[default]
    File,
    /// Eight bits for all.
    Eight,
    /// Four bits for all. Half the memory, and some of the model's sense.
    Four,
}

/// What calculates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processor {
    /// The processor, with packed weights.
    #[default]
    Central,
    /// The first graphics processor, in full precision; only in a build with the feature `cuda`.
    Graphics,
}

/// How a model is loaded.
#[derive(Default)]
pub struct LoadOptions {
    /// Positions a cache holds: all that is read at once, and what stands before it. At most what
    /// the model was trained for; 0 means 2048 or that.
    pub positions: usize,
    /// Threads that calculate; 0 means one.
    pub threads: usize,
    /// How weights are kept.
    pub format: Format,
    /// Low-rank changes, merged into the weights in this order.
    pub adapters: Vec<Adapter>,
    /// What calculates, for an [`Analyst`](crate::Analyst); [`Llama`] is of the processor only.
    pub processor: Processor,
}

impl LoadOptions {
    /// Positions a cache holds, the default put in.
    pub(crate) fn positions(&self) -> usize {
        if self.positions == 0 { POSITIONS } else { self.positions }
    }
}

/// Positions where the options say nothing.
const POSITIONS: usize = 2048;

/// A model of the Llama family with packed weights.
pub struct Llama {
    config: LlamaConfig,
    isa: Isa,
    threads: Arc<ThreadPool>,
    embedding: Packed,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// None where the model uses the embedding again.
    output: Option<Packed>,
    rotation: Rotation,
}

/// Keys and values of the positions read so far. Allocated once; truncating forgets.
pub struct KvCache {
    layers: Vec<KeyValues>,
    length: usize,
    capacity: usize,
    scratch: Scratch,
}

/// Final states, one to each row asked for.
pub struct States {
    values: Vec<f32>,
    width: usize,
}

impl States {
    /// One state after the other.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// All of them, one after the other.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }
}

impl KvCache {
    /// Positions held.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all but the first `length` positions.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl Llama {
    /// Reads and packs the weights.
    ///
    /// # Errors
    /// When a tensor is missing, cut off or of the wrong shape, or an adapter is of another base.
    pub fn load(file: &mut ModelFile, options: &LoadOptions) -> Result<Self, EngineError> {
        let config = LlamaConfig::read(file)?;
        let threads = rayon::ThreadPoolBuilder::new().num_threads(options.threads.max(1));
        let threads = Arc::new(threads.build().map_err(EngineError::Threads)?);
        let positions = options.positions();
        let loader = Loader { config: &config, threads: &threads, options };
        let embedding = loader.table(file, "token_embd.weight")?;
        let output = match file.has_tensor("output.weight") {
            true => Some(loader.table(file, "output.weight")?),
            false => None,
        };
        let layers = (0..config.layers).map(|index| Layer::load(file, &loader, index));
        let layers = layers.collect::<Result<_, _>>()?;
        let norm = file.values("output_norm.weight", &[config.hidden])?;
        let rotation = Rotation::new(file, &config, positions.min(config.context))?;
        Ok(Self { isa: Isa::best(), threads, embedding, layers, norm, output, rotation, config })
    }

    /// The model's measures.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The instructions it calculates with.
    pub fn instructions(&self) -> &'static str {
        self.isa.name()
    }

    /// Bytes of the packed matrices.
    pub fn weight_bytes(&self) -> usize {
        let tables = [Some(&self.embedding), self.output.as_ref()];
        tables.into_iter().flatten().map(Packed::bytes).sum::<usize>()
            + self.layers.iter().map(Layer::bytes).sum::<usize>()
    }

    /// An empty cache for as many positions as the model was loaded for.
    pub fn cache(&self) -> KvCache {
        self.cache_of(self.rotation.positions())
    }

    /// An empty cache for fewer positions.
    pub fn cache_of(&self, positions: usize) -> KvCache {
        let capacity = positions.min(self.rotation.positions());
        let new = || KeyValues::new(capacity, self.config.kv_heads, self.config.head_width);
        let layers = self.layers.iter().map(|_| new()).collect();
        KvCache { layers, length: 0, capacity, scratch: Scratch::default() }
    }

    /// A second cache with the first `length` positions of one.
    pub fn fork(&self, cache: &KvCache, length: usize) -> KvCache {
        let mut fork = self.cache_of(cache.capacity);
        fork.length = length.min(cache.length);
        for (new, old) in fork.layers.iter_mut().zip(&cache.layers) {
            new.copy(old, fork.length);
        }
        fork
    }

    /// Reads the batch behind what the cache holds and returns the final states of `rows`, one a row.
    /// The batch's own positions stay in the cache, in order: truncate unless it was one chain.
    ///
    /// # Errors
    /// When the cache is too small, or a token or row is none of the model's or the batch's.
    pub fn read(
        &self,
        cache: &mut KvCache,
        batch: &Batch,
        rows: &[usize],
    ) -> Result<States, EngineError> {
        self.pass(cache, batch, rows, &mut |_, _| {})?;
        let width = self.config.hidden;
        let mut values = vec![0.0; rows.len() * width];
        for (state, out) in cache.scratch.states().zip(values.chunks_exact_mut(width)) {
            rms_norm(self.isa, state, &self.norm, self.config.norm_epsilon, out);
        }
        Ok(States { values, width })
    }

    /// As [`Llama::read`] for all rows, but hands the residual stream to `watch` before each layer
    /// (0 is the embedding) and after the last, a row to each token.
    ///
    /// # Errors
    /// As [`Llama::read`].
    pub fn watch(
        &self,
        cache: &mut KvCache,
        batch: &Batch,
        mut watch: impl FnMut(usize, &States) + Send,
    ) -> Result<(), EngineError> {
        let rows: Vec<usize> = (0..batch.len()).collect();
        let width = self.config.hidden;
        self.pass(cache, batch, &rows, &mut |layer, states| {
            watch(layer, &States { values: states.to_vec(), width });
        })
    }

    fn pass(
        &self,
        cache: &mut KvCache,
        batch: &Batch,
        rows: &[usize],
        watch: &mut (dyn FnMut(usize, &[f32]) + Send),
    ) -> Result<(), EngineError> {
        let wanted = cache.length + batch.len();
        if wanted > cache.capacity {
            return Err(EngineError::ContextFull { wanted, capacity: cache.capacity });
        }
        let known = |id: &&u32| **id as usize >= self.config.vocabulary;
        if let Some(token) = batch.tokens().iter().find(known) {
            return Err(EngineError::Corrupt(format!("token {token} is not in the vocabulary")));
        }
        if let Some(row) = rows.iter().find(|row| **row >= batch.len()) {
            return Err(EngineError::Corrupt(format!("row {row} is not in the batch")));
        }
        let spots = batch.spots(cache.length);
        if spots.iter().any(|spot| !spot.is_within(wanted)) {
            return Err(EngineError::Corrupt(
                "a batch goes on behind another cache's token".into(),
            ));
        }
        let step = Step::new(self.isa, &self.config, &self.rotation, spots, cache.length);
        let KvCache { layers: kept, scratch, .. } = cache;
        scratch
            .start(self.config.hidden, batch.tokens(), |token, out| self.embedding.row(token, out));
        self.threads.install(|| {
            for (index, (layer, kept)) in self.layers.iter().zip(kept).enumerate() {
                watch(index, scratch.all());
                let last = index + 1 == self.layers.len();
                layer.forward(&step, kept, scratch, last.then_some(rows));
            }
            watch(self.layers.len(), scratch.all());
        });
        cache.length = wanted;
        Ok(())
    }

    /// Logits of a few tokens for each state: one row a state, one column a token.
    ///
    /// # Errors
    /// When a token is not in the vocabulary.
    pub fn logits_of(&self, states: &States, tokens: &[u32]) -> Result<Vec<Vec<f32>>, EngineError> {
        if let Some(token) = tokens.iter().find(|id| **id as usize >= self.config.vocabulary) {
            return Err(EngineError::Corrupt(format!("token {token} is not in the vocabulary")));
        }
        Ok(self
            .threads
            .install(|| multiply_rows(self.isa, &self.quantised(states), self.head(), tokens)))
    }

    /// Logits of every token for each state.
    pub fn logits(&self, states: &States) -> Vec<Vec<f32>> {
        let width = self.config.vocabulary;
        let mut values = vec![0.0; states.rows().count() * width];
        self.threads.install(|| {
            project(self.isa, &self.quantised(states), &[self.head()], &mut values);
        });
        values.chunks_exact(width).map(<[f32]>::to_vec).collect()
    }

    fn head(&self) -> &Packed {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    fn quantised(&self, states: &States) -> Inputs {
        let mut inputs = Inputs::default();
        let rows: Vec<&[f32]> = states.rows().collect();
        inputs
            .fill(self.isa, (rows.len(), states.width), |row, out| out.copy_from_slice(rows[row]));
        inputs
    }
}

/// What all parts of a model are loaded with.
pub(crate) struct Loader<'a> {
    pub(crate) config: &'a LlamaConfig,
    threads: &'a ThreadPool,
    options: &'a LoadOptions,
}

impl Loader<'_> {
    fn table(&self, file: &mut ModelFile, name: &str) -> Result<Packed, EngineError> {
        self.matrix(file, name, self.config.vocabulary, self.config.hidden)
    }

    /// Reads, changes and packs a matrix.
    pub(crate) fn matrix(
        &self,
        file: &mut ModelFile,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Packed, EngineError> {
        let form = match self.options.format {
            Format::File => None,
            Format::Eight => Some(Form::Eight),
            Format::Four => Some(Form::Four),
        };
        let mut source = file.source(name, &[rows, columns])?;
        for adapter in &self.options.adapters {
            adapter.merge(self.config, name, (rows, columns), &mut source)?;
        }
        Ok(self.threads.install(|| Packed::new(&source, rows, columns, form)))
    }
}
