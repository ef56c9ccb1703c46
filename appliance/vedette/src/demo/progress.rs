//! What the demonstration prints while it runs.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use time::OffsetDateTime;
use time::macros::format_description;
use vedette_event::{Incident, IncidentId, Severity, TicketState};
use vedette_store::{IncidentFilter, IncidentOrder, Reader};

use super::desk::Desk;
use crate::clock::Clock;
use crate::runtime::Appliance;

/// Pause between two looks at the store.
const LOOK: Duration = Duration::from_millis(500);
/// Incidents looked at: a day of the demonstration has far fewer.
const INCIDENTS: usize = 200;
/// Width of the terminal's status line.
const WIDTH: usize = 60;

pub(super) struct Progress {
    reader: Reader,
    looked: Option<Instant>,
    /// The severity that was printed of each incident.
    shown: BTreeMap<IncidentId, Option<Severity>>,
    tickets: usize,
    terminal: bool,
}

impl Progress {
    pub(super) fn new(reader: Reader) -> Self {
        let terminal = stdout().is_terminal();
        Self { reader, looked: None, shown: BTreeMap::new(), tickets: 0, terminal }
    }

    /// Prints what is new, now and then.
    pub(super) fn show(&mut self, now: OffsetDateTime, desk: &Desk) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        for incident in self.incidents()? {
            self.show_incident(&incident, now)?;
        }
        let tickets = desk.tickets();
        for ticket in tickets.iter().skip(self.tickets) {
            self.line(&format!(
                "{}  ticket for {}: {}",
                clock_time(now),
                ticket.incident,
                inert(&ticket.title)
            ))?;
        }
        self.tickets = tickets.len();
        if self.terminal {
            let events = self.reader.last_event_id()?;
            write!(stdout(), "\r{}  {events} lines{:WIDTH$}\r", clock_time(now), "")?;
            stdout().flush()?;
        }
        Ok(())
    }

    fn incidents(&self) -> Result<Vec<Incident>> {
        let filter = IncidentFilter {
            status: None,
            limit: INCIDENTS,
            offset: 0,
            order: IncidentOrder::Newest,
        };
        let mut incidents = self.reader.incidents(filter)?;
        incidents.sort_by_key(|incident| incident.id);
        Ok(incidents)
    }

    fn show_incident(&mut self, incident: &Incident, now: OffsetDateTime) -> io::Result<()> {
        let word = match self.shown.get(&incident.id) {
            None => "new",
            Some(severity) if *severity != incident.severity => "now",
            Some(_) => return Ok(()),
        };
        let severity = incident.severity.map_or("unknown", Severity::as_str);
        self.line(&format!(
            "{}  {word} {:<7} {severity:<8} risk {:>3}  {}",
            clock_time(now),
            incident.id,
            incident.risk,
            inert(&incident.title),
        ))?;
        self.shown.insert(incident.id, incident.severity);
        Ok(())
    }

    fn line(&self, text: &str) -> io::Result<()> {
        let clear = if self.terminal { format!("\r{:WIDTH$}\r", "") } else { String::new() };
        writeln!(stdout(), "{clear}{text}")
    }

    /// Waits until every line is judged, quiet incidents have settled (at `quiet` by the day's
    /// clock) and every ticket is out.
    pub(super) fn settle(
        &mut self,
        appliance: &Appliance,
        (clock, quiet): (Clock, OffsetDateTime),
        desk: &Desk,
        limit: Duration,
    ) -> Result<()> {
        let begin = Instant::now();
        appliance.writer().flush()?;
        loop {
            self.looked = None;
            self.show(clock.now(), desk)?;
            let status = appliance.status();
            let pending = self.reader.ticket_counts()?.get(&TicketState::Pending).copied();
            if status.store.waiting == 0 && pending.unwrap_or(0) == 0 && clock.now() >= quiet {
                return Ok(());
            }
            if begin.elapsed() > limit {
                bail!("triage or tickets did not finish: {} lines wait", status.store.waiting);
            }
            sleep(LOOK);
        }
    }

    /// `N incidents, M tickets`.
    pub(super) fn summary(&self, desk: &Desk) -> Result<String> {
        let tickets =
            self.reader.ticket_counts()?.get(&TicketState::Delivered).copied().unwrap_or(0);
        let received = desk.tickets().len();
        if tickets < received as u64 {
            bail!("the desk has {received} tickets, the outbox knows of {tickets}");
        }
        Ok(format!("{} incidents, {tickets} tickets", self.incidents()?.len()))
    }
}

fn clock_time(now: OffsetDateTime) -> String {
    now.format(format_description!("[hour]:[minute]")).unwrap_or_default()
}

/// Titles name hosts and users out of log lines: no control character reaches the terminal.
fn inert(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
