use std::path::Path;

use time::OffsetDateTime;

use crate::{Check, CheckName, State};

/// This code was written in it: an earlier year means a clock that has lost the time.
const FIRST_YEAR: i32 = 2026;

/// Further ahead than any box of ours will run.
const LAST_YEAR: i32 = 2100;

/// systemd-timesyncd touches it whenever it has set the clock (systemd-timesyncd.service(8)).
const TIMESYNCD_FLAG: &str = "systemd/timesync/synchronized";

/// Services that keep the clock but leave no trace of whether they have: their pid files, and how to
/// ask them.
const OTHER_SERVICES: [(&str, &str); 3] = [
    ("chrony/chronyd.pid", "chronyc tracking"),
    ("ntpd.pid", "ntpq -p"),
    ("ntpd-rs/observe", "ntp-ctl status"),
];

pub(crate) fn plausible(now: OffsetDateTime) -> Check {
    let (state, advice) = if (FIRST_YEAR..=LAST_YEAR).contains(&now.year()) {
        (State::Ok, "")
    } else {
        (State::Fail, ", which cannot be; set the clock or give it a time server")
    };
    let date = now.date();
    Check::new(CheckName::Clock, state, format!("the clock says {date}{advice}"))
        .with("unix_seconds", now.unix_timestamp() as f64)
}

pub(crate) fn synchronised(run: &Path) -> Check {
    let name = CheckName::ClockSync;
    if run.join(TIMESYNCD_FLAG).exists() {
        return Check::new(name, State::Ok, "set by systemd-timesyncd");
    }
    if run.join(TIMESYNCD_FLAG).parent().is_some_and(Path::exists) {
        let detail = "systemd-timesyncd has not reached a time server; check the network and \
                      /etc/systemd/timesyncd.conf";
        return Check::new(name, State::Warn, detail);
    }
    match OTHER_SERVICES.iter().find(|(trace, _)| run.join(trace).exists()) {
        Some((_, ask)) => {
            let detail = format!("a time service runs that does not tell here; ask it: `{ask}`");
            Check::new(name, State::NotApplicable, detail)
        }
        None => Check::new(name, State::NotApplicable, "no time service is known here"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use time::macros::datetime;

    use super::*;

    #[test]
    fn years_must_be_possible() {
        for (now, state) in [
            (datetime!(1970-01-01 0:00 UTC), State::Fail),
            (datetime!(2025-12-31 23:59 UTC), State::Fail),
            (datetime!(2026-01-01 0:00 UTC), State::Ok),
            (datetime!(2101-01-01 0:00 UTC), State::Fail),
        ] {
            assert_eq!(plausible(now).state, state, "{now}");
        }
    }

    #[test]
    fn time_services_are_known_by_their_traces() {
        for (trace, state, part) in [
            (None, State::NotApplicable, "no time service"),
            (Some("systemd/timesync/synchronized"), State::Ok, "timesyncd"),
            (Some("systemd/timesync/clock"), State::Warn, "has not reached"),
            (Some("chrony/chronyd.pid"), State::NotApplicable, "chronyc tracking"),
        ] {
            let run = tempfile::tempdir().unwrap();
            if let Some(trace) = trace {
                let path = run.path().join(trace);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            let check = synchronised(run.path());
            assert_eq!(check.state, state, "{trace:?}");
            assert!(check.detail.contains(part), "{}", check.detail);
        }
    }
}
