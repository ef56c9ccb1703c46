//! `vedette query`: an intent or an incident as a query of a SIEM.

use std::fs;
use std::io::{BufWriter, Write, stdout};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use vedette_event::Incident;
use vedette_event::query::{Language, RenderedQuery};
use vedette_query::{Schema, from_incident, from_intent, render};

use crate::cli::QueryArguments;
use crate::commands::rows::{self, Rows, bad_row};
use crate::exit::{Failure, Outcome};

#[derive(Deserialize)]
struct JsonRow {
    #[serde(default)]
    id: Value,
    language: Language,
    intent: Option<String>,
    incident: Option<Incident>,
}

pub(crate) fn run(arguments: &QueryArguments) -> Outcome {
    let now = OffsetDateTime::now_utc();
    let schema = arguments.schema.as_ref().map(|path| {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Schema::parse(&text).with_context(|| format!("cannot use {}", path.display()))
    });
    let schema = schema.transpose()?;
    if let Some(input) = &arguments.jsonl {
        return answer_rows(Rows::new(rows::open(input)?), schema.as_ref(), now);
    }
    let language = arguments.language.context("a language is needed: --language")?;
    let incident = arguments.incident.as_ref().map(|path| {
        let text = rows::read_document(path)?;
        serde_json::from_str(&text).with_context(|| format!("{} is no incident", path.display()))
    });
    let wanted = Wanted { intent: arguments.intent.clone(), incident: incident.transpose()? };
    let rendered = wanted.render(language, schema.as_ref(), now)?;
    for note in &rendered.notes {
        eprintln!("vedette: {note}");
    }
    match rendered.query {
        Some(query) => {
            writeln!(stdout(), "{query}")?;
            Ok(())
        }
        None => Err(Failure::Told),
    }
}

/// What is looked for: an incident, an intent, or an incident in the light of an intent.
struct Wanted {
    intent: Option<String>,
    incident: Option<Incident>,
}

impl Wanted {
    fn render(
        self,
        language: Language,
        schema: Option<&Schema>,
        now: OffsetDateTime,
    ) -> Outcome<RenderedQuery> {
        let query = match (&self.incident, &self.intent) {
            (Some(incident), _) => from_incident(incident, now),
            (None, Some(intent)) => from_intent(intent, now),
            (None, None) => {
                return Err(anyhow!("nothing to look for: give an intent or an incident").into());
            }
        };
        Ok(render(&query, language, schema, now))
    }
}

fn answer_rows(rows: Rows, schema: Option<&Schema>, now: OffsetDateTime) -> Outcome {
    let mut out = BufWriter::new(stdout().lock());
    let mut all_good = true;
    for row in rows {
        let row = row?;
        if row.bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match serde_json::from_slice::<JsonRow>(&row.bytes) {
            Ok(JsonRow { id, language, intent, incident }) => {
                match (Wanted { intent, incident }).render(language, schema, now) {
                    Ok(rendered) => answer(&id, &rendered)?,
                    Err(_) => bad_row(&id, "nothing to look for: give an intent or an incident"),
                }
            }
            Err(error) => bad_row(&row.number.into(), format!("row {}: {error}", row.number)),
        };
        all_good &= answer.get("error").is_none();
        writeln!(out, "{answer}")?;
    }
    out.flush()?;
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

fn answer(id: &Value, rendered: &RenderedQuery) -> Outcome<Value> {
    let mut answer = json!({ "id": id });
    if let (Value::Object(answer), Value::Object(rendered)) =
        (&mut answer, serde_json::to_value(rendered)?)
    {
        answer.extend(rendered);
    }
    Ok(answer)
}
