//! What only shows over many lines: counters with windows by time of receipt, one row of a table each,
//! in bounded memory. A single failed login or a single missing page never fires.

use std::collections::{HashMap, VecDeque};

use time::{Duration, OffsetDateTime};
use vedette_event::{EventId, Severity, ThreatClass};

use crate::rules::Signal;

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A signal of the single-line rules.
    Signal(Signal),
    /// A request answered with a client error (4xx).
    WebError,
    /// A login form sent to a web application and not redirected onwards.
    LoginPost,
    /// Any web request.
    WebRequest,
    /// A line that is worth a look alone ([`crate::rules::Strength::Likely`]).
    Suspicious,
    /// A line the screen alone is sure of.
    ScreenSure,
}

/// Whose count it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum By {
    Source,
    User,
    Host,
}

/// What must differ between the counted lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distinct {
    Nothing,
    Port,
    Destination,
    User,
    Source,
    Object,
    Host,
}

/// A row of the table: fires when `threshold` lines fall into `seconds`.
pub(crate) struct Counter {
    pub(crate) name: &'static str,
    pub(crate) counted: Counted,
    pub(crate) by: By,
    pub(crate) distinct: Distinct,
    pub(crate) threshold: usize,
    pub(crate) seconds: i64,
    pub(crate) class: ThreatClass,
    pub(crate) techniques: &'static [&'static str],
    pub(crate) severity: Severity,
    /// Only sources inside the owner's networks.
    pub(crate) internal_only: bool,
}

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// What most rows share.
const ROW: Counter = Counter {
    name: "",
    counted: Counted::Suspicious,
    by: By::Source,
    distinct: Distinct::Nothing,
    threshold: 5,
    seconds: 10 * MINUTE,
    class: ThreatClass::BruteForce,
    techniques: &["T1110.001"],
    severity: Severity::Medium,
    internal_only: false,
};

