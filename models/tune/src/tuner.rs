use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candle_core::{D, Device, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use vedette_engine::{Heads as HeadsFile, ModelFile};
use vedette_event::{Severity, ThreatClass};

use crate::Recipe;
use crate::adam::{self, Learnt};
use crate::chance::Chance;
use crate::example::{Example, Lesson, Question, batches};
use crate::heads::{Heads, Part};
use crate::llama::Llama;

/// Steps over which the rates rise to full pace.
const WARM_UP: f64 = 50.0;

/// The pace that is left at the end.
const LAST_PACE: f64 = 0.02;

/// Tokens judged in a pass while measuring.
const JUDGED_TOKENS: usize = 4096;

/// Everything needed to go on after a stop.
const CHECKPOINT: &str = "checkpoint.safetensors";
const HISTORY: &str = "history.json";

/// What a run has come to so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Tokens read since the beginning.
    pub tokens: usize,
    /// By question, the loss since the progress before.
    pub loss: BTreeMap<String, f32>,
    /// By question, the share of held-out lines answered rightly: of both kinds alike for malice
    /// (strong labels), the first technique named. Empty where nobody measured.
    pub held: BTreeMap<String, f32>,
}

/// A base with what it learns, and how far it has come.
pub struct Tuner {
    llama: Llama,
    heads: Heads,
    learnt: Vec<Learnt>,
    lesson: Lesson,
    recipe: Recipe,
    plan: Vec<Vec<usize>>,
    history: Vec<Progress>,
    device: Device,
    out: PathBuf,
}

impl Tuner {
    /// Begins, or goes on where a run in the folder `out` stopped.
    ///
    /// # Errors
    /// When the base is damaged, or the folder holds a run of another recipe or base.
    pub fn new(
        file: &mut ModelFile,
        lesson: Lesson,
        recipe: Recipe,
        (device, out): (Device, &Path),
    ) -> Result<Self> {
        anyhow::ensure!(recipe.rank > 0 && recipe.length > 1, "a rank and a length are needed");
        let llama = Llama::load(file, &recipe, &mut Chance::new(recipe.seed, 1), &device)?;
        let heads = Heads::new(&lesson, llama.width(), &mut Chance::new(recipe.seed, 2), &device)?;
        let changes = llama.changes().map(|(name, value)| Learnt::new(name, value, recipe.rate));
        let layers = heads.layers().map(|(name, value)| Learnt::new(name, value, recipe.head_rate));
        let learnt = changes.chain(layers).collect::<Result<_>>()?;
        let plan = (0..recipe.epochs).flat_map(|epoch| lesson.epoch(&recipe, epoch)).collect();
        fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
        let out = out.to_owned();
        let mut tuner =
            Self { llama, heads, learnt, lesson, recipe, plan, history: Vec::new(), device, out };
        tuner.resume()?;
        Ok(tuner)
    }

    /// Steps done, and of how many.
    pub fn step(&self) -> (usize, usize) {
        (self.history.last().map_or(0, |last| last.step), self.plan.len())
    }

    /// Tokens read so far.
    pub fn tokens(&self) -> usize {
        self.history.last().map_or(0, |last| last.tokens)
    }

