//! `vedette triage`: lines in, verdicts out, without state and without order.

use std::collections::HashMap;
use std::io::{BufWriter, Write, stdout};

use anyhow::anyhow;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use vedette_event::{
    Decider, LanguageModel as _, LogRecord, ModelSay, Peer, Question, QuestionId, Transport,
};
use vedette_syslog::{Received, decode};
use vedette_triage::{ANSWERS_CAP, Judge};

use crate::cli::{Format, TriageArguments};
use crate::commands::rows::{self, Row, Rows, bad_row};
use crate::deciders;
use crate::exit::{Failure, Outcome};
use crate::model::worker::{WorkerClient, WorkerSettings};
use crate::sigma_rules;
use crate::state::Home;

/// Rows answered together: what the worker takes in one go.
const BATCH: usize = 16;

/// The time that decoding falls back on: a fixed one, for the same line must give the same answer.
const RECEIVED_AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

#[derive(Deserialize)]
struct JsonRow {
    #[serde(default)]
    id: Value,
    raw: String,
}

/// A row that can be answered, or why it cannot.
struct Input {
    id: Value,
    record: Result<LogRecord, String>,
}

pub(crate) fn run(arguments: &TriageArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    let sigma = sigma_rules::of_told(&home.settings, &home.state);
    let judge = deciders::judge(&home.settings.triage)?.with_rules(sigma);
    let mut answerer = Answerer {
        model: model(&home, arguments.engine, &judge)?,
        judge,
        who: arguments.engine,
        says: HashMap::new(),
    };
    let mut out = BufWriter::new(stdout().lock());
    let mut rows = Reading::new(rows::open(&arguments.input)?, arguments.format);
    let mut all_good = true;
    loop {
        let batch = rows.take(BATCH)?;
        if batch.is_empty() {
            break;
        }
        for answer in answerer.answer(batch)? {
            all_good &= answer.get("error").is_none();
            writeln!(out, "{answer}")?;
        }
        out.flush()?;
    }
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

/// The model, where it takes part: always when it is to answer alone, else when it is there and its
/// say counts.
fn model(home: &Home, who: Decider, judge: &Judge) -> Outcome<Option<WorkerClient>> {
    let alone = who == Decider::Model;
    let wanted = who == Decider::Ensemble && home.settings.model.enabled;
    if !alone && !wanted {
        return Ok(None);
    }
    let bundles = home.bundles();
    match bundles.find() {
        Ok(_) if alone || judge.hears_model() => {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let settings = WorkerSettings::find(
                u16::try_from(threads).unwrap_or(u16::MAX),
                home.settings.model.device,
            );
            Ok(Some(WorkerClient::new(bundles, settings)))
        }
        Ok(_) => {
            eprintln!(
                "vedette: the language model's weight is zero by its measured quality: screen and rules answer"
            );
            Ok(None)
        }
        Err(error) if alone => Err(anyhow!(error).into()),
        Err(error) => {
            eprintln!("vedette: {error}; screen and rules answer");
            Ok(None)
        }
    }
}

/// Rows of either form.
struct Reading {
    rows: Rows,
    format: Format,
}

impl Reading {
    fn new(input: Box<dyn std::io::BufRead>, format: Format) -> Self {
        Self { rows: Rows::new(input), format }
    }

    fn take(&mut self, most: usize) -> Outcome<Vec<Input>> {
        let mut inputs = Vec::new();
        while inputs.len() < most {
            let Some(row) = self.rows.next() else { break };
            inputs.extend(self.read(row?));
        }
        Ok(inputs)
    }

    fn read(&mut self, row: Row) -> Option<Input> {
        let blank = row.bytes.iter().all(u8::is_ascii_whitespace);
        if matches!(self.format, Format::Auto) && !blank {
            let first: Result<JsonRow, _> = serde_json::from_slice(&row.bytes);
            self.format = if first.is_ok() { Format::Jsonl } else { Format::Text };
        }
        if matches!(self.format, Format::Text | Format::Auto) {
            return (!blank)
                .then(|| Input { id: row.number.into(), record: Ok(record(row.bytes)) });
        }
        (!blank).then(|| match serde_json::from_slice::<JsonRow>(&row.bytes) {
            Ok(JsonRow { id, raw }) => Input { id, record: Ok(record(raw.into_bytes())) },
            Err(error) => Input {
                id: id_of(&row),
                record: Err(format!(
                    "row {}: {error}; write {{\"id\": …, \"raw\": \"…\"}}",
                    row.number
                )),
            },
        })
    }
}

/// The id of a row that is otherwise unusable, else its number.
fn id_of(row: &Row) -> Value {
    let value: Option<Value> = serde_json::from_slice(&row.bytes).ok();
    value.and_then(|value| value.get("id").cloned()).unwrap_or_else(|| row.number.into())
}

fn record(raw: Vec<u8>) -> LogRecord {
    decode(
        raw,
        Received { received_at: RECEIVED_AT, peer: Peer::Local, transport: Transport::File },
    )
}

struct Answerer {
    judge: Judge,
    who: Decider,
    model: Option<WorkerClient>,
    /// What the model said of the questions so far: many lines are one question.
    says: HashMap<QuestionId, ModelSay>,
}

impl Answerer {
    fn answer(&mut self, batch: Vec<Input>) -> Outcome<Vec<Value>> {
        let says = self.ask(&batch)?;
        let mut answers = Vec::with_capacity(batch.len());
        for (input, say) in batch.into_iter().zip(says) {
            answers.push(match input.record {
                Ok(record) => {
                    let verdict = self.judge.classify(&record, self.who, say.as_ref());
                    let mut answer = serde_json::to_value(verdict)?;
                    answer["id"] = input.id;
                    answer
                }
                Err(why) => bad_row(&input.id, why),
            });
        }
        Ok(answers)
    }

    /// What the model says of each row; when it fails, the ensemble goes on without it.
    fn ask(&mut self, batch: &[Input]) -> Outcome<Vec<Option<ModelSay>>> {
        let Some(model) = &mut self.model else { return Ok(vec![None; batch.len()]) };
        let alone = self.who == Decider::Model;
        let question = |input: &Input| {
            let record = input.record.as_ref().ok()?;
            (alone || self.judge.wants_model(record)).then(|| self.judge.question(record))
        };
        let asked: Vec<Option<Question>> = batch.iter().map(question).collect();
        let mut new: Vec<Question> = asked.iter().flatten().cloned().collect();
        new.retain(|question| !self.says.contains_key(&question.id));
        new.sort_by_key(|question| question.id.0);
        new.dedup_by_key(|question| question.id);
        if self.says.len() + new.len() > ANSWERS_CAP {
            self.says.clear();
        }
        let answered = if new.is_empty() { Ok(Vec::new()) } else { model.ask(&new) };
        match answered {
            Ok(says) => {
                self.says.extend(says.into_iter().map(|say| (say.id, say)));
                let say = |question: &Option<Question>| {
                    question.as_ref().and_then(|question| self.says.get(&question.id).cloned())
                };
                Ok(asked.iter().map(say).collect())
            }
            Err(error) if self.who == Decider::Model => Err(anyhow!(error).into()),
            Err(error) => {
                eprintln!("vedette: {error}; screen and rules answer");
                self.model = None;
                Ok(vec![None; batch.len()])
            }
        }
    }
}