/// The counters. Thresholds: accounts usually lock at five wrong passwords, so five in ten minutes is
/// no longer a typing error, and nobody types
/// three of them in five seconds; a browser that meets ten different missing pages in five minutes is
/// looking for something; a dozen refused ports in five minutes is a scan.
pub(crate) const COUNTERS: &[Counter] = &[
    Counter { name: "password guessing", counted: Counted::Signal(Signal::AuthFailure), ..ROW },
    Counter {
        name: "password guessing by a program",
        counted: Counted::Signal(Signal::AuthFailure),
        threshold: 3,
        seconds: 5,
        ..ROW
    },
    Counter {
        name: "web login guessing",
        counted: Counted::LoginPost,
        threshold: 6,
        seconds: 2 * MINUTE,
        ..ROW
    },
    Counter {
        name: "slow password guessing",
        counted: Counted::Signal(Signal::AuthFailure),
        threshold: 10,
        seconds: DAY,
        ..ROW
    },
    Counter {
        name: "one password tried on many accounts",
        counted: Counted::Signal(Signal::AuthFailure),
        distinct: Distinct::User,
        threshold: 4,
        seconds: 60 * MINUTE,
        techniques: &["T1110.003"],
        ..ROW
    },
    Counter {
        name: "one account attacked from many addresses",
        counted: Counted::Signal(Signal::AuthFailure),
        by: By::User,
        distinct: Distinct::Source,
        threshold: 5,
        seconds: 60 * MINUTE,
        techniques: &["T1110.004"],
        ..ROW
    },
    Counter { name: "probing of a login service", counted: Counted::Signal(Signal::Probe), ..ROW },
    Counter {
        name: "port scan",
        counted: Counted::Signal(Signal::Denied),
        distinct: Distinct::Port,
        threshold: 12,
        seconds: 5 * MINUTE,
        class: ThreatClass::Reconnaissance,
        techniques: &["T1046"],
        ..ROW
    },
    Counter {
        name: "search for machines",
        counted: Counted::Signal(Signal::Denied),
        distinct: Distinct::Destination,
        threshold: 10,
        seconds: 5 * MINUTE,
        class: ThreatClass::Reconnaissance,
        techniques: &["T1018"],
        ..ROW
    },
    Counter {
        name: "web server searched for weak spots",
        counted: Counted::WebError,
        distinct: Distinct::Object,
        threshold: 10,
        seconds: 5 * MINUTE,
        class: ThreatClass::Reconnaissance,
        techniques: &["T1595.003"],
        ..ROW
    },
    Counter {
        name: "several suspicious lines from one source",
        threshold: 2,
        seconds: 60 * MINUTE,
        class: ThreatClass::Reconnaissance,
        techniques: &["T1595"],
        ..ROW
    },
    Counter {
        name: "flood of web requests",
        counted: Counted::WebRequest,
        threshold: 300,
        seconds: MINUTE,
        class: ThreatClass::DenialOfService,
        techniques: &["T1499.002"],
        severity: Severity::High,
        ..ROW
    },
    Counter {
        name: "flood past the cache",
        counted: Counted::Signal(Signal::CacheBypass),
        distinct: Distinct::Nothing,
        threshold: 15,
        seconds: MINUTE,
        class: ThreatClass::DenialOfService,
        techniques: &["T1499.002"],
        severity: Severity::High,
        ..ROW
    },
    Counter {
        name: "mail refused again and again",
        counted: Counted::Signal(Signal::MailRefused),
        class: ThreatClass::Phishing,
        techniques: &["T1566"],
        ..ROW
    },
    Counter {
        name: "name server probed",
        counted: Counted::Signal(Signal::DnsRefused),
        threshold: 6,
        seconds: DAY,
        class: ThreatClass::Reconnaissance,
        techniques: &["T1590.002"],
        ..ROW
    },
    Counter {
        name: "data hidden in name queries",
        counted: Counted::Signal(Signal::DnsOdd),
        distinct: Distinct::Object,
        threshold: 15,
        class: ThreatClass::CommandAndControl,
        techniques: &["T1071.004"],
        severity: Severity::High,
        ..ROW
    },
    Counter {
        name: "many files changed at once",
        counted: Counted::Signal(Signal::FileChange),
        by: By::Host,
        distinct: Distinct::Object,
        threshold: 40,
        seconds: 2 * MINUTE,
        class: ThreatClass::Ransomware,
        techniques: &["T1486"],
        severity: Severity::Critical,
        ..ROW
    },
    Counter {
        name: "logons to many machines from one",
        counted: Counted::Signal(Signal::RemoteLogon),
        distinct: Distinct::Host,
        threshold: 6,
        class: ThreatClass::LateralMovement,
        techniques: &["T1021"],
        severity: Severity::High,
        internal_only: true,
        ..ROW
    },
    Counter {
        name: "many payments refused",
        counted: Counted::Signal(Signal::PaymentRefused),
        threshold: 4,
        class: ThreatClass::PolicyViolation,
        techniques: &["T1657"],
        ..ROW
    },
    Counter {
        name: "lines unlike any harmless one",
        counted: Counted::ScreenSure,
        threshold: 5,
        class: ThreatClass::PolicyViolation,
        techniques: &[],
        severity: Severity::Low,
        ..ROW
    },
];

/// Most keys that counters remember: a scan from a botnet brings thousands of sources a day; 16384
/// rows of a few hundred bytes stay under 16 MiB.
pub(crate) const KEYS_CAP: usize = 16_384;

/// Most lines remembered of one count: past it a count fires anyway.
const LINES_CAP: usize = 512;

/// One observation for a counter.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) event: EventId,
    pub(crate) at: OffsetDateTime,
    /// Hash of what must differ between lines that count.
    pub(crate) distinct: u64,
}

/// How far lines of several machines may be out of order before the clock was set back: a time zone's
/// worth, where a file was put together.
const OUT_OF_ORDER: Duration = Duration::DAY;

#[derive(Debug)]
struct Window {
    lines: VecDeque<Observation>,
    /// How many of the lines share what must differ.
    shares: HashMap<u64, u32>,
    fired: Option<OffsetDateTime>,
    last: OffsetDateTime,
}

impl Window {
    fn new(last: OffsetDateTime) -> Self {
        Self { lines: VecDeque::new(), shares: HashMap::new(), fired: None, last }
    }

