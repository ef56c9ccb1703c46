//! `vedette model eval`: what each decider is worth on labelled lines, beside the simple baselines.

mod untuned;

use std::collections::HashMap;
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::Path;

use anyhow::{Context, anyhow};
use vedette_event::{
    Decider, LanguageModel as _, LogRecord, ModelSay, Peer, Question, QuestionId, Transport,
};
use vedette_settings::ModelDevice;
use vedette_syslog::{Received, decode};
use vedette_train::dataset::Split;
use vedette_train::evaluate::{self, Answer, Data, Differential, Sheet, Slice};
use vedette_train::learnt::LearntTemplates;
use vedette_train::recipe::Recipe;
use vedette_train::shipped;
use vedette_triage::screen::LinearScreen;
use vedette_triage::{Judge, Reading};

use crate::cli::EvalArguments;
use crate::exit::Outcome;
use crate::model::worker::{WorkerClient, WorkerSettings};
use crate::state::Home;

/// Questions put to the worker in one go.
const BATCH: usize = 16;

/// Judges that are compared, the one that should be better first.
const CONTESTS: [(&str, &str); 6] = [
    (ENSEMBLE, "screen"),
    (ENSEMBLE, WITHOUT_MODEL),
    ("model", evaluate::BAYES),
    ("screen", evaluate::BAYES),
    ("model", "screen"),
    ("model", UNTUNED),
];

const ENSEMBLE: &str = "ensemble";
const WITHOUT_MODEL: &str = "ensemble without the model";
const UNTUNED: &str = "model, untuned";

pub(crate) fn run(arguments: &EvalArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    let split = if arguments.train_split { Split::Train } else { Split::Dev };
    let mut data = evaluate::read(&arguments.data, split)?;
    let (screen, learnt) = screen(arguments.screen.as_deref())?;
    data.mark(&learnt);
    let judge = Judge::new(home.settings.triage.clone(), Box::new(screen));
    let mut asked = Asked::new(&home, arguments.no_model)?;
    let records: Vec<LogRecord> = data.samples.iter().map(|sample| record(&sample.raw)).collect();
    asked.learn(&judge, &records)?;
    let mut judges = judges(&judge, &records, &asked, &data);
    if arguments.untuned {
        judges.push((UNTUNED.to_owned(), untuned_answers(&home, &judge, &records)?));
    }
    let pairs = CONTESTS.map(|(better, worse)| (better.to_owned(), worse.to_owned()));
    let sheet = Sheet { samples: &data.samples, judges, pairs: pairs.to_vec() };
    let mut report = sheet.report()?;
    if let Some(differential) = injections(&arguments.data, &judge, &mut asked)? {
        report.differentials.push((ENSEMBLE.to_owned(), differential));
    }
    report.slices.extend(smoke(&arguments.data, &judge, &mut asked)?);
    if let Some(path) = &arguments.rows {
        rows(path, &sheet, &records)?;
    }
    if let Some(folder) = &arguments.out {
        report.write(folder)?;
    }
    write!(stdout(), "{}", report.markdown())?;
    Ok(())
}

/// The screen of a folder or the one that ships, and what it learnt from.
fn screen(folder: Option<&Path>) -> Outcome<(LinearScreen, LearntTemplates)> {
    let Some(folder) = folder else {
        return Ok((LinearScreen::embedded()?, LearntTemplates::shipped()?));
    };
    let (weights, manifest) = shipped::read(folder)?;
    let screen = LinearScreen::from_bytes(&weights, &serde_json::to_string(&manifest)?)?;
    Ok((screen, LearntTemplates::read(folder)?))
}

/// Every judge's answers; the ensemble first, for its confusion is plotted.
fn judges(
    judge: &Judge,
    records: &[LogRecord],
    asked: &Asked,
    data: &Data,
) -> Vec<(String, Vec<Answer>)> {
    let all = |who: Decider, heard: bool| {
        let one = |record: &LogRecord| {
            let hears = heard && (who == Decider::Model || judge.wants_model(record));
            let say = asked.says.get(&judge.question(record).id).filter(|_| hears);
            Answer::from(&judge.classify(record, who, say))
        };
        records.iter().map(one).collect::<Vec<Answer>>()
    };
    let mut judges = vec![(ENSEMBLE.to_owned(), all(Decider::Ensemble, true))];
    if asked.client.is_some() {
        judges.push((WITHOUT_MODEL.to_owned(), all(Decider::Ensemble, false)));
        judges.push(("model".to_owned(), all(Decider::Model, true)));
    }
    judges.push(("screen".to_owned(), all(Decider::Screen, false)));
    judges.push(("rules".to_owned(), all(Decider::Rules, false)));
    judges.extend(evaluate::baselines(&data.train, &data.samples, &Recipe::default()));
    judges
}

/// What the active model says where its tuning is left out.
fn untuned_answers(home: &Home, judge: &Judge, records: &[LogRecord]) -> Outcome<Vec<Answer>> {
    let bundle = home.bundles().find().map_err(|error| anyhow!(error))?;
    let questions: Vec<Question> = records.iter().map(|record| judge.question(record)).collect();
    let says = untuned::ask(&worker_settings(), &bundle, &questions)?;
    let said = |(record, say)| Answer::from(&judge.classify(record, Decider::Model, Some(say)));
    Ok(records.iter().zip(&says).map(said).collect())
}

