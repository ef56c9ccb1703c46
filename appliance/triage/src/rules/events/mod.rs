//! What services write of themselves as objects of JSON: a table of actions, looked up by name. Only
//! fields of an event's own structure decide; the table is data, in `appliance/triage/actions`.

mod leaves;
mod table;

use std::borrow::Cow;
use std::sync::LazyLock;

use vedette_event::{ScoredTechnique, ThreatClass};

use self::leaves::Leaves;
use self::table::{Found, Table};
use super::{Hit, Strength};

/// The table's files; the first service that knows an action by name decides.
const TEXTS: [&str; 8] = [
    include_str!("../../../actions/cloud.txt"),
    include_str!("../../../actions/identity.txt"),
    include_str!("../../../actions/office.txt"),
    include_str!("../../../actions/applications.txt"),
    include_str!("../../../actions/code.txt"),
    include_str!("../../../actions/containers.txt"),
    include_str!("../../../actions/endpoints.txt"),
    include_str!("../../../actions/any.txt"),
];

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::read(TEXTS)
        .unwrap_or_else(|(line, wrong)| unreachable!("the tests read it: {line}: {wrong}"))
});

/// What is said of an event.
#[derive(Default)]
pub(super) struct Said {
    pub(super) hit: Option<Hit>,
    /// Whether words elsewhere in the event say nothing.
    pub(super) alone: bool,
}

/// What the table says of an event, if it is one that it knows.
pub(super) fn said(text: &str) -> Option<Said> {
    let start = object(text)?;
    let leaves = Leaves::of(&text[start..], TABLE.wanted());
    if leaves.is_empty() {
        return None;
    }
    let answer = TABLE.look_up(&leaves)?;
    let hit = answer.found.and_then(|found| as_hit(&found, text, start));
    Some(Said { hit, alone: answer.alone })
}

/// Where an object of JSON opens in a line.
fn object(text: &str) -> Option<usize> {
    let start = text.find('{')?;
    text[start + 1..].trim_start().starts_with('"').then_some(start)
}

/// The class of the meaning with this name, if there is one.
pub(super) fn class_of(name: &str) -> Option<ThreatClass> {
    TABLE.meanings().iter().find(|meaning| meaning.name == name).map(|meaning| meaning.class)
}

/// A failed attempt counts when it repeats; that something harmless failed says nothing.
fn as_hit(found: &Found<'_>, text: &str, start: usize) -> Option<Hit> {
    let meaning = found.meaning;
    let strength = match meaning.strength {
        Strength::Harmless if found.failed => return None,
        strength if found.failed => strength.min(Strength::Trace),
        strength => strength,
    };
    let at = text[start..].find(&found.action).map_or(start, |at| start + at);
    let score = strength.probability();
    Some(Hit {
        name: Cow::Borrowed(meaning.name),
        class: meaning.class,
        techniques: meaning
            .techniques
            .iter()
            .map(|id| ScoredTechnique { id: *id, score })
            .collect(),
        severity: meaning.severity,
        strength,
        signal: meaning.signal,
        range: at..at + found.action.len(),
    })
}

#[cfg(test)]
mod tests;
