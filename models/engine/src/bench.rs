use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vedette_engine::worker::resident_bytes;
use vedette_engine::{Analyst, Batch, Llama, LoadOptions, ModelFile, Prompt};
use vedette_event::{Question, QuestionId};

/// Tokens read at once, and written one by one behind some.
const PROMPT_TOKENS: usize = 256;
const LEAD_TOKENS: usize = 32;
const WRITTEN_TOKENS: usize = 32;

/// Lines asked about together.
const LINES: usize = 8;

/// How often each measure is taken; the best counts, for what else runs on the machine only adds.
const ROUNDS: usize = 5;

/// A log line of about 150 tokens.
const LINE: &str = "Mar 10 08:14:02 gateway01 nginx[4721]: 203.0.113.77 - - [10/Mar/2026:08:14:02 +0000] \
                    \"GET /shop/item.php?id=-1%27+UNION+ALL+SELECT+user,password+FROM+accounts--+ HTTP/1.1\" 200 \
                    5316 \"https://shop.example.org/\" \"Mozilla/5.0 (X11; Linux x86_64)\" rt=0.412";

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Read 256 tokens.
    Read,
    /// Write 32 tokens, each the likeliest, behind 32.
    Write,
    /// Answer about one line, what stands before it being read.
    Classify,
    /// Answer about eight lines together.
    ClassifyEight,
}

impl Step {
    const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Classify, Self::ClassifyEight];

    /// How many tokens or lines it is about.
    fn count(self) -> usize {
        match self {
            Self::Read => PROMPT_TOKENS,
            Self::Write => WRITTEN_TOKENS,
            Self::Classify => 1,
            Self::ClassifyEight => LINES,
        }
    }
}

/// A model ready to be measured.
struct Bench {
    analyst: Analyst,
    load_seconds: f64,
    first_answer_seconds: f64,
}

/// Measures alone and reports once.
pub(crate) fn measure(
    path: &Path,
    sha256: &str,
    prompt: &Prompt,
    options: &LoadOptions,
) -> anyhow::Result<Value> {
    let mut bench = Bench::load(path, sha256, prompt, options)?;
    let mut report = bench.report(prompt, options.threads)?;
    for step in Step::ALL {
        let best = (0..ROUNDS).map(|_| bench.run(step)).collect::<anyhow::Result<Vec<f64>>>()?;
        let best = best.into_iter().fold(f64::INFINITY, f64::min);
        let name = serde_json::to_value(step)?;
        report[format!("{}_per_second", name.as_str().unwrap_or_default())] =
            json!(step.count() as f64 / best);
    }
    report["resident_bytes"] = json!(resident_bytes("self"));
    Ok(report)
}

/// Measures what standard input asks for, a step a line, so that somebody else can be measured in
/// between: the machine is shared, and only what runs at the same time compares.
pub(crate) fn measure_by_step(
    path: &Path,
    sha256: &str,
    prompt: &Prompt,
    options: &LoadOptions,
) -> anyhow::Result<()> {
    let mut bench = Bench::load(path, sha256, prompt, options)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", bench.report(prompt, options.threads)?)?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let step: Step = serde_json::from_str(&line?).context("no step of this program's")?;
        let seconds = bench.run(step)?;
        let resident = resident_bytes("self");
        writeln!(
            out,
            "{}",
            json!({"seconds": seconds, "count": step.count(), "resident_bytes": resident})
        )?;
        out.flush()?;
    }
    Ok(())
}

impl Bench {
    fn load(
        path: &Path,
        sha256: &str,
        prompt: &Prompt,
        options: &LoadOptions,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let file = ModelFile::open(path, Some(sha256))?;
        let mut analyst = Analyst::new(file, prompt, options)?;
        let load_seconds = started.elapsed().as_secs_f64();
        analyst.answer(&question(0))?;
        Ok(Self { analyst, load_seconds, first_answer_seconds: started.elapsed().as_secs_f64() })
    }

    /// What does not depend on the step, and the tokens of a question for who measures another engine.
    fn report(&self, prompt: &Prompt, threads: usize) -> anyhow::Result<Value> {
        let (tokenizer, llama) = (self.analyst.tokenizer(), self.llama()?);
        let cues = [&prompt.verdict.cue, &prompt.class.cue].map(|cue| tokenizer.encode_prompt(cue));
        Ok(json!({
            "bundle": self.analyst.bundle(),
            "instructions": llama.instructions(),
            "threads": threads.max(1),
            "load_seconds": self.load_seconds,
            "first_answer_seconds": self.first_answer_seconds,
            "weight_bytes": llama.weight_bytes(),
            "line_tokens": tokenizer.encode_inner(LINE).len(),
            "question_tokens": self.analyst.tokens_of(LINE),
            "before": tokenizer.encode_start(&prompt.before),
            "line": tokenizer.encode_inner(LINE),
            "after": tokenizer.encode_prompt(&prompt.after),
            "cues": cues,
        }))
    }

    fn llama(&self) -> anyhow::Result<&Llama> {
        self.analyst.llama().context("only the processor is measured here")
    }

    /// Seconds a step takes.
    fn run(&mut self, step: Step) -> anyhow::Result<f64> {
        let tokens = self.analyst.tokenizer().encode_inner(LINE).into_iter().cycle();
        let tokens: Vec<u32> = tokens.take(PROMPT_TOKENS).collect();
        let questions: Vec<Question> = (0..LINES as u64).map(question).collect();
        let llama = self.llama()?;
        let mut cache = llama.cache_of(PROMPT_TOKENS);
        if step == Step::Write {
            llama.read(&mut cache, &Batch::chain(&tokens[..LEAD_TOKENS]), &[])?;
        }
        let started = Instant::now();
        match step {
            Step::Read => {
                llama.read(&mut cache, &Batch::chain(&tokens), &[PROMPT_TOKENS - 1])?;
            }
            Step::Write => write(llama, &mut cache, tokens[LEAD_TOKENS])?,
            Step::Classify => {
                self.analyst.answer(&questions[0])?;
            }
            Step::ClassifyEight => {
                self.analyst.answer_all(&questions)?;
            }
        }
        Ok(started.elapsed().as_secs_f64())
    }
}

fn write(llama: &Llama, cache: &mut vedette_engine::KvCache, first: u32) -> anyhow::Result<()> {
    let mut next = first;
    for _ in 0..WRITTEN_TOKENS {
        let states = llama.read(cache, &Batch::chain(&[next]), &[0])?;
        let logits = llama.logits(&states);
        let scored = logits.first().context("no state came back")?.iter().enumerate();
        let best = scored.max_by(|left, right| left.1.total_cmp(right.1));
        next = u32::try_from(best.context("the vocabulary is empty")?.0)?;
    }
    Ok(())
}

fn question(number: u64) -> Question {
    // Every line differs from the others in a number, as lines do.
    Question { id: QuestionId(number), text: LINE.replace("4721", &(4721 + number).to_string()) }
}