/// A worker on every processor: nothing else waits for the machine.
fn worker_settings() -> WorkerSettings {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    WorkerSettings::find(u16::try_from(threads).unwrap_or(u16::MAX), ModelDevice::Auto)
}

/// The model and what it has said so far.
struct Asked {
    client: Option<WorkerClient>,
    says: HashMap<QuestionId, ModelSay>,
}

impl Asked {
    fn new(home: &Home, without: bool) -> Outcome<Self> {
        let client = (!without).then(|| {
            let bundles = home.bundles();
            bundles.find().map_err(|error| anyhow!("{error}, or leave it out with --no-model"))?;
            anyhow::Ok(WorkerClient::new(bundles, worker_settings()))
        });
        Ok(Self { client: client.transpose()?, says: HashMap::new() })
    }

    /// Asks about every line that it was not asked about before.
    fn learn(&mut self, judge: &Judge, records: &[LogRecord]) -> Outcome {
        let Some(client) = &mut self.client else { return Ok(()) };
        let mut open: Vec<Question> = records.iter().map(|record| judge.question(record)).collect();
        open.sort_by_key(|question| question.id.0);
        open.dedup_by_key(|question| question.id);
        open.retain(|question| !self.says.contains_key(&question.id));
        for (done, batch) in open.chunks(BATCH).enumerate() {
            if stderr().is_terminal() {
                eprint!("\r{} of {} lines read by the model   ", done * BATCH, open.len());
            }
            let says = client.ask(batch).map_err(|error| anyhow!(error))?;
            self.says.extend(says.into_iter().map(|say| (say.id, say)));
        }
        if stderr().is_terminal() {
            eprintln!();
        }
        Ok(())
    }
}

/// Whether injected text changes the ensemble's mind, where the data has such lines.
fn injections(data: &Path, judge: &Judge, asked: &mut Asked) -> Outcome<Option<Differential>> {
    if !data.join("injection").is_dir() {
        return Ok(None);
    }
    let twins = evaluate::twins(data)?;
    let both = |twin: &evaluate::Twins| [record(&twin.raw), record(&twin.twin)];
    let records: Vec<[LogRecord; 2]> = twins.iter().map(both).collect();
    asked.learn(judge, records.as_flattened())?;
    let answer = |record: &LogRecord| {
        let say = asked.says.get(&judge.question(record).id);
        let say = say.filter(|_| judge.wants_model(record));
        Answer::from(&judge.classify(record, Decider::Ensemble, say))
    };
    let pairs: Vec<(Answer, Answer)> =
        records.iter().map(|[line, twin]| (answer(line), answer(twin))).collect();
    Ok(Some(Differential::of(&pairs)))
}

/// Everybody on the public set of OpenSOC-AI, where the data has it. Its lines are made from a few
/// templates, so being right there proves little, and being wrong that something is broken.
fn smoke(data: &Path, judge: &Judge, asked: &mut Asked) -> Outcome<Option<Slice>> {
    let file = data.join("opensoc/opensoc_train.jsonl");
    if !file.is_file() {
        return Ok(None);
    }
    let data = evaluate::read(&file, Split::Train)?;
    let records: Vec<LogRecord> = data.samples.iter().map(|sample| record(&sample.raw)).collect();
    asked.learn(judge, &records)?;
    let judges = judges(judge, &records, asked, &data);
    let sheet = Sheet { samples: &data.samples, judges, pairs: Vec::new() };
    let all = sheet.report()?.slices.into_iter().next();
    Ok(all.map(|slice| Slice { name: "OpenSOC-AI, a smoke test".to_owned(), ..slice }))
}

/// Every judge's answer to every line, as JSON, one line each.
fn rows(path: &Path, sheet: &Sheet<'_>, records: &[LogRecord]) -> Outcome {
    let file = std::fs::File::create(path);
    let mut out = BufWriter::new(file.with_context(|| format!("cannot write {}", path.display()))?);
    for (at, sample) in sheet.samples.iter().enumerate() {
        let truth = &sample.row.truth;
        let said: serde_json::Map<_, _> = sheet
            .judges
            .iter()
            .map(|(name, answers)| {
                let Answer { malicious, verdict, class, severity, techniques, abstained } =
                    &answers[at];
                let said = serde_json::json!({
                    "score": malicious, "verdict": verdict, "threat_class": class,
                    "severity": severity, "techniques": techniques, "abstained": abstained,
                });
                (name.clone(), said)
            })
            .collect();
        let row = serde_json::json!({
            "id": sample.id, "group": sample.row.group, "novelty": sample.novelty,
            "learnt": sample.learnt,
            "malicious": truth.malicious.map(|label| label.value),
            "strong": truth.malicious.is_some_and(|label| label.strong),
            "threat_class": truth.class, "severity": truth.severity,
            "matched": !Reading::of(&records[at]).hits.is_empty(),
            "techniques": sample.techniques, "http": sample.row.http, "said": said,
        });
        writeln!(out, "{row}")?;
    }
    Ok(out.flush()?)
}

fn record(raw: &str) -> LogRecord {
    let received_at = time::OffsetDateTime::UNIX_EPOCH;
    let received = Received { received_at, peer: Peer::Local, transport: Transport::File };
    decode(raw.as_bytes().to_vec(), received)
}
