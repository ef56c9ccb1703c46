use std::collections::HashMap;
use std::ops::Range;
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
    /// Low-rank changes of which each makes a member of an ensemble, at most [`MAX_MEMBERS`]: read
    /// together, they share the layers below the lowest that one changes, and above it the matrices
    /// that a member leaves as they are.
    pub members: Vec<Adapter>,
    /// What calculates, for an [`Analyst`](crate::Analyst); [`Llama`] is of the processor only.
    pub processor: Processor,
}

impl LoadOptions {
    /// Positions a cache holds, the default put in.
    pub(crate) fn positions(&self) -> usize {
        if self.positions == 0 { POSITIONS } else { self.positions }
    }
}

/// Most members of an ensemble. Each costs its share of time and memory in full, while what it adds
/// falls: eight of the embedded base's take some 550 of the 900 MiB that the worker may use.
pub const MAX_MEMBERS: usize = 8;

/// Positions where the options say nothing.
const POSITIONS: usize = 2048;

/// A model of the Llama family with packed weights.
pub struct Llama {
    config: LlamaConfig,
    isa: Isa,
    threads: Arc<ThreadPool>,
    embedding: Packed,
    /// The layers that all members have in common: all there are, where there is no ensemble.
    trunk: Vec<Layer>,
    /// What comes above them, of each member; never empty.
    members: Vec<Vec<Layer>>,
    norm: Vec<f32>,
    /// None where the model uses the embedding again.
    output: Option<Packed>,
    rotation: Rotation,
}

/// Keys and values of the positions read so far. Allocated once; truncating forgets.
pub struct KvCache {
    /// Of the trunk, then of one member after the other.
    layers: Vec<KeyValues>,
    length: usize,
    capacity: usize,
    scratch: Scratch,
}

/// Final states, one to each row asked for; of an ensemble, all of one member's, then all of the next.
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
        let trunk = trunk_layers(&config, &options.members)?;
        let unchanged = HashMap::new();
        let mut loader = Loader { config: &config, threads: &threads, options, unchanged };
        let embedding = loader.table(file, "token_embd.weight")?;
        let output = match file.has_tensor("output.weight") {
            true => Some(loader.table(file, "output.weight")?),
            false => None,
        };
        let mut layers = |range: Range<usize>, member: Option<&Adapter>| {
            range.map(|index| Layer::load(file, &mut loader, index, member)).collect()
        };
        let members = match options.members[..] {
            [] => vec![Vec::new()],
            _ => {
                let members = options.members.iter();
                let above = members.map(|member| layers(trunk..config.layers, Some(member)));
                above.collect::<Result<_, EngineError>>()?
            }
        };
        let trunk = layers(0..trunk, None)?;
        let norm = file.values("output_norm.weight", &[config.hidden])?;
        let rotation = Rotation::new(file, &config, positions.min(config.context))?;
        let isa = Isa::best();
        Ok(Self { isa, threads, embedding, trunk, members, norm, output, rotation, config })
    }

    /// The model's measures.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The instructions it calculates with.
    pub fn instructions(&self) -> &'static str {
        self.isa.name()
    }

    /// How many members answer: one where there is no ensemble.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Bytes of the packed matrices; those that members share count once.
    pub fn weight_bytes(&self) -> usize {
        let tables = [Some(&self.embedding), self.output.as_ref()];
        let layers = self.trunk.iter().chain(self.members.iter().flatten());
        let matrices: HashMap<_, _> = layers
            .flat_map(Layer::matrices)
            .map(|matrix| (Arc::as_ptr(matrix), matrix.bytes()))
            .collect();
        tables.into_iter().flatten().map(Packed::bytes).sum::<usize>()
            + matrices.values().sum::<usize>()
    }

    /// An empty cache for as many positions as the model was loaded for.
    pub fn cache(&self) -> KvCache {
        self.cache_of(self.rotation.positions())
    }

    /// An empty cache for fewer positions.
    pub fn cache_of(&self, positions: usize) -> KvCache {
        let capacity = positions.min(self.rotation.positions());
        let new = || KeyValues::new(capacity, self.config.kv_heads, self.config.head_width);
        let layers = self.trunk.iter().chain(self.members.iter().flatten());
        let layers = layers.map(|_| new()).collect();
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

    /// Reads the batch behind what the cache holds and returns the final states of `rows`, one a row
    /// and member. The batch's own positions stay in the cache, in order: truncate unless it was one chain.
    ///
    /// # Errors
    /// When the cache is too small, or a token or row is none of the model's or the batch's.
    pub fn read(
        &self,
        cache: &mut KvCache,
        batch: &Batch,
        rows: &[usize],
    ) -> Result<States, EngineError> {
        let width = self.config.hidden;
        let mut values = vec![0.0; self.members() * rows.len() * width];
        let mut finished = values.chunks_exact_mut(width);
        self.pass(cache, batch, rows, &mut |_, layer, states| {
            let last = if layer == self.config.layers { states } else { &[] };
            for (state, out) in last.chunks_exact(width).zip(&mut finished) {
                rms_norm(self.isa, state, &self.norm, self.config.norm_epsilon, out);
            }
        })?;
        Ok(States { values, width })
    }

    /// As [`Llama::read`] for all rows, but hands the residual stream to `watch` before each layer
    /// (0 is the embedding) and after the last, a row to each token; of an ensemble, the first member's.
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
        self.pass(cache, batch, &rows, &mut |member, layer, states| {
            if member == 0 {
                watch(layer, &States { values: states.to_vec(), width });
            }
        })
    }

    fn pass(
        &self,
        cache: &mut KvCache,
        batch: &Batch,
        rows: &[usize],
        watch: &mut (dyn FnMut(usize, usize, &[f32]) + Send),
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
        self.threads.install(|| self.climb(&step, (kept, scratch), rows, watch));
        cache.length = wanted;
        Ok(())
    }

    /// Through the layers in common once, then through those of each member.
    fn climb(
        &self,
        step: &Step<'_>,
        (kept, scratch): (&mut [KeyValues], &mut Scratch),
        rows: &[usize],
        watch: &mut (dyn FnMut(usize, usize, &[f32]) + Send),
    ) {
        let (depth, trunk) = (self.config.layers, self.trunk.len());
        let mut through = |scratch: &mut Scratch, layers: &[Layer], kept: &mut [KeyValues], at| {
            let (member, first) = at;
            for (index, (layer, kept)) in (first..).zip(layers.iter().zip(kept)) {
                watch(member, index, scratch.all());
                layer.forward(step, kept, scratch, (index + 1 == depth).then_some(rows));
            }
            if first + layers.len() == depth {
                watch(member, depth, scratch.all());
            }
        };
        let (common, own) = kept.split_at_mut(trunk);
        through(scratch, &self.trunk, common, (0, 0));
        if trunk == depth {
            return;
        }
        let forked = if self.members() > 1 { scratch.all().to_vec() } else { Vec::new() };
        let members = self.members.iter().zip(own.chunks_mut(depth - trunk));
        for (member, (layers, kept)) in members.enumerate() {
            if member > 0 {
                scratch.resume(&forked);
            }
            through(scratch, layers, kept, (member, trunk));
        }
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
    /// Matrices that a member left as they are, for the others that do.
    unchanged: HashMap<String, Arc<Packed>>,
}

