use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use vedette_engine::worker::resident_bytes;
use vedette_engine::{Analyst, Batch, Llama, LoadOptions, ModelFile, Prompt, Tokenizer};
use vedette_event::{Question, QuestionId};

/// Long enough that the first, cold pass does not weigh.
const LEAST_TIME: Duration = Duration::from_secs(3);

/// Tokens read at once, and written one by one.
const PROMPT_TOKENS: usize = 256;
const WRITTEN_TOKENS: usize = 32;

/// A log line of about 60 tokens.
const LINE: &str = "Mar 10 08:14:02 gateway sshd[4721]: Failed password for invalid user backup \
                    from 203.0.113.77 port 51514 ssh2";

/// Reading, writing and answering speed per second of processor time, and memory.
pub(crate) fn measure(
    path: &Path,
    mut file: ModelFile,
    prompt: &Prompt,
    options: &LoadOptions,
) -> anyhow::Result<Value> {
    let sha256 = file.sha256().to_owned();
    let started = processor_time();
    let tokenizer = Tokenizer::read(&file)?;
    let llama = Llama::load(&mut file, options)?;
    let load_seconds = (processor_time() - started).as_secs_f64();
    let (reading, writing) = (read_speed(&llama, &tokenizer)?, write_speed(&llama, &tokenizer)?);
    drop(llama);
    let mut analyst = Analyst::new(ModelFile::open(path, Some(&sha256))?, prompt, options)?;
    let question = Question { id: QuestionId(0), text: LINE.to_owned() };
    let answering = rate(|| Ok(analyst.answer(&question).map(|_| 1)?))?;
    Ok(json!({
        "bundle": analyst.bundle(),
        "threads": options.threads,
        "load_seconds": load_seconds,
        "read_tokens_per_second": reading,
        "write_tokens_per_second": writing,
        "questions_per_second": answering,
        "line_tokens": tokenizer.encode(LINE).len(),
        "question_tokens": analyst.tokens_of(LINE),
        "resident_bytes": resident_bytes("self"),
    }))
}

fn read_speed(llama: &Llama, tokenizer: &Tokenizer) -> anyhow::Result<f64> {
    let mut tokens = tokenizer.encode(LINE).into_iter().cycle();
    let tokens: Vec<u32> = tokens.by_ref().take(PROMPT_TOKENS).collect();
    let mut cache = llama.cache();
    rate(|| {
        cache.truncate(0);
        llama.read(&mut cache, &Batch::chain(&tokens), &[])?;
        Ok(tokens.len())
    })
}

fn write_speed(llama: &Llama, tokenizer: &Tokenizer) -> anyhow::Result<f64> {
    let mut cache = llama.cache();
    rate(|| {
        cache.truncate(0);
        let mut next = tokenizer.encode(LINE);
        for _ in 0..WRITTEN_TOKENS {
            let states = llama.read(&mut cache, &Batch::chain(&next), &[next.len() - 1])?;
            let logits = llama.logits(&states);
            let scored = logits.first().context("no state came back")?.iter().enumerate();
            let best = scored.max_by(|left, right| left.1.total_cmp(right.1));
            next = vec![u32::try_from(best.context("the vocabulary is empty")?.0)?];
        }
        Ok(WRITTEN_TOKENS)
    })
}

/// Things done per second of processor time, all threads together, so that a busy machine measures
/// the same as an idle one. One call to warm up, then until [`LEAST_TIME`] is spent.
fn rate(mut work: impl FnMut() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    work()?;
    let (started, mut done) = (processor_time(), 0);
    let spent = loop {
        done += work()?;
        let spent = processor_time() - started;
        if spent >= LEAST_TIME {
            break spent;
        }
    };
    Ok(done as f64 / spent.as_secs_f64())
}

/// What this process has used so far.
fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or(0))
}
