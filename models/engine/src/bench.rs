use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vedette_engine::worker::{release_free_memory, resident_bytes};
use vedette_engine::{Analyst, Batch, Judge, Llama, LoadOptions, ModelFile, Prompt};
use vedette_event::{LanguageModel as _, Question, QuestionId};

/// Tokens read at once, and written one by one behind some.
const PROMPT_TOKENS: usize = 256;
const LEAD_TOKENS: usize = 32;
const WRITTEN_TOKENS: usize = 32;

/// Tokens written behind each of [`OPENINGS`] to be compared with what another engine writes.
const COMPARED_TOKENS: usize = 64;

/// What is continued for that: prose, a line and a list.
const OPENINGS: [&str; 4] = [
    "A firewall is a device that",
    "Failed password for root from 203.0.113.7 port 22 ssh2\nThis line means that",
    "The three most common ways into a small company's network are:\n1.",
    "Dear colleagues,\n",
];

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
    /// Continue some texts, each time with the likeliest token.
    Greedy,
}

impl Step {
    /// Those that have a rate; the others need somebody to compare with.
    const RATED: [Self; 4] = [Self::Read, Self::Write, Self::Classify, Self::ClassifyEight];
    /// Those of a model that judges by heads.
    const JUDGED: [Self; 2] = [Self::Classify, Self::ClassifyEight];

    /// How many tokens or lines it is about.
    fn count(self) -> usize {
        match self {
            Self::Read => PROMPT_TOKENS,
            Self::Write => WRITTEN_TOKENS,
            Self::Classify => 1,
            Self::ClassifyEight => LINES,
            Self::Greedy => OPENINGS.len() * COMPARED_TOKENS,
        }
    }
}

/// How a model is asked about lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the scores of labels behind a prompt, as any model can be.
    Labels,
    /// As the appliance does: by heads, where it has some.
    Appliance,
}

/// A model ready to be measured.
struct Bench {
    judge: Judge,
    load_seconds: f64,
    first_answer_seconds: f64,
}

/// A file to measure, and how.
pub(crate) struct Subject<'a> {
    pub(crate) path: &'a Path,
    pub(crate) sha256: &'a str,
    pub(crate) heads_sha256: Option<&'a str>,
    pub(crate) prompt: &'a Prompt,
    pub(crate) options: LoadOptions,
}

/// Measures alone and reports once: by labels, and as the appliance asks where that is another way.
pub(crate) fn measure(subject: &Subject<'_>) -> anyhow::Result<Value> {
    let heads = rates(Bench::load(subject, Way::Appliance)?, subject, &Step::JUDGED)?;
    let mut report = rates(Bench::load(subject, Way::Labels)?, subject, &Step::RATED)?;
    if heads["bundle"] != report["bundle"] {
        report["as_the_appliance_asks"] = heads;
    }
    Ok(report)
}

