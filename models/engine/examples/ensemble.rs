//! What an ensemble costs beside as many models, in turns in one run:
//! `cargo run -p vedette-engine --example ensemble -- BASE.gguf ADAPTER_FOLDER`.
//!
//! Members are the adapter and copies of it whose numbers are changed a little, by a fixed seed. Each way
//! has a process of its own, so that its memory can be told.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use vedette_engine::worker::{keep_large_memory_apart, release_free_memory, resident_bytes};
use vedette_engine::{Adapter, Classifier, Heads, LoadOptions, Member, ModelFile, Tuning};
use vedette_event::{Question, QuestionId};

/// Members that are measured.
const COUNTS: [usize; 3] = [1, 2, 4];

/// How often each is asked; the best counts, for what else runs on the machine only adds.
const ROUNDS: usize = 16;

/// Lines asked about together.
const LINES: usize = 8;
const LINE: &str = "sshd failed password for invalid user admin from wan port 5-digit ssh2 then \
                    accepted publickey for deploy from lan and sudo deploy command cat etc shadow";

/// What PEFT calls the files of an adapter.
const WEIGHTS: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";

/// How far the numbers of copies are from the adapter's.
const APART: f64 = 0.05;

/// The ways, and what they are called in the table.
const WAYS: [(&str, &str); 2] = [("apart", "as many models"), ("together", "an ensemble")];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts[..] {
        [base, adapter] => compare(base, adapter),
        [base, adapter, way, count] => measure(Path::new(base), Path::new(adapter), (way, count)),
        _ => anyhow::bail!("give a base and the folder of an adapter with heads"),
    }
}

/// One way in its process: a line on standard input is a round.
fn measure(base: &Path, adapter: &Path, (way, count): (&str, &str)) -> Result<()> {
    keep_large_memory_apart();
    let members = (0..count.parse()?).map(|number| member(adapter, number));
    let members = members.collect::<Result<Vec<Member>>>()?;
    let started = processor_seconds();
    let load = |members: Vec<Member>| {
        let tuning = Tuning { members, name: "measured".to_owned() };
        let file = ModelFile::open(base, None)?;
        Ok(Classifier::new(file, tuning, LoadOptions::default())?)
    };
    let mut models: Vec<Classifier> = match way {
        "apart" => members.into_iter().map(|member| load(vec![member])).collect::<Result<_>>()?,
        _ => vec![load(members)?],
    };
    release_free_memory();
    let loaded = processor_seconds() - started;
    let question = |id: usize| Question {
        id: QuestionId(id as u64),
        text: LINE.replace("5-digit", &id.to_string()),
    };
    let questions: Vec<Question> = (0..LINES).map(question).collect();
    println!("{loaded} {}", models[0].tokens_of(&questions[0].text));
    for round in std::io::stdin().lock().lines() {
        round?;
        let mut told = String::new();
        for questions in [&questions[..1], &questions[..]] {
            let started = processor_seconds();
            for model in &mut models {
                model.answer_all(questions)?;
            }
            told += &format!("{} ", processor_seconds() - started);
        }
        let resident = resident_bytes("self").context("memory is not told here")?;
        println!("{told}{resident}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Processor time of all threads: others that use the machine add less to it than to a clock's.
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The adapter itself, or a copy with other numbers.
fn member(folder: &Path, number: usize) -> Result<Member> {
    let heads = Heads::read(&folder.join(Heads::FILE), None)?;
    if number == 0 {
        return Ok(Member { adapter: Some(Adapter::read(folder)?), heads });
    }
    let tensors = candle_core::safetensors::load(folder.join(WEIGHTS), &Device::Cpu)?;
    let mut tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    tensors.sort_by(|left, right| left.0.cmp(&right.0));
    let mut chance = number as u64;
    let mut next = || {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let changed = tensors.into_iter().map(|(name, tensor)| {
        let noise: Vec<f32> = (0..tensor.elem_count()).map(|_| next()).collect();
        let noise = Tensor::from_vec(noise, tensor.dims(), &Device::Cpu)?;
        let tensor = tensor.to_dtype(DType::F32)?;
        Ok((name, tensor.mul(&noise.affine(APART, 1.0)?)?))
    });
    let changed = changed.collect::<Result<std::collections::HashMap<_, _>>>()?;
    let copy = tempfile::tempdir()?;
    candle_core::safetensors::save(&changed, copy.path().join(WEIGHTS))?;
    std::fs::copy(folder.join(CONFIG), copy.path().join(CONFIG))?;
    Ok(Member { adapter: Some(Adapter::read(copy.path())?), heads })
}

/// A process that measures one way.
struct Measured {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
    /// The best of all rounds: processor seconds to load, for one line, for all lines; bytes resident.
    best: [f64; 4],
    /// Tokens of a line.
    tokens: f64,
}

impl Measured {
    fn start(arguments: [&str; 4]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = child.stdin.take().context("the input is piped")?;
        let says = BufReader::new(child.stdout.take().context("the output is piped")?);
        let mut measured = Self { child, asks, says, best: [f64::INFINITY; 4], tokens: 0.0 };
        let told = measured.numbers()?;
        (measured.best[0], measured.tokens) = (told[0], told[1]);
        Ok(measured)
    }

    fn numbers(&mut self) -> Result<Vec<f64>> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        ensure!(!line.is_empty(), "it ended too early");
        line.split_whitespace().map(|number| Ok(number.parse()?)).collect()
    }

    fn round(&mut self) -> Result<()> {
        writeln!(self.asks)?;
        let numbers = self.numbers()?;
        for (best, new) in self.best[1..].iter_mut().zip(numbers) {
            *best = best.min(new);
        }
        Ok(())
    }
}

/// All ways in turns.
fn compare(base: &str, adapter: &str) -> Result<()> {
    println!("| members | way | load, s | one line, ms | {LINES} lines, ms | MiB |");
    println!("|---|---|---|---|---|---|");
    let mut tokens = 0.0;
    for count in COUNTS {
        let text = count.to_string();
        let start = |(way, _): (&str, &str)| Measured::start([base, adapter, way, &text]);
        let mut all = WAYS.into_iter().map(start).collect::<Result<Vec<_>>>()?;
        for _ in 0..ROUNDS {
            all.iter_mut().try_for_each(Measured::round)?;
        }
        for (measured, (_, name)) in all.into_iter().zip(WAYS) {
            let Measured { mut child, asks, best: [load, one, all, bytes], .. } = measured;
            tokens = measured.tokens;
            drop(asks);
            child.wait()?;
            println!(
                "| {count} | {name} | {load:.2} | {:.0} | {:.0} | {:.0} |",
                one * 1e3,
                all * 1e3,
                bytes / f64::from(1 << 20)
            );
        }
    }
    println!("A line has {tokens} tokens.");
    Ok(())
}
