//! From a question in plain words to a query: the entities it names, the activity it speaks of, what
//! is counted, and when. Deterministic; the words it knows are data of the knowledge base.

mod activity;
mod clauses;
mod entities;
mod found;
mod subject;
mod threshold;
mod time_words;
mod words;

pub(crate) use activity::counting;
pub use subject::{FEATURES, KINDS, Subject, counts, features, subject, written};

use ::time::OffsetDateTime;
use vedette_event::query::{Operator, Predicate, Query, TimeRange};

use crate::shape::{DEFAULT_LIMIT, DEFAULT_WINDOW, all, any, each_field, is_everything, text};
use words::Words;

/// The longest question that is read; what stands behind is not looked at.
const MAX_QUESTION: usize = 8 * 1024;

/// From so many words on, a question is a description, in which a known phrase may stand by the way.
const DESCRIPTION: usize = 14;

/// How many plain words stand in for a question of which nothing else is understood.
const MAX_KEYWORDS: usize = 3;

/// The query a question asks for. Words nobody taught it are looked for in the lines' text.
pub fn from_intent(text: &str, now: OffsetDateTime) -> Query {
    from_intent_about(text, now, subject(bounded(text)).as_ref())
}

/// The same where somebody else says, or nobody, which kind of events a question is about.
pub fn from_intent_about(text: &str, now: OffsetDateTime, about: Option<&Subject>) -> Query {
    let words = Words::new(bounded(text));
    let found = entities::find(&words);
    // Who names fields or the number of an event, or little but a value, says all there is to say.
    let told = found.names_a_field() || found.has(entities::Kind::Code);
    let described = words.len() >= DESCRIPTION;
    let about =
        about.filter(|subject| subject.is_sure() && !told && (described || found.is_empty()));
    let described = about.filter(|_| described);
    let activity = activity::find(&words, described);
    let found =
        if activity::runs_programs(activity, about) { found } else { found.without_programs() };
    let found = match about {
        Some(subject) => found.with_texts_in(subject.text_field()),
        None => found,
    };
    let mut parts = activity::predicates(activity, about, &words, &found);
    parts.extend(found.predicates(&words));
    if activity.is_none() && found.is_empty() {
        parts.extend(Some(keywords(&words)).filter(|asked| !asks_nothing(asked)));
    }
    let filter = all(parts);
    Query {
        filter,
        aggregation: threshold::find(&words, activity),
        projection: Vec::new(),
        time: time_words::find(&words, now).unwrap_or(TimeRange::Last(DEFAULT_WINDOW)),
        limit: limit(&words),
    }
}

/// Whether a query looks for something more telling than words in the text of a line or a whole
/// category of events.
pub fn understands(query: &Query) -> bool {
    let mut telling = query.aggregation.is_some();
    each_field(&query.filter, &mut |field| {
        telling |= !matches!(
            field.0.as_str(),
            "message" | "event.category" | "event.type" | "event.module" | "host.os.type"
        );
    });
    telling
}

fn bounded(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_QUESTION);
    &text[..end]
}

/// A question without a telling word asks for every line of its window.
fn asks_nothing(asked: &Predicate) -> bool {
    matches!(asked, Predicate::Not(inner) if is_everything(inner))
}

fn keywords(words: &Words<'_>) -> Predicate {
    let mut telling: Vec<&str> = words.telling().collect();
    telling.sort_by_key(|word| std::cmp::Reverse(word.len()));
    telling.dedup();
    let kept = telling.into_iter().take(MAX_KEYWORDS);
    any(kept.map(|word| text("message", Operator::Contains, word)).collect())
}

/// "top 20", "first 50", "limit 100".
fn limit(words: &Words<'_>) -> u32 {
    words
        .pairs()
        .filter(|(word, _)| matches!(*word, "top" | "first" | "limit"))
        .find_map(|(_, number)| number.parse().ok())
        .filter(|limit| (1..=DEFAULT_LIMIT).contains(limit))
        .unwrap_or(DEFAULT_LIMIT)
}

#[cfg(test)]
mod tests;