    /// Learns up to `steps` further steps; none when there is nothing left to do.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn advance(&mut self, steps: usize) -> Result<Option<&Progress>> {
        let (done, all) = self.step();
        let until = all.min(done.saturating_add(steps));
        if done == until {
            return Ok(None);
        }
        let mut tokens = self.tokens();
        let mut sums: BTreeMap<Question, (f32, f32)> = BTreeMap::new();
        for at in done..until {
            for (question, loss, weight) in self.learn(at)? {
                let sum = sums.entry(question).or_default();
                *sum = (sum.0 + loss, sum.1 + weight);
            }
            tokens += self.plan[at]
                .iter()
                .map(|row| self.lesson.learnt[*row].tokens.len())
                .sum::<usize>();
        }
        let mean = |(question, (loss, weight)): (Question, (f32, f32))| {
            (question.name().to_owned(), loss / weight)
        };
        let loss = sums.into_iter().map(mean).collect();
        self.history.push(Progress { step: until, tokens, loss, held: BTreeMap::new() });
        Ok(self.history.last())
    }

    /// Measures, and keeps what was learnt on disk.
    ///
    /// # Errors
    /// When the arithmetic fails or the folder cannot be written.
    pub fn keep(&mut self) -> Result<Option<&Progress>> {
        let held = self.measure()?;
        if let Some(last) = self.history.last_mut() {
            last.held = held;
        }
        self.save()?;
        Ok(self.history.last())
    }

    fn learn(&mut self, at: usize) -> Result<Vec<Part>> {
        let batch: Vec<&Example> =
            self.plan[at].iter().map(|row| &self.lesson.learnt[*row]).collect();
        let states = self.states(&batch)?;
        let mut chance = Chance::new(self.recipe.seed, 1_000_000 + at as u64);
        let kept = chance.kept(states.elem_count(), self.recipe.dropout);
        let states = (&states * Tensor::from_vec(kept, states.shape(), &self.device)?)?;
        let (loss, parts) = self.heads.loss(&states, &batch, &self.lesson, &self.recipe)?;
        let gradients = loss.backward()?;
        let pace = (self.pace(at), self.recipe.decay);
        adam::step(&mut self.learnt, &gradients, pace, at + 1)?;
        Ok(parts)
    }

    /// Rises, then falls like a cosine.
    fn pace(&self, at: usize) -> f64 {
        let risen = ((at + 1) as f64 / WARM_UP).min(1.0);
        let gone = at as f64 / self.plan.len() as f64;
        risen * (0.5 * (1.0 + (std::f64::consts::PI * gone).cos())).max(LAST_PACE)
    }

    fn states(&self, batch: &[&Example]) -> Result<Tensor> {
        let lines: Vec<&[u32]> = batch.iter().map(|one| one.tokens.as_slice()).collect();
        self.llama.states(&lines)
    }

    /// Shares of held-out lines that are answered rightly.
    fn measure(&self) -> Result<BTreeMap<String, f32>> {
        let held = &self.lesson.held;
        let mut rows: Vec<usize> = (0..held.len()).collect();
        rows.sort_by_key(|row| held[*row].tokens.len());
        // Right and asked; of malice for harmless and malicious lines apart.
        let mut tallies: BTreeMap<Question, [(f32, f32); 2]> = BTreeMap::new();
        for batch in batches(held, rows.into_iter(), JUDGED_TOKENS) {
            let batch: Vec<&Example> = batch.into_iter().map(|row| &held[row]).collect();
            let states = self.states(&batch)?.detach();
            for question in Question::ALL {
                let best =
                    self.heads.ask(question, &states)?.argmax(D::Minus1)?.to_vec1::<u32>()?;
                for (example, best) in batch.iter().zip(best) {
                    let right = self.lesson.right(example, question);
                    let malice = question == Question::Malicious;
                    if right.is_empty() || (malice && !example.is_strong()) {
                        continue;
                    }
                    let side = if malice { right[0] } else { 0 };
                    let tally = &mut tallies.entry(question).or_default()[side];
                    tally.0 += f32::from(u8::from(right.contains(&(best as usize))));
                    tally.1 += 1.0;
                }
            }
        }
        let share = |(question, sides): (Question, [(f32, f32); 2])| {
            let asked = sides.into_iter().filter(|(_, asked)| *asked > 0.0);
            let shares: Vec<f32> = asked.map(|(right, asked)| right / asked).collect();
            (question.name().to_owned(), shares.iter().sum::<f32>() / shares.len() as f32)
        };
        Ok(tallies.into_iter().map(share).collect())
    }

    /// Writes adapter, heads, history and what is needed to go on.
    fn save(&self) -> Result<()> {
        let changes = self.llama.changes().map(|(name, value)| {
            let value = self.llama.as_in_peft(&name, value.as_tensor())?;
            Ok((name, value.to_device(&Device::Cpu)?))
        });
        let changes: HashMap<String, Tensor> = changes.collect::<Result<_>>()?;
        candle_core::safetensors::save(&changes, self.out.join("adapter_model.safetensors"))?;
        let recipe = &self.recipe;
        let config = serde_json::json!({
            "peft_type": "LORA", "r": recipe.rank, "lora_alpha": recipe.alpha, "bias": "none",
        });
        fs::write(self.out.join("adapter_config.json"), config.to_string())?;
        self.save_heads()?;
        self.save_checkpoint()
    }

    fn save_heads(&self) -> Result<()> {
        let names = HashMap::from([
            ("classes".to_owned(), joined(ThreatClass::ALL)),
            ("severities".to_owned(), joined(Severity::ALL)),
            ("techniques".to_owned(), joined(&self.lesson.techniques)),
        ]);
        let parts = self.heads.layers().map(|(name, value)| {
            let values: Vec<f32> = value.flatten_all()?.to_vec1()?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            Ok((name, value.dims().to_vec(), bytes))
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let views = parts.iter().map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let bytes = safetensors::serialize(views, Some(names))?;
        Ok(fs::write(self.out.join(HeadsFile::FILE), bytes)?)
    }

    /// Written beside and moved over the last one: a stop in between loses neither. The history, which
    /// says how far it came, is in the same file.
    fn save_checkpoint(&self) -> Result<()> {
        let mut tensors = HashMap::new();
        for one in &self.learnt {
            let mut keep = |part: &str, value: &Tensor| -> Result<()> {
                tensors.insert(format!("{part}:{}", one.name), value.to_device(&Device::Cpu)?);
                Ok(())
            };
            keep("value", one.value.as_tensor())?;
            keep("first", &one.first)?;
            keep("second", &one.second)?;
        }
        let history = self.written_history()?;
        let length = history.len();
        tensors
            .insert("history".to_owned(), Tensor::from_vec(history.clone(), length, &Device::Cpu)?);
        let part = self.out.join("checkpoint.part");
        candle_core::safetensors::save(&tensors, &part)?;
        fs::rename(part, self.out.join(CHECKPOINT))?;
        Ok(fs::write(self.out.join(HISTORY), history)?)
    }

    fn written_history(&self) -> Result<Vec<u8>> {
        let recipe = format!("{:?}", self.recipe);
        Ok(serde_json::to_vec_pretty(&Kept { recipe, history: self.history.clone() })?)
    }

    fn resume(&mut self) -> Result<()> {
        let path = self.out.join(CHECKPOINT);
        if !path.exists() {
            return Ok(());
        }
        let mut tensors = candle_core::safetensors::load(&path, &self.device)?;
        let mut part = |name: String| {
            let found = tensors.remove(&name);
            found.with_context(|| format!("{} has no {name}: it is of another run", path.display()))
        };
        let kept: Kept = serde_json::from_slice(&part("history".to_owned())?.to_vec1::<u8>()?)?;
        anyhow::ensure!(
            kept.recipe == format!("{:?}", self.recipe),
            "{} holds a run of another recipe: give the same options, or another folder",
            self.out.display()
        );
        for one in &mut self.learnt {
            one.value.set(&part(format!("value:{}", one.name))?)?;
            one.first = part(format!("first:{}", one.name))?;
            one.second = part(format!("second:{}", one.name))?;
        }
        self.history = kept.history;
        Ok(())
    }
}

fn joined(names: &[impl ToString]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// How a run came so far, as it is kept on disk.
#[derive(Serialize, Deserialize)]
struct Kept {
    recipe: String,
    history: Vec<Progress>,
}
