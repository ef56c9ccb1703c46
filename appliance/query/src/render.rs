//! A query in a dialect, judged by that dialect's checker.

use time::OffsetDateTime;
use vedette_event::query::{Language, Query, RenderedQuery, TimeRange};

use crate::dialect::{self, Dialect};
use crate::lower::{Lowered, NotSupported, lower};
use crate::schema::Schema;
use crate::shape::{MAX_WINDOW, earlier, window};

/// Writes a query in a language. Never fails: what cannot be said has no text, is not valid, and says
/// why in its notes; what could be said only in part says so too. Always bounded in rows and time.
pub fn render(
    query: &Query,
    language: Language,
    schema: Option<&Schema>,
    now: OffsetDateTime,
) -> RenderedQuery {
    let dialect = dialect::of(language);
    let written = match schema.map(|schema| schema.expect_language(language)) {
        Some(Err(other)) => Err(NotSupported { why: other.to_string() }),
        _ => write(query, dialect, schema),
    };
    match written {
        Ok(Written { text, mut notes, said }) => {
            let valid = match dialect.check(&text, schema, true) {
                Ok(()) => true,
                Err(error) => {
                    notes.push(format!("not valid: {error}"));
                    false
                }
            };
            let absolute = matches!(said.time, TimeRange::Absolute { .. });
            let time_range = (absolute || !dialect.carries_time()).then(|| window(said.time, now));
            RenderedQuery { language, query: Some(text), valid, time_range, notes }
        }
        Err(reason) => not_supported(language, &reason),
    }
}

fn not_supported(language: Language, reason: &NotSupported) -> RenderedQuery {
    let notes = vec![reason.to_string()];
    RenderedQuery { language, query: None, valid: false, time_range: None, notes }
}

/// The query that a rendered text asks, on the platform's own fields, read from the text alone; what
/// the text does not carry is taken from `asked`. `None` where the text is not one that we write.
pub fn read_back(text: &str, language: Language, asked: &Query) -> Option<Query> {
    dialect::of(language).read(text).map(|meaning| meaning.into_query(asked))
}

struct Written {
    text: String,
    notes: Vec<String>,
    said: Query,
}

fn write(
    query: &Query,
    dialect: &dyn Dialect,
    schema: Option<&Schema>,
) -> Result<Written, NotSupported> {
    let Lowered { mut query, mut notes, source } = lower(query, dialect, schema)?;
    query.time = bounded(query.time, &mut notes);
    let said = dialect.adapt(query, &mut notes);
    let text = dialect.write(&said, &source);
    let meaning = dialect.read(&text);
    if !meaning.is_some_and(|meaning| meaning.is_of(&said)) {
        // The proof that one literal stays one literal failed: better no query than another one.
        return Err(NotSupported {
            why: "the text would not read back as the question".to_owned(),
        });
    }
    Ok(Written { text, notes, said })
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
