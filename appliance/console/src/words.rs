//! What fixed lists, times and numbers are called on a page.

use maud::{Markup, html};
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};
use vedette_event::query::Language;
use vedette_event::{CheckState, EntityKind, ModelState, ResolutionCode, Severity, ThreatClass};

/// A severity in its colour.
pub(crate) fn badge(severity: Option<Severity>) -> Markup {
    let name = severity.map_or("unknown", Severity::as_str);
    html! { span class={ "badge " (name) } { (name) } }
}

/// A name from a fixed list as words.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

pub(crate) fn class(class: ThreatClass) -> String {
    plain(class.as_str())
}

pub(crate) fn entity(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::SourceIp => "From address",
        EntityKind::DestinationIp => "To address",
        EntityKind::User => "Account",
        EntityKind::Host => "Machine",
        EntityKind::Process => "Program",
        EntityKind::File => "File",
        EntityKind::Hash => "File hash",
        EntityKind::Url => "Web address",
        EntityKind::Domain => "Domain",
        EntityKind::Port => "Port",
    }
}

pub(crate) fn outcome(code: ResolutionCode) -> &'static str {
    match code {
        ResolutionCode::TruePositiveContained => "A real attack, stopped",
        ResolutionCode::TruePositiveActionNeeded => "A real attack, somebody must act",
        ResolutionCode::BenignExpected => "Harmless: wanted activity",
        ResolutionCode::BenignMisconfiguration => "Harmless: a fault or a wrong setting",
        ResolutionCode::Duplicate => "Known already under another number",
        ResolutionCode::NeedsHuman => "Cannot be told from here: a person must look",
    }
}

/// Whose language it is, for people who know their product better than its language's name.
pub(crate) fn language(language: Language) -> &'static str {
    match language {
        Language::YaraL => "Google SecOps (YARA-L)",
        Language::Aql => "IBM QRadar (AQL)",
        Language::Kql => "Microsoft Sentinel (KQL)",
        Language::Spl => "Splunk (SPL)",
        Language::Esql => "Elastic (ES|QL)",
        Language::Eql => "Elastic (EQL)",
        Language::Lucene => "Elastic, OpenSearch (Lucene)",
        Language::Kuery => "Kibana (KQL)",
        Language::Sigma => "Sigma rule",
        Language::LogScale => "CrowdStrike LogScale",
        Language::Local => "This box",
    }
}

/// How the language model is, in a sentence.
pub(crate) fn model(state: ModelState) -> &'static str {
    match state {
        ModelState::Up => "The language model answers.",
        ModelState::Starting => "The language model is starting; screen and rules answer so far.",
        ModelState::Down => "The language model is down: screen and rules answer alone.",
        ModelState::Missing => "The language model is missing: screen and rules answer alone.",
        ModelState::Off => "The language model is off: screen and rules answer alone.",
    }
}

pub(crate) fn check(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "good",
        CheckState::Warn => "look at it",
        CheckState::Fail => "broken",
        CheckState::NotApplicable => "not on this machine",
    }
}

/// A time to the second, in UTC.
pub(crate) fn moment(time: OffsetDateTime) -> Markup {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let machine = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let utc = time.to_offset(UtcOffset::UTC);
    html! {
        time datetime=[utc.format(machine).ok()] { (utc.format(form).unwrap_or_default()) }
    }
}

/// The same for a time that may be missing.
pub(crate) fn moment_or_dash(time: Option<OffsetDateTime>) -> Markup {
    time.map_or_else(|| html! { "—" }, moment)
}

/// How long before now something was, roughly.
pub(crate) fn ago(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let span = now - time;
    if span < Duration::minutes(1) {
        return "just now".to_owned();
    }
    format!("{} ago", length(span))
}

/// A length of time in its largest unit.
pub(crate) fn length(span: Duration) -> String {
    let (number, unit) = match span.whole_seconds().unsigned_abs() {
        seconds @ 0..60 => (seconds, "second"),
        seconds @ 60..7_200 => (seconds / 60, "minute"),
        seconds @ 7_200..172_800 => (seconds / 3_600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    counted(number, unit)
}

/// `1 line`, `2 lines`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {what}{end}", count(number))
}

/// A count with thin spaces between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1\u{2009}000"),
            (1_234_567, "1\u{2009}234\u{2009}567"),
        ] {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        let then = OffsetDateTime::UNIX_EPOCH;
        for (seconds, expected) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7_199, "119 minutes ago"),
            (7_200, "2 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(then, then + Duration::seconds(seconds)), expected);
        }
    }
}
