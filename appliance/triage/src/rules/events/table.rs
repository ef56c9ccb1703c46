//! The table of actions: read from text, looked up by what an event says. Its form is told in
//! `appliance/triage/actions/README.md`.

use std::collections::HashMap;

use thiserror::Error;
use vedette_event::{ParseTaxonomyError, Severity, TechniqueId, ThreatClass};

use super::super::{Signal, Strength};
use super::leaves::{Field, Leaves, Wanted, dotted, is, normal, normal_action, normal_path};

/// Why a line of the table cannot be read.
#[derive(Debug, Error)]
pub(super) enum Wrong {
    #[error("{0:?} is no directive, verdict, action or condition here")]
    Form(String),
    #[error("an action stands before any service or verdict")]
    Homeless,
    #[error("{0:?} is no strength")]
    Strength(String),
    #[error("{0:?} is no signal")]
    Signal(String),
    #[error("a taxonomy has no such name")]
    Taxonomy(#[from] ParseTaxonomyError),
}

/// What an action means.
pub(super) struct Meaning {
    pub(super) name: &'static str,
    pub(super) strength: Strength,
    pub(super) severity: Severity,
    pub(super) class: ThreatClass,
    pub(super) techniques: Vec<TechniqueId>,
    pub(super) signal: Signal,
}

/// What a field must say; alternatives, of which one is enough.
enum Test {
    Is(Vec<String>),
    Holds(Vec<String>),
    Above(f64),
    There,
}

struct Condition {
    field: Field,
    test: Test,
    negated: bool,
}

impl Condition {
    fn holds(&self, leaves: &Leaves) -> bool {
        leaves.values(self.field).any(|value| self.test.passes(value)) != self.negated
    }
}

impl Test {
    fn passes(&self, value: &str) -> bool {
        match self {
            Self::Is(known) => known.iter().any(|known| is(value, known)),
            Self::Holds(parts) => {
                let value: String = value
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .map(|c| c.to_ascii_lowercase())
                    .collect();
                parts.iter().any(|part| value.contains(part.as_str()))
            }
            Self::Above(least) => value.parse::<f64>().is_ok_and(|number| number > *least),
            Self::There => true,
        }
    }
}

/// An action with what must hold besides.
struct Row {
    meaning: usize,
    conditions: Vec<Condition>,
    /// Whether it asks how the action ended, so that an attempt that failed is meant too or left out.
    asks_outcome: bool,
}

/// What an event says its action is.
struct Action {
    /// As the event says it.
    said: String,
    /// In normal form.
    key: String,
    /// Where words begin in that: behind what is no letter or digit, and at a capital.
    words: Vec<usize>,
}

impl Action {
    fn of(fields: &[Field], leaves: &Leaves) -> Option<Self> {
        let said = leaves.shallowest(*fields.first()?)?.to_owned();
        let mut action = Self { said, key: String::new(), words: Vec::new() };
        for field in fields {
            action.add(leaves.shallowest(*field).unwrap_or_default());
        }
        (!action.key.is_empty()).then_some(action)
    }

    fn add(&mut self, text: &str) {
        let name = normal_action(text);
        if name.is_empty() {
            return;
        }
        if !self.key.is_empty() {
            self.key.push('.');
        }
        let mut at = self.key.len();
        self.key.push_str(&name);
        let bytes = text.trim_matches(|c: char| !c.is_ascii_alphanumeric()).as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            let before = index.checked_sub(1).map_or(b' ', |before| bytes[before]);
            let next_small = bytes.get(index + 1).is_some_and(u8::is_ascii_lowercase);
            let capital = byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || next_small);
            if byte.is_ascii_alphanumeric() && (!before.is_ascii_alphanumeric() || capital) {
                self.words.push(at);
            }
            at += usize::from(byte.is_ascii_alphanumeric() || *byte == b'.');
        }
    }

    fn has_word(&self, start: &str) -> bool {
        self.words.iter().any(|at| self.key.get(*at..).is_some_and(|rest| rest.starts_with(start)))
    }
}

/// What an action is compared with, in normal form.
enum Pattern {
    /// What it begins with, ends with, and holds between.
    Glob { start: String, between: Vec<String>, end: String },
    /// One of each group begins a word of it.
    Words(Vec<Vec<String>>),
}

impl Pattern {
    /// A name with stars, each of which stands for anything.
    fn glob(name: &str) -> Self {
        let mut parts: Vec<String> = name.split('*').map(dotted).collect();
        let end = parts.pop().unwrap_or_default();
        let start = if parts.is_empty() { String::new() } else { parts.remove(0) };
        Self::Glob { start, between: parts, end }
    }

    fn fits(&self, action: &Action) -> bool {
        match self {
            Self::Glob { start, between, end } => {
                let name = action.key.as_str();
                name.len() >= start.len() + end.len()
                    && name.starts_with(start.as_str())
                    && name.ends_with(end.as_str())
                    && between.iter().all(|part| name.contains(part.as_str()))
            }
            Self::Words(groups) => {
                groups.iter().all(|group| group.iter().any(|word| action.has_word(word)))
            }
        }
    }
}