    fn push(&mut self, seen: Observation) {
        *self.shares.entry(seen.distinct).or_default() += 1;
        self.lines.push_back(seen);
        if self.lines.len() > LINES_CAP {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(line) = self.lines.pop_front() else { return };
        if let Some(share) = self.shares.get_mut(&line.distinct) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&line.distinct);
            }
        }
    }

    /// Drops lines older than the window; lines come nearly in order of their time.
    fn drop_before(&mut self, horizon: OffsetDateTime) {
        while self.lines.front().is_some_and(|line| line.at < horizon) {
            self.pop();
        }
    }
}

/// The windows of all counters.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    rows: HashMap<(usize, String), Window>,
}

impl Windows {
    /// Counts a line for counter number `row` under `key`; the lines that led to it when it fires.
    pub(crate) fn count(
        &mut self,
        row: usize,
        key: &str,
        seen: Observation,
    ) -> Option<Vec<EventId>> {
        let counter = &COUNTERS[row];
        if self.rows.len() >= KEYS_CAP {
            self.evict();
        }
        let span = Duration::seconds(counter.seconds);
        let now = seen.at;
        let window = self.rows.entry((row, key.to_owned())).or_insert_with(|| Window::new(now));
        if now.saturating_add(OUT_OF_ORDER.max(span)) < window.last {
            // The clock was set back: what it counted before says nothing of now.
            *window = Window::new(now);
        }
        window.last = window.last.max(now);
        window.push(seen);
        window.drop_before(window.last.saturating_sub(span));
        // Either way: after a clock was set back, it would stay quiet until that time comes again.
        let quiet = window.fired.is_none_or(|fired| (now - fired).abs() > span);
        if window.shares.len() < counter.threshold || !quiet {
            return None;
        }
        window.fired = Some(now);
        Some(window.lines.iter().map(|line| line.event).collect())
    }

    /// How many lines counter `name` has for `key`, or its threshold if it fired in the last day.
    pub(crate) fn standing(&self, name: &str, key: &str, at: OffsetDateTime) -> usize {
        let Some(row) = COUNTERS.iter().position(|counter| counter.name == name) else { return 0 };
        let Some(window) = self.rows.get(&(row, key.to_owned())) else { return 0 };
        let counter = &COUNTERS[row];
        let recent = |fired: OffsetDateTime| at - fired <= Duration::DAY;
        if window.fired.is_some_and(recent) {
            return counter.threshold.max(window.shares.len());
        }
        let horizon = at.saturating_sub(Duration::seconds(counter.seconds));
        if window.last < horizon { 0 } else { window.shares.len() }
    }

    /// Number of windows kept.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Drops the older half.
    fn evict(&mut self) {
        let mut times: Vec<_> = self.rows.values().map(|window| window.last).collect();
        let middle = times.len() / 2;
        let limit = *times.select_nth_unstable(middle).1;
        let before = self.rows.len();
        self.rows.retain(|_, window| window.last > limit);
        if self.rows.len() == before {
            self.rows.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(event: u64, seconds: i64) -> Observation {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(seconds);
        Observation { event: EventId(event), at, distinct: event }
    }

    #[test]
    fn five_failures_within_the_window_fire_once() {
        for (gap, expected) in [(10, 1), (200, 0), (119, 1)] {
            let mut windows = Windows::default();
            let fired = (0..5)
                .filter(|number| {
                    windows
                        .count(0, "192.0.2.1", seen(*number, i64::try_from(*number).unwrap() * gap))
                        .is_some()
                })
                .count();
            assert_eq!(fired, expected, "{gap} seconds apart");
        }
    }

    #[test]
    fn a_clock_that_jumps_shuts_no_window() {
        const YEARS: i64 = 10 * 365 * 86_400;
        for jump in [3_600, -3_600, YEARS, -YEARS] {
            let mut windows = Windows::default();
            let mut fires = |from: u64, offset: i64| {
                let lines = (from..from + 5).map(|number| seen(number, offset + 1));
                lines.filter_map(|line| windows.count(0, "192.0.2.1", line)).count()
            };
            assert_eq!([fires(0, 0), fires(10, jump), fires(20, 0)], [1, 1, 1], "by {jump} s");
        }
    }

    #[test]
    fn the_table_stays_bounded() {
        let mut windows = Windows::default();
        for number in 0..3 * KEYS_CAP as u64 {
            windows.count(0, &number.to_string(), seen(number, 0));
            assert!(windows.len() <= KEYS_CAP);
        }
    }
}