fn rates(mut bench: Bench, subject: &Subject<'_>, steps: &[Step]) -> anyhow::Result<Value> {
    let mut report = bench.report(subject)?;
    for &step in steps {
        let best = (0..ROUNDS)
            .map(|_| bench.run(step).map(|done| done.seconds))
            .collect::<anyhow::Result<Vec<f64>>>()?;
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
pub(crate) fn measure_by_step(subject: &Subject<'_>, way: Way) -> anyhow::Result<()> {
    let mut bench = Bench::load(subject, way)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", bench.report(subject)?)?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let step: Step = serde_json::from_str(&line?).context("no step of this program's")?;
        let Done { seconds, written } = bench.run(step)?;
        let resident = resident_bytes("self");
        writeln!(
            out,
            "{}",
            json!({"seconds": seconds, "count": step.count(), "resident_bytes": resident, "written": written})
        )?;
        out.flush()?;
    }
    Ok(())
}

/// What a step took, and the tokens it wrote where those are compared.
struct Done {
    seconds: f64,
    written: Vec<Vec<u32>>,
}

impl Bench {
    fn load(subject: &Subject<'_>, way: Way) -> anyhow::Result<Self> {
        let started = Instant::now();
        let file = ModelFile::open(subject.path, Some(subject.sha256))?;
        let mut judge = match way {
            Way::Labels => {
                let analyst = Analyst::new(file, subject.prompt, &subject.options)?;
                Judge::Analyst(Box::new(analyst))
            }
            Way::Appliance => {
                let LoadOptions { threads, processor, .. } = subject.options;
                let options = LoadOptions { threads, processor, ..LoadOptions::default() };
                Judge::new(file, subject.heads_sha256, options)?
            }
        };
        // As the worker does when it serves.
        release_free_memory();
        let load_seconds = started.elapsed().as_secs_f64();
        judge.ask(&[question(0)])?;
        Ok(Self { judge, load_seconds, first_answer_seconds: started.elapsed().as_secs_f64() })
    }

    /// What does not depend on the step, and the tokens of a question for who measures another engine.
    fn report(&self, subject: &Subject<'_>) -> anyhow::Result<Value> {
        let mut report = json!({
            "bundle": self.judge.bundle(),
            "threads": subject.options.threads.max(1),
            "load_seconds": self.load_seconds,
            "first_answer_seconds": self.first_answer_seconds,
        });
        let more = match &self.judge {
            Judge::Classifier(classifier) => json!({
                "question_tokens": classifier.tokens_of(LINE),
            }),
            Judge::Analyst(analyst) => {
                let (tokenizer, llama, prompt) =
                    (analyst.tokenizer(), self.llama()?, subject.prompt);
                let cues = [&prompt.verdict.cue, &prompt.class.cue]
                    .map(|cue| tokenizer.encode_prompt(cue));
                json!({
                    "instructions": llama.instructions(),
                    "weight_bytes": llama.weight_bytes(),
                    "line_tokens": tokenizer.encode_inner(LINE).len(),
                    "question_tokens": analyst.tokens_of(LINE),
                    "before": tokenizer.encode_start(&prompt.before),
                    "line": tokenizer.encode_inner(LINE),
                    "after": tokenizer.encode_prompt(&prompt.after),
                    "cues": cues,
                    "openings": OPENINGS.map(|text| tokenizer.encode_inner(text)),
                    "compared_tokens": COMPARED_TOKENS,
                })
            }
        };
        if let (Some(report), Value::Object(more)) = (report.as_object_mut(), more) {
            report.extend(more);
        }
        Ok(report)
    }

    fn analyst(&self) -> anyhow::Result<&Analyst> {
        match &self.judge {
            Judge::Analyst(analyst) => Ok(analyst),
            Judge::Classifier(_) => bail!("a model with heads reads and judges, no more"),
        }
    }

    fn llama(&self) -> anyhow::Result<&Llama> {
        self.analyst()?.llama().context("only the processor is measured here")
    }

    /// Runs a step.
    fn run(&mut self, step: Step) -> anyhow::Result<Done> {
        let questions: Vec<Question> = (0..LINES as u64).map(question).collect();
        let mut written = Vec::new();
        let started = match step {
            Step::Read | Step::Write => self.read_or_write(step)?,
            Step::Classify | Step::ClassifyEight => {
                let started = Instant::now();
                self.judge.ask(&questions[..step.count()])?;
                started
            }
            Step::Greedy => {
                let started = Instant::now();
                for text in OPENINGS {
                    let opening = self.analyst()?.tokenizer().encode_inner(text);
                    written.push(continued(self.llama()?, &opening, COMPARED_TOKENS)?);
                }
                started
            }
        };
        Ok(Done { seconds: started.elapsed().as_secs_f64(), written })
    }

    /// Returns when what counts began.
    fn read_or_write(&self, step: Step) -> anyhow::Result<Instant> {
        let tokens = self.analyst()?.tokenizer().encode_inner(LINE).into_iter().cycle();
        let tokens: Vec<u32> = tokens.take(PROMPT_TOKENS).collect();
        let llama = self.llama()?;
        let mut cache = llama.cache_of(PROMPT_TOKENS);
        if step == Step::Read {
            let started = Instant::now();
            llama.read(&mut cache, &Batch::chain(&tokens), &[PROMPT_TOKENS - 1])?;
            return Ok(started);
        }
        llama.read(&mut cache, &Batch::chain(&tokens[..LEAD_TOKENS]), &[])?;
        let started = Instant::now();
        let mut next = tokens[LEAD_TOKENS];
        for _ in 0..WRITTEN_TOKENS {
            next = likeliest(llama, &mut cache, &[next])?;
        }
        Ok(started)
    }
}

/// The tokens that follow an opening, each the likeliest.
fn continued(llama: &Llama, opening: &[u32], count: usize) -> anyhow::Result<Vec<u32>> {
    let mut cache = llama.cache_of(opening.len() + count);
    let mut written = vec![likeliest(llama, &mut cache, opening)?];
    while written.len() < count {
        let last = written[written.len() - 1];
        written.push(likeliest(llama, &mut cache, &[last])?);
    }
    Ok(written)
}

/// The likeliest token behind some that are read.
fn likeliest(
    llama: &Llama,
    cache: &mut vedette_engine::KvCache,
    tokens: &[u32],
) -> anyhow::Result<u32> {
    let states = llama.read(cache, &Batch::chain(tokens), &[tokens.len() - 1])?;
    let logits = llama.logits(&states);
    let scored = logits.first().context("no state came back")?.iter().enumerate();
    let best = scored.max_by(|left, right| left.1.total_cmp(right.1));
    Ok(u32::try_from(best.context("the vocabulary is empty")?.0)?)
}

fn question(number: u64) -> Question {
    // Every line differs from the others in a number, as lines do.
    Question { id: QuestionId(number), text: LINE.replace("4721", &(4721 + number).to_string()) }
}