/// Where events of one kind come from, and what their actions mean.
#[derive(Default)]
struct Service {
    marks: Vec<Vec<Condition>>,
    /// Fields that say the action; of several in one, the texts are joined.
    actions: Vec<Vec<Field>>,
    failed: Vec<Condition>,
    /// Whether its fields say all, so that words elsewhere in the event say nothing.
    alone: bool,
    exact: HashMap<String, Vec<Row>>,
    patterns: Vec<(Pattern, Row)>,
    any: Vec<Row>,
}

/// What was found for an event.
pub(super) struct Found<'t> {
    pub(super) meaning: &'t Meaning,
    /// What the event calls it.
    pub(super) action: String,
    /// Whether it was tried and failed.
    pub(super) failed: bool,
}

/// What the table says of an event.
pub(super) struct Answer<'t> {
    /// Its meaning; none where the action is known and means nothing under the circumstances.
    pub(super) found: Option<Found<'t>>,
    /// Whether nothing else in the event's text counts.
    pub(super) alone: bool,
}

/// What an action's name says in a service.
enum Named<'t> {
    /// Nothing: the name is not known.
    Not,
    /// It is known, and no row's conditions hold.
    Idle,
    Row(&'t Row),
}

impl Service {
    fn is_marked(&self, leaves: &Leaves) -> bool {
        self.marks.iter().any(|mark| mark.iter().all(|condition| condition.holds(leaves)))
    }

    /// The row for an action: by its whole name, else by the first pattern that fits it.
    fn named(&self, action: &Action, leaves: &Leaves) -> Named<'_> {
        let exact = self.exact.get(action.key.as_str()).into_iter().flatten();
        let like =
            self.patterns.iter().filter(|(pattern, _)| pattern.fits(action)).map(|(_, row)| row);
        let mut named = Named::Not;
        for row in exact.chain(like) {
            if row.conditions.iter().all(|condition| condition.holds(leaves)) {
                return Named::Row(row);
            }
            named = Named::Idle;
        }
        named
    }
}

/// The whole table.
#[derive(Default)]
pub(super) struct Table {
    meanings: Vec<Meaning>,
    services: Vec<Service>,
    fields: HashMap<String, Field>,
    aliases: HashMap<String, Field>,
    wanted: Wanted,
}

impl Table {
    /// Reads texts, services in their order; or the line that is wrong, and why.
    pub(super) fn read(
        texts: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, (&'static str, Wrong)> {
        let mut table = Self::default();
        for text in texts {
            for line in text.lines().map(str::trim) {
                if !line.is_empty() && !line.starts_with('#') {
                    table.line(line).map_err(|wrong| (line, wrong))?;
                }
            }
        }
        Ok(table)
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// What an event's action means: the first service that knows it by name decides.
    pub(super) fn look_up(&self, leaves: &Leaves) -> Option<Answer<'_>> {
        for service in self.services.iter().filter(|service| service.is_marked(leaves)) {
            for fields in &service.actions {
                let Some(action) = Action::of(fields, leaves) else { continue };
                match service.named(&action, leaves) {
                    Named::Not => {}
                    Named::Idle => return Some(Answer { found: None, alone: service.alone }),
                    Named::Row(row) => return Some(self.found(service, row, action.said, leaves)),
                }
            }
            let fits = |row: &&Row| row.conditions.iter().all(|condition| condition.holds(leaves));
            if let Some(row) = service.any.iter().find(fits) {
                return Some(self.found(service, row, String::new(), leaves));
            }
        }
        None
    }

    fn found(&self, service: &Service, row: &Row, action: String, leaves: &Leaves) -> Answer<'_> {
        let failed = !row.asks_outcome && service.failed.iter().any(|sign| sign.holds(leaves));
        let found = Found { meaning: &self.meanings[row.meaning], action, failed };
        Answer { found: Some(found), alone: service.alone }
    }

