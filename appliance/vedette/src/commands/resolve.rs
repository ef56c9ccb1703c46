//! `vedette resolve`: what to do about an incident, with sources.

use std::io::{BufWriter, Write, stdout};

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use vedette_event::{Incident, PastIncident, Retriever};
use vedette_store::Reader;

use crate::cli::ResolveArguments;
use crate::commands::rows::{self, Rows, bad_row};
use crate::exit::{Failure, Outcome};
use crate::knowledge;
use crate::model::embed;
use crate::state::Home;

#[derive(Deserialize)]
struct JsonRow {
    #[serde(default)]
    id: Value,
    incident: Incident,
}

/// Where there is no store, there are no past incidents.
struct NoPast;

impl Retriever for NoPast {
    fn similar(&self, _: &Incident, _: usize) -> Vec<PastIncident> {
        Vec::new()
    }
}

pub(crate) fn run(arguments: &ResolveArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    let resolver = knowledge::resolver(&home.state)?;
    let resolver = embed::taught(resolver, embed::sentences(&home.settings, &home.state));
    let past: Box<dyn Retriever> = match Reader::open(home.state.folder()) {
        Ok(reader) => Box::new(reader),
        Err(_) => Box::new(NoPast),
    };
    if let Some(input) = &arguments.jsonl {
        let mut out = BufWriter::new(stdout().lock());
        let mut all_good = true;
        for row in Rows::new(rows::open(input)?) {
            let row = row?;
            if row.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let answer = match serde_json::from_slice::<JsonRow>(&row.bytes) {
                Ok(JsonRow { id, incident }) => {
                    let mut answer = serde_json::to_value(resolver.resolve(&incident, &*past))?;
                    answer["id"] = id;
                    answer
                }
                Err(error) => bad_row(&row.number.into(), format!("row {}: {error}", row.number)),
            };
            all_good &= answer.get("error").is_none();
            writeln!(out, "{answer}")?;
        }
        out.flush()?;
        return if all_good { Ok(()) } else { Err(Failure::Told) };
    }
    let text = rows::read_document(&arguments.incident)?;
    let incident: Incident = serde_json::from_str(&text)
        .with_context(|| format!("{} is no incident", arguments.incident.display()))?;
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&resolver.resolve(&incident, &*past))?)?;
    Ok(())
}
