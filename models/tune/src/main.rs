//! `vedette-tune`: tunes a Llama on examples.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use candle_core::Device;
use clap::Parser;
use vedette_engine::{ModelFile, Tokenizer};
use vedette_tune::{Lesson, Recipe, Tuner};

/// Steps between two lines of the log: some minutes on a slow processor.
const STEPS: usize = 5;

/// Time after which what was learnt is measured and kept, so that a stop loses little.
const KEPT_EVERY: Duration = Duration::from_secs(600);

#[derive(Parser)]
#[command(
    about = "Tunes a Llama with low-rank changes and heads; the same command goes on after a stop"
)]
struct Cli {
    /// The base, a GGUF file.
    base: PathBuf,
    /// What `vedette-train examples` wrote.
    examples: PathBuf,
    /// Folder for the adapter, the heads, the history and the checkpoint.
    out: PathBuf,
    /// Stop after so many minutes, with all kept.
    #[arg(long, default_value_t = 75.0)]
    minutes: f64,
    #[command(flatten)]
    recipe: Recipe,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut file = ModelFile::open(&cli.base, None)?;
    let examples = File::open(&cli.examples)
        .with_context(|| format!("{} cannot be read", cli.examples.display()))?;
    let tokenizer = Tokenizer::read(&file)?;
    let lesson = Lesson::read(BufReader::new(examples), &tokenizer, &cli.recipe)?;
    let device = device()?;
    let mut tuner = Tuner::new(&mut file, lesson, cli.recipe, (device, &cli.out))?;
    let (done, all) = tuner.step();
    println!("step {done} of {all}");
    let most = Duration::try_from_secs_f64(cli.minutes * 60.0).context("--minutes is no time")?;
    let (begun, mut kept, mut before) = (Instant::now(), Instant::now(), tuner.tokens());
    while begun.elapsed() < most {
        let started = Instant::now();
        let Some(progress) = tuner.advance(STEPS)? else { break };
        let read = progress.tokens - before;
        let pace = read as f64 / started.elapsed().as_secs_f64();
        println!("step {}, {pace:.0} tokens/s, loss {:.3?}", progress.step, progress.loss);
        before = progress.tokens;
        if kept.elapsed() > KEPT_EVERY {
            tuner.keep()?;
            kept = Instant::now();
        }
    }
    if let Some(progress) = tuner.keep()? {
        println!("right on held-out lines: {:.3?}", progress.held);
    }
    let (done, all) = tuner.step();
    if done < all {
        println!("time is up after step {done} of {all}: the same command goes on");
    }
    Ok(())
}

#[cfg(feature = "cuda")]
fn device() -> Result<Device> {
    Ok(Device::new_cuda(0)?)
}

#[cfg(not(feature = "cuda"))]
fn device() -> Result<Device> {
    Ok(Device::Cpu)
}