/// Refuses an ensemble of too many members.
pub(crate) fn bounded(members: usize) -> Result<(), EngineError> {
    match members <= MAX_MEMBERS {
        true => Ok(()),
        false => Err(EngineError::Ensemble(format!("{members} members, at most {MAX_MEMBERS}"))),
    }
}

/// How many layers the members have in common.
fn trunk_layers(config: &LlamaConfig, members: &[Adapter]) -> Result<usize, EngineError> {
    bounded(members.len())?;
    members.iter().try_for_each(|member| member.check(config))?;
    let lowest = members.iter().map(Adapter::lowest_layer).min();
    Ok(lowest.unwrap_or(config.layers))
}

impl Loader<'_> {
    fn table(&self, file: &mut ModelFile, name: &str) -> Result<Packed, EngineError> {
        self.packed(file, name, (self.config.vocabulary, self.config.hidden), None)
    }

    /// A matrix of a member's, or of all: the same one for all that leave it as it is.
    pub(crate) fn matrix(
        &mut self,
        file: &mut ModelFile,
        name: &str,
        shape: (usize, usize),
        member: Option<&Adapter>,
    ) -> Result<Arc<Packed>, EngineError> {
        if member.is_some_and(|member| member.changes(name)) {
            return Ok(Arc::new(self.packed(file, name, shape, member)?));
        }
        if let Some(matrix) = self.unchanged.get(name) {
            return Ok(Arc::clone(matrix));
        }
        let matrix = Arc::new(self.packed(file, name, shape, None)?);
        self.unchanged.insert(name.to_owned(), Arc::clone(&matrix));
        Ok(matrix)
    }

    /// Reads, changes and packs a matrix.
    fn packed(
        &self,
        file: &mut ModelFile,
        name: &str,
        (rows, columns): (usize, usize),
        member: Option<&Adapter>,
    ) -> Result<Packed, EngineError> {
        let form = match self.options.format {
            Format::File => None,
            Format::Eight => Some(Form::Eight),
            Format::Four => Some(Form::Four),
        };
        let mut source = file.source(name, &[rows, columns])?;
        for adapter in self.options.adapters.iter().chain(member) {
            adapter.merge(self.config, name, (rows, columns), &mut source)?;
        }
        Ok(self.threads.install(|| Packed::new(&source, rows, columns, form)))
    }
}
