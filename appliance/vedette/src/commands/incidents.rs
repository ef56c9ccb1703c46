//! `vedette incidents`: list, show, close, and find them in a file.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use vedette_event::{
    Decider, EventId, Incident, IncidentId, LogRecord, Outcome as Ending, Peer, Transport,
};
use vedette_store::{IncidentFilter, IncidentOrder, Options, Reader, Store};
use vedette_syslog::{Received, decode};
use vedette_telemetry::Registry;
use vedette_triage::{Action, Engine, Policy};

use crate::cli::Incidents;
use crate::commands::rows::{self, Rows, bad_row};
use crate::deciders;
use crate::exit::{Failure, Outcome};
use crate::runtime::control::{self, Answer, Request};
use crate::sigma_rules;
use crate::state::{Home, State};

/// Before what lines lie that say neither year nor time of receipt: they get dates of 1970, which
/// nobody takes for true ones.
const END_OF_1970: OffsetDateTime = datetime!(1970-12-31 23:59:59 UTC);

/// How far a line without a year may lie behind the one before it, in time: half a year, so that both
/// a gap in a file and the turn of a year are read as what they are.
const FURTHEST_AHEAD: Duration = Duration::days(182);

/// Incidents printed by `list`.
const LISTED: usize = 1000;

pub(crate) fn run(command: Incidents) -> Outcome {
    match command {
        Incidents::List { json, configured } => list(&Home::open(&configured)?.state, json),
        Incidents::Show { id, json, configured } => show(&Home::open(&configured)?.state, id, json),
        Incidents::Close { id, code, note, configured } => {
            let author = std::env::var("USER").unwrap_or_else(|_| "command line".to_owned());
            let ending = Ending { code, note, author, at: OffsetDateTime::now_utc() };
            close(&Home::open(&configured)?, id, ending)
        }
        Incidents::From { input, json, without, configured } => {
            let home = Home::open(&configured)?;
            let sigma = sigma_rules::of_told(&home.settings, &home.state);
            let policy = leave_out(home.settings.triage, &without)?;
            from(&input, json, deciders::engine(&policy, sigma)?)
        }
    }
}

fn list(state: &State, json: bool) -> Outcome {
    let filter =
        IncidentFilter { status: None, limit: LISTED, offset: 0, order: IncidentOrder::Risk };
    let mut out = BufWriter::new(stdout().lock());
    for incident in Reader::open(state.folder())?.incidents(filter)? {
        print(&mut out, &incident, json)?;
    }
    Ok(out.flush()?)
}

fn print(out: &mut impl Write, incident: &Incident, json: bool) -> Outcome {
    if json {
        writeln!(out, "{}", serde_json::to_string(incident)?)?;
        return Ok(());
    }
    let severity = incident.severity.map_or("unknown", |severity| severity.as_str());
    let Incident { id, risk, status, members, title, .. } = incident;
    let title = title.escape_debug();
    writeln!(
        out,
        "{id:<8} {severity:<13} risk {risk:>3}  {status:<6} {members:>6} lines  {title}"
    )?;
    Ok(())
}

fn show(state: &State, id: IncidentId, json: bool) -> Outcome {
    let reader = Reader::open(state.folder())?;
    let incident = reader.incident(id)?.with_context(|| format!("there is no incident {id}"))?;
    if json {
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&incident)?)?;
        return Ok(());
    }
    print(&mut stdout(), &incident, false)?;
    for reason in &incident.risk_reasons {
        writeln!(stdout(), "  {:+4} {}", reason.points, reason.reason.escape_debug())?;
    }
    for entity in &incident.entities {
        writeln!(stdout(), "  {}: {}", entity.kind, entity.value.escape_debug())?;
    }
    for line in &incident.evidence {
        writeln!(stdout(), "  > {}", line.raw.escape_debug())?;
    }
    let (_, resolution) = reader.filing(id)?.unwrap_or_default();
    for (number, step) in resolution.iter().flat_map(|found| &found.steps).enumerate() {
        writeln!(stdout(), "  {}. {} [{}]", number + 1, step.text, step.source)?;
    }
    Ok(())
}

