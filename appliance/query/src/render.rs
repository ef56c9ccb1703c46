//! A query in a dialect, judged by that dialect's checker.

use time::OffsetDateTime;
use vedette_event::query::{Language, Query, RenderedQuery, TimeRange};

use crate::check::check;
use crate::lower::{Lowered, NotSupported, Platform, lower};
use crate::schema::Schema;
use crate::shape::{MAX_WINDOW, earlier, window};
use crate::{aql, local, yara_l};

/// Writes a query in a language. Never fails: what cannot be said has no text, is not valid, and says
/// why in its notes; what could be said only in part says so too. Always bounded in rows and time.
pub fn render(
    query: &Query,
    language: Language,
    schema: Option<&Schema>,
    now: OffsetDateTime,
) -> RenderedQuery {
    let written = match schema.map(|schema| schema.expect_language(language)) {
        Some(Err(other)) => Err(NotSupported { why: other.to_string() }),
        _ => write(query, language, schema),
    };
    match written {
        Ok(Written { text, mut notes, time }) => {
            let valid = match check(language, &text, schema) {
                Ok(()) => true,
                Err(error) => {
                    notes.push(format!("not valid: {error}"));
                    false
                }
            };
            let carried = language == Language::YaraL || matches!(time, TimeRange::Absolute { .. });
            let time_range = carried.then(|| window(time, now));
            RenderedQuery { language, query: Some(text), valid, time_range, notes }
        }
        Err(not_supported) => RenderedQuery {
            language,
            query: None,
            valid: false,
            time_range: None,
            notes: vec![not_supported.to_string()],
        },
    }
}

struct Written {
    text: String,
    notes: Vec<String>,
    time: TimeRange,
}

fn write(
    query: &Query,
    language: Language,
    schema: Option<&Schema>,
) -> Result<Written, NotSupported> {
    let platform: &dyn Platform = match language {
        Language::Local => &local::Local,
        Language::YaraL => &yara_l::YaraL,
        Language::Aql => &aql::Aql,
        other => {
            return Err(NotSupported { why: format!("{other} is not among the dialects written") });
        }
    };
    let Lowered { mut query, mut notes } = lower(query, platform, schema)?;
    query.time = bounded(query.time, &mut notes);
    let (text, faithful) = match language {
        Language::YaraL => {
            notes.push(format!(
                "a rule carries no row limit: {} rows are meant, set where it runs",
                query.limit
            ));
            let text = yara_l::write(&query);
            let meaning = yara_l::parse(&text).ok().and_then(|rule| yara_l::read(&rule));
            let faithful = meaning.is_some_and(|meaning| meaning.is_of(&query));
            (text, faithful)
        }
        Language::Aql => {
            query.time = aql::rounded(query.time);
            if query.aggregation.is_some() {
                notes.push("approximated: counted in fixed slices of time".to_owned());
            }
            let text = aql::write(&query, source(schema));
            let meaning = aql::parse(&text).ok().and_then(|select| aql::read(&select));
            let faithful = meaning.is_some_and(|meaning| meaning == query);
            (text, faithful)
        }
        _ => {
            let text = local::write(&query);
            let meaning = local::parse_local(&text, OffsetDateTime::UNIX_EPOCH).ok();
            let faithful = meaning.is_some_and(|meaning| meaning == query);
            (text, faithful)
        }
    };
    if !faithful {
        // The proof that one literal stays one literal failed: better no query than another one.
        return Err(NotSupported {
            why: "the text would not read back as the question".to_owned(),
        });
    }
    Ok(Written { text, notes, time: query.time })
}

/// The source that a statement reads: the schema's first, else the events.
fn source(schema: Option<&Schema>) -> &str {
    schema.and_then(|schema| schema.sources().next()).unwrap_or("events")
}

/// The window, not empty and not longer than [`MAX_WINDOW`].
fn bounded(time: TimeRange, notes: &mut Vec<String>) -> TimeRange {
    let bounded = match time {
        TimeRange::Last(span) => {
            TimeRange::Last(span.clamp(time::Duration::minutes(1), MAX_WINDOW))
        }
        TimeRange::Absolute { from, to } => {
            let to = to.max(from.saturating_add(time::Duration::seconds(1)));
            TimeRange::Absolute { from: from.max(earlier(to, MAX_WINDOW)), to }
        }
    };
    if bounded != time {
        notes.push("the window was cut to between a second and 366 days".to_owned());
    }
    bounded
}
