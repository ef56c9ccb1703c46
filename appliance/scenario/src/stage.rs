//! Where the stories play: the company, the dice, the lines so far.

use std::net::Ipv4Addr;

use time::{Date, Duration, OffsetDateTime, Weekday};

use crate::company::{Company, Frame, HostId};
use crate::dice::Dice;
use crate::{Attack, AttackId, Day, Event, Kind, Sender, SenderId};

/// Syslog facility and severity as one number (RFC 5424, section 6.2.1).
pub(crate) const fn pri(facility: u8, severity: u8) -> u8 {
    facility * 8 + severity
}

/// What a story is about; [`Stage::tell`] adds it to the truth.
pub(crate) struct Plot {
    pub(crate) kind: Kind,
    pub(crate) attackers: Vec<Ipv4Addr>,
    pub(crate) victim: String,
    pub(crate) class: &'static str,
    pub(crate) techniques: &'static [&'static str],
}

pub(crate) struct Stage {
    pub(crate) company: Company,
    pub(crate) dice: Dice,
    midnight: OffsetDateTime,
    events: Vec<Event>,
    attacks: Vec<Attack>,
    label: Option<AttackId>,
}

impl Stage {
    pub(crate) fn new(seed: u64, date: Option<Date>) -> Self {
        let mut dice = Dice::new(seed);
        let drawn = draw_weekday(&mut dice);
        let midnight = date.unwrap_or(drawn).midnight().assume_utc();
        let company = Company::draw(&mut dice);
        Self { company, dice, midnight, events: Vec::new(), attacks: Vec::new(), label: None }
    }

    /// Plays a story: lines that `scenes` adds belong to it.
    pub(crate) fn tell(&mut self, plot: Plot, scenes: impl FnOnce(&mut Self)) {
        let id = AttackId(self.attacks.len());
        self.attacks.push(Attack {
            id,
            kind: plot.kind,
            attackers: plot.attackers,
            victim: plot.victim,
            is_red_herring: plot.class == "benign",
            class: plot.class,
            techniques: plot.techniques,
        });
        self.label = Some(id);
        scenes(self);
        self.label = None;
    }

    /// Whether an earlier story blames this address.
    pub(crate) fn is_known_attacker(&self, address: Ipv4Addr) -> bool {
        self.attacks.iter().any(|attack| attack.attackers.contains(&address))
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// The time of day as a time; what would be before or after the day is moved to its edge.
    pub(crate) fn time(&self, at: f64) -> OffsetDateTime {
        let micros = (at.clamp(0.0, 86_399.999) * 1e6) as i64;
        self.midnight + Duration::microseconds(micros)
    }

    /// Adds a line as it is.
    pub(crate) fn raw(&mut self, at: f64, host: HostId, line: String) {
        let event = Event {
            at: self.time(at),
            source: SenderId(host),
            line: line.into_bytes(),
            label: self.label,
        };
        self.events.push(event);
    }

    /// Adds a line in the frame that the host uses; `tag` is `app` or `app[pid]`.
    pub(crate) fn log(&mut self, at: f64, host: HostId, pri: u8, (tag, text): (&str, &str)) {
        let sender = &self.company.hosts[host];
        let time = self.time(at);
        let line = match sender.frame {
            Frame::Bsd => format!("<{pri}>{} {} {tag}: {text}", bsd_time(time), sender.name),
            Frame::Ietf => {
                let (app, pid) = match tag.split_once('[') {
                    Some((app, pid)) => (app, pid.trim_end_matches(']')),
                    None => (tag, "-"),
                };
                format!("<{pri}>1 {} {} {app} {pid} - - {text}", iso_time(time), sender.name)
            }
        };
        self.raw(at, host, line);
    }

    pub(crate) fn into_day(mut self) -> Day {
        self.events.sort_by_key(|event| event.at);
        let senders = self.company.hosts.iter().map(|host| Sender {
            hostname: host.name.clone(),
            address: host.address,
            device: host.device,
        });
        Day {
            date: self.midnight.date(),
            senders: senders.collect(),
            domain: self.company.domain.clone(),
            events: self.events,
            attacks: self.attacks,
        }
    }
}

fn draw_weekday(dice: &mut Dice) -> Date {
    let first = Date::from_ordinal_date(2026, 1).expect("2026 has a first day");
    let date = first + Duration::days(dice.range(0..=364));
    match date.weekday() {
        Weekday::Saturday => date - Duration::days(1),
        Weekday::Sunday => date - Duration::days(2),
        _ => date,
    }
}

/// `Nov  1 09:05:07` (RFC 3164, section 4.1.2).
pub(crate) fn bsd_time(time: OffsetDateTime) -> String {
    let month = &time.month().to_string()[..3];
    format!("{month} {:>2} {}", time.day(), clock(time))
}

/// `09:05:07`.
pub(crate) fn clock(time: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// `2026-11-01`.
pub(crate) fn iso_date(time: OffsetDateTime) -> String {
    format!("{:04}-{:02}-{:02}", time.year(), u8::from(time.month()), time.day())
}

/// `2026-11-01T09:05:07.000123+00:00`.
pub(crate) fn iso_time(time: OffsetDateTime) -> String {
    format!("{}T{}.{:06}+00:00", iso_date(time), clock(time), time.microsecond())
}