    fn line(&mut self, line: &'static str) -> Result<(), Wrong> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "alias" => self.alias(rest),
            "service" => {
                self.services.push(Service::default());
                Ok(())
            }
            "mark" => {
                let mark = self.conditions(rest)?;
                self.service()?.marks.push(mark);
                Ok(())
            }
            "failed" => {
                let failed = self.conditions(rest)?;
                self.service()?.failed = failed;
                Ok(())
            }
            "alone" => {
                self.service()?.alone = true;
                Ok(())
            }
            "action" => {
                let mut actions = Vec::new();
                for joined in rest.split_whitespace() {
                    actions.push(joined.split('+').map(|path| self.field(path)).collect());
                }
                self.service()?.actions = actions;
                Ok(())
            }
            "=" => self.meaning(rest),
            _ => self.rows(line),
        }
    }

    fn service(&mut self) -> Result<&mut Service, Wrong> {
        self.services.last_mut().ok_or(Wrong::Homeless)
    }

    fn alias(&mut self, rest: &'static str) -> Result<(), Wrong> {
        let (name, paths) = rest.split_once(' ').ok_or_else(|| Wrong::Form(rest.to_owned()))?;
        let field = self.new_field();
        self.aliases.insert(name.to_owned(), field);
        for path in paths.split_whitespace() {
            self.wanted.add(path, field);
        }
        Ok(())
    }

    fn new_field(&self) -> Field {
        Field::try_from(self.fields.len() + self.aliases.len()).expect("the table has fewer fields")
    }

    fn field(&mut self, path: &str) -> Field {
        let known = self.aliases.get(path).or_else(|| self.fields.get(&normal_path(path)));
        if let Some(known) = known {
            return *known;
        }
        let field = self.new_field();
        self.fields.insert(normal_path(path), field);
        self.wanted.add(path, field);
        field
    }

    /// `STRENGTH SEVERITY CLASS TECHNIQUES [SIGNAL] | NAME`
    fn meaning(&mut self, text: &'static str) -> Result<(), Wrong> {
        let wrong = || Wrong::Form(text.to_owned());
        let (columns, name) = text.split_once('|').ok_or_else(wrong)?;
        let columns: Vec<&str> = columns.split_whitespace().collect();
        let (&[strength, severity, class, techniques], signal) =
            columns.split_first_chunk::<4>().ok_or_else(wrong)?;
        let techniques = match techniques {
            "-" => Vec::new(),
            ids => ids.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        self.meanings.push(Meaning {
            name: name.trim(),
            strength: strength_of(strength)?,
            severity: severity.parse()?,
            class: class.parse()?,
            techniques,
            signal: signal.first().map_or(Ok(Signal::None), |signal| signal_of(signal))?,
        });
        Ok(())
    }

    /// `ACTION... [? CONDITION...]`, or `+ WORDS... [? CONDITION...]`
    fn rows(&mut self, line: &str) -> Result<(), Wrong> {
        let (actions, conditions) = line.split_once('?').unwrap_or((line, ""));
        let meaning = self.meanings.len().checked_sub(1).ok_or(Wrong::Homeless)?;
        if let Some(words) = actions.strip_prefix("+ ") {
            let group = |words: &str| words.split('|').map(dotted).collect();
            let groups = words.split_whitespace().map(group).collect();
            let row = self.row(meaning, conditions)?;
            self.service()?.patterns.push((Pattern::Words(groups), row));
            return Ok(());
        }
        for action in actions.split_whitespace() {
            let row = self.row(meaning, conditions)?;
            let service = self.service()?;
            match action {
                "*" => service.any.push(row),
                _ if action.contains('*') => service.patterns.push((Pattern::glob(action), row)),
                _ => service.exact.entry(normal_action(action)).or_default().push(row),
            }
        }
        Ok(())
    }

    fn row(&mut self, meaning: usize, conditions: &str) -> Result<Row, Wrong> {
        let conditions = self.conditions(conditions)?;
        let failed = &self.service()?.failed;
        let about = |condition: &Condition| failed.iter().any(|sign| sign.field == condition.field);
        let asks_outcome = conditions.iter().any(about);
        Ok(Row { meaning, conditions, asks_outcome })
    }

    fn conditions(&mut self, text: &str) -> Result<Vec<Condition>, Wrong> {
        text.split_whitespace().map(|one| self.condition(one)).collect()
    }

    /// `PATH`, `!PATH`, `PATH=A,B`, `PATH!=A,B`, `PATH~A,B`, `PATH!~A,B` or `PATH>NUMBER`.
    fn condition(&mut self, text: &str) -> Result<Condition, Wrong> {
        let sign = text.find(['=', '~', '>']);
        let (path, test) = match sign.map(|at| text.split_at(at)) {
            None => (text, Test::There),
            Some((path, values)) => {
                (path, test(values).ok_or_else(|| Wrong::Form(text.to_owned()))?)
            }
        };
        let bare = path.trim_matches('!');
        Ok(Condition { field: self.field(bare), negated: bare.len() < path.len(), test })
    }
}

/// What follows a path: a sign and values.
fn test(text: &str) -> Option<Test> {
    let values = &text[1..];
    match &text[..1] {
        "=" => Some(Test::Is(values.split(',').map(normal).collect())),
        "~" => Some(Test::Holds(values.split(',').map(str::to_ascii_lowercase).collect())),
        _ => values.parse().ok().map(Test::Above),
    }
}

fn strength_of(name: &str) -> Result<Strength, Wrong> {
    Ok(match name {
        "harmless" => Strength::Harmless,
        "trace" => Strength::Trace,
        "weak" => Strength::Weak,
        "likely" => Strength::Likely,
        "strong" => Strength::Strong,
        "proof" => Strength::Proof,
        _ => return Err(Wrong::Strength(name.to_owned())),
    })
}

fn signal_of(name: &str) -> Result<Signal, Wrong> {
    Ok(match name {
        "login-failed" => Signal::AuthFailure,
        "login" => Signal::AuthSuccess,
        _ => return Err(Wrong::Signal(name.to_owned())),
    })
}
