//! A day of a small company as syslog, with attacks hidden in it.
//!
//! [`Day::generate`] draws a company (people, machines, addresses, habits) from a seed and lets it work
//! from midnight to midnight: firewalls, Linux, Windows, web, mail, wireless, storage. Attacks and
//! red herrings are told in [`Day::attacks`], and each of their lines carries its label. The same seed
//! gives the same bytes; another seed gives other hosts, people, times, wording and attacks.
//!
//! The crate must not know how triage decides, nor triage this crate: it is an independent test. The
//! lines follow the devices' documented formats and are written here; none is taken from a real log.
//!
//! Start reading at [`Day`]; `company` draws the company, `devices` write lines, `noise` is the
//! ordinary work, `attacks` and `herrings` are the stories.

mod attacks;
mod company;
mod devices;
mod dice;
mod herrings;
mod noise;
mod stage;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use time::{Date, OffsetDateTime};

/// Addresses that the shipped indicator pack lists for exercises; some attackers use them.
pub const EXERCISE_ADDRESSES: [Ipv4Addr; 6] = [
    Ipv4Addr::new(203, 0, 113, 66),
    Ipv4Addr::new(203, 0, 113, 157),
    Ipv4Addr::new(198, 51, 100, 23),
    Ipv4Addr::new(198, 51, 100, 201),
    Ipv4Addr::new(192, 0, 2, 44),
    Ipv4Addr::new(192, 0, 2, 222),
];

/// What kind of day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether there are attacks; the red herrings are there in any case.
    pub attacks: bool,
    /// How many lines, about; raised where the stories alone are more.
    pub lines: usize,
    /// Which day; a weekday drawn from the seed when `None`. Times are UTC.
    pub date: Option<Date>,
}

impl Default for Options {
    fn default() -> Self {
        Self { attacks: true, lines: 8_000, date: None }
    }
}

/// Index into [`Day::senders`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub usize);

/// A machine that sends syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// As it names itself in its lines.
    pub hostname: String,
    /// Its address in the company's network.
    pub address: Ipv4Addr,
    /// Make and role, for a person.
    pub device: &'static str,
}

/// Index into [`Day::attacks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttackId(pub usize);

/// A line as it leaves its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: OffsetDateTime,
    /// Who sends it.
    pub source: SenderId,
    /// The syslog message with its PRI, without transport framing.
    pub line: Vec<u8>,
    /// The attack or red herring it belongs to; ordinary work has none.
    pub label: Option<AttackId>,
}

/// What a story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Passwords are guessed over SSH until one fits; then root, then a way back in.
    SshBruteForce,
    /// Scan, injection, web shell, connection out.
    WebExploitation,
    /// A lured user, an encoded script, shadow copies deleted, services and antivirus stopped.
    RansomwarePrecursor,
    /// Much data from a workstation to a new host at night.
    Exfiltration,
    /// A few common passwords at every mailbox or VPN account.
    PasswordSpray,
    /// A program that calls home at steady intervals.
    Beaconing,
    /// Stolen rights used from one machine to the next.
    LateralMovement,
    /// Somebody mistypes twice, then gets in.
    MistypedPassword,
    /// The company's own vulnerability scanner.
    VulnerabilityScanner,
    /// The nightly backup to the known host.
    NightlyBackup,
    /// Monitoring that asks every few minutes.
    HealthChecks,
    /// A search engine reads the web site.
    Crawler,
    /// The certificate is renewed.
    CertificateRenewal,
    /// A cron job that fails all day.
    FailingCron,
    /// The administrator at work.
    AdminWork,
    /// Windows installs updates.
    WindowsUpdate,
}

/// The truth about a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Its index.
    pub id: AttackId,
    /// What it is.
    pub kind: Kind,
    /// Addresses that are to blame: the attacker's, or the harmless actor's. May be empty.
    pub attackers: Vec<Ipv4Addr>,
    /// Name of the machine or service it is aimed at.
    pub victim: String,
    /// Threat class that fits, as the product names it; `benign` for red herrings.
    pub class: &'static str,
    /// ATT&CK techniques in order of the story.
    pub techniques: &'static [&'static str],
    /// Whether it only looks like an attack.
    pub is_red_herring: bool,
}

/// A day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Which day, in UTC.
    pub date: Date,
    /// The company's mail and web domain.
    pub domain: String,
    /// Machines that send.
    pub senders: Vec<Sender>,
    /// Lines, in order of time.
    pub events: Vec<Event>,
    /// Attacks and red herrings.
    pub attacks: Vec<Attack>,
}

impl Day {
    /// Draws a day; the same seed and options give the same day.
    pub fn generate(seed: u64, options: Options) -> Self {
        let mut stage = stage::Stage::new(seed, options.date);
        if options.attacks {
            attacks::play(&mut stage);
        }
        herrings::play(&mut stage);
        noise::fill(&mut stage, options.lines);
        stage.into_day()
    }

    /// The stories that triage should find.
    pub fn real_attacks(&self) -> impl Iterator<Item = &Attack> {
        self.attacks.iter().filter(|attack| !attack.is_red_herring)
    }

    /// The stories that it should not.
    pub fn red_herrings(&self) -> impl Iterator<Item = &Attack> {
        self.attacks.iter().filter(|attack| attack.is_red_herring)
    }

    /// The lines of a story, in order of time.
    pub fn lines_of(&self, id: AttackId) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.label == Some(id))
    }
}
