use maud::{Markup, html};
use vedette_event::{EventId, EvidenceLine, Incident, LogRecord, ThreatClass, Verdict};

use crate::inert::{log_text, visible};
use crate::reply::Problem;
use crate::server::Shared;
use crate::words::{class, counted, moment};

/// Lines of the timeline; the search shows the rest.
const TIMELINE: usize = 500;
/// Lines of evidence that are open to the eye; the rest is folded.
const EVIDENCE: usize = 8;

/// Lines of a stage that are not folded: the telling ones are often alone.
const FEW: usize = 3;

type Member = (EventId, LogRecord, Option<Verdict>);

/// The lines it rests on, the telling part of each marked.
pub(super) fn evidence(incident: &Incident) -> Markup {
    let (shown, folded) = incident.evidence.split_at(EVIDENCE.min(incident.evidence.len()));
    html! {
        section #evidence {
            h2 { "Evidence" }
            div.card {
                (rows(shown))
                @if shown.is_empty() { p.soft { "No line was kept." } }
                @if !folded.is_empty() {
                    details { summary { (counted(folded.len() as u64, "more line")) } (rows(folded)) }
                }
            }
        }
    }
}

fn rows(lines: &[EvidenceLine]) -> Markup {
    html! {
        ul.plain.lines {
            @for line in lines {
                li {
                    @if let Some(id) = line.event_id { span.soft { "event " (id) } }
                    div.log { (log_text(&line.raw, line.start, line.end)) }
                }
            }
        }
    }
}

/// Its lines in order, those of one kind in a row folded into a stage.
pub(super) fn timeline(shared: &Shared, incident: &Incident) -> Result<Markup, Problem> {
    let members = shared.reader.members(incident.id, TIMELINE)?;
    let stages = members.chunk_by(|a, b| class_of(a) == class_of(b));
    Ok(html! {
        section #timeline {
            h2 { "Timeline" }
            div.card {
                @for stage in stages { (stage_of(stage)) }
                @if members.is_empty() { p.soft { "Its lines are no longer kept." } }
                @if incident.members > members.len() as u64 && members.len() == TIMELINE {
                    p.soft { "The first " (TIMELINE) " of " (counted(incident.members, "line")) "." }
                }
            }
        }
    })
}

fn class_of((_, _, verdict): &Member) -> Option<ThreatClass> {
    verdict.as_ref().map(|verdict| verdict.threat_class)
}

fn name(of: Option<ThreatClass>) -> String {
    match of {
        None => "not judged".to_owned(),
        Some(ThreatClass::Benign) => "harmless by itself".to_owned(),
        Some(of) => class(of),
    }
}

fn stage_of(stage: &[Member]) -> Markup {
    html! {
        details open[stage.len() <= FEW] {
            summary {
                (moment(stage[0].1.occurred_at())) " "
                strong { (name(class_of(&stage[0]))) }
                ", " (counted(stage.len() as u64, "line"))
            }
            ul.plain.lines {
                @for (id, record, _) in stage {
                    li {
                        span.soft { (moment(record.occurred_at())) ", event " (id) }
                        div.log { (visible(&String::from_utf8_lossy(&record.raw))) }
                    }
                }
            }
        }
    }
}