fn close(home: &Home, id: IncidentId, outcome: Ending) -> Outcome {
    let request = Request::Close { id, outcome: outcome.clone() };
    match control::ask(&home.state, &request)? {
        Some(Answer::Done) => {}
        Some(Answer::Failed { error }) => return Err(anyhow!(error).into()),
        Some(Answer::Status { .. }) => {
            return Err(anyhow!("the appliance answered another question").into());
        }
        None => {
            let store = Store::open(home.state.folder(), Options::default(), &Registry::default())?;
            store.writer().close_incident(id, outcome)?;
            store.close()?;
        }
    }
    writeln!(stdout(), "{id} is closed")?;
    Ok(())
}

fn leave_out(mut policy: Policy, without: &[Decider]) -> anyhow::Result<Policy> {
    for decider in without {
        match decider {
            Decider::Rules => policy.deciders.rules = false,
            Decider::Screen => policy.deciders.screen = false,
            Decider::Model => policy.deciders.model = false,
            Decider::Ensemble => bail!("only rules, screen or model can be left out"),
        }
    }
    Ok(policy)
}

#[derive(Deserialize)]
struct JsonRow {
    #[serde(default)]
    id: Value,
    raw: String,
    #[serde(default, with = "time::serde::rfc3339::option")]
    received_at: Option<OffsetDateTime>,
}

/// The incidents of a file's lines, in order, each with the ids of its members.
fn from(input: &Path, json: bool, mut engine: Engine) -> Outcome {
    let mut found = Found::default();
    let mut all_good = true;
    for row in Rows::new(rows::open(input)?) {
        let row = row?;
        if row.bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<JsonRow>(&row.bytes) {
            Ok(row) => {
                let event = EventId(found.ids.len() as u64 + 1);
                let record = found.record(row);
                found.take(engine.handle_timer(record.received_at));
                found.take(engine.handle_record(event, &record));
            }
            Err(error) => {
                all_good = false;
                let why =
                    format!("row {}: {error}; write {{\"id\": …, \"raw\": \"…\"}}", row.number);
                eprintln!("{}", bad_row(&row.number.into(), why));
            }
        }
    }
    found.print(json)?;
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

/// What triage made of the lines so far.
#[derive(Default)]
struct Found {
    /// Ids of the rows, by event number less one.
    ids: Vec<Value>,
    last_time: Option<OffsetDateTime>,
    incidents: BTreeMap<IncidentId, Incident>,
    members: BTreeMap<IncidentId, Vec<EventId>>,
}

impl Found {
    /// Windows run on `received_at`, else on the time in the line, else on the last line's time:
    /// never on the wall clock.
    fn record(&mut self, row: JsonRow) -> LogRecord {
        let JsonRow { id, raw, received_at } = row;
        self.ids.push(id);
        let ahead = || self.last_time.map_or(END_OF_1970, |last| last + FURTHEST_AHEAD);
        let received = Received {
            received_at: received_at.unwrap_or_else(ahead),
            peer: Peer::Local,
            transport: Transport::File,
        };
        let mut record = decode(raw.into_bytes(), received);
        if received_at.is_none() {
            record.received_at = record.timestamp.or(self.last_time).unwrap_or(END_OF_1970);
        }
        self.last_time = Some(record.received_at);
        record
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Incident(incident) => {
                    self.incidents.insert(incident.id, *incident);
                }
                Action::Member { incident, event } => {
                    self.members.entry(incident).or_default().push(event);
                }
                Action::Ask(_) | Action::Verdict { .. } | Action::File(_) => {}
            }
        }
    }

    fn print(self, json: bool) -> Outcome {
        let mut out = BufWriter::new(stdout().lock());
        for (id, incident) in &self.incidents {
            if !json {
                print(&mut out, incident, false)?;
                continue;
            }
            let members = self.members.get(id).into_iter().flatten();
            let ids: Vec<&Value> = members.map(|event| &self.ids[event.0 as usize - 1]).collect();
            let mut row = serde_json::to_value(incident)?;
            row["member_ids"] = serde_json::to_value(ids)?;
            writeln!(out, "{row}")?;
        }
        Ok(out.flush()?)
    }
}
