//! What a question names, and how its words join and negate it.

use vedette_event::query::Predicate;

use super::entities::Kind;
use super::words::Words;
use crate::shape::{all, any};

/// Values taken of one kind; a question with more is a list, and its head stands for it.
const MAX_VALUES: usize = 12;

/// A thing that a question names.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) kind: Kind,
    /// The first word of it, its label included, and the word behind it.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) predicate: Predicate,
    pub(super) negated: bool,
}

/// The things a question names, in its order.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Term>);

/// How the words between two things join them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    And,
    Or,
    Unsaid,
}

impl Found {
    /// Adds what stands at a place of the question.
    pub(super) fn add(&mut self, words: &Words<'_>, term: Term) {
        let of_kind = self.0.iter().filter(|known| known.kind == term.kind);
        let full = of_kind.clone().count() >= MAX_VALUES;
        if full || of_kind.clone().any(|known| known.predicate == term.predicate) {
            return;
        }
        let last = self.0.last();
        let after = last.map_or(0, |last| last.to);
        // In a list the exception stands before its first value alone.
        let listed = last.is_some_and(|last| {
            last.negated && last.kind == term.kind && only_joined(words, last.to, term.from)
        });
        let negated = term.negated || listed || is_excepted(words, after, term.from);
        self.0.push(Term { negated, ..term });
    }

    /// Forgets what satisfies `unwanted`.
    pub(super) fn forget(&mut self, unwanted: impl Fn(Kind) -> bool) {
        self.0.retain(|term| !unwanted(term.kind));
    }

    /// Looks for texts that name no place of their own in this field.
    pub(super) fn with_texts_in(mut self, place: &str) -> Self {
        for term in self.0.iter_mut().filter(|term| term.kind == Kind::Fragment) {
            if let Predicate::Compare { field, .. } = &mut term.predicate
                && field.0 == "process.command_line"
            {
                place.clone_into(&mut field.0);
            }
        }
        self
    }

    /// Forgets the programs: in a question about logons `ssh` is the service, not a command.
    pub(super) fn without_programs(mut self) -> Self {
        self.forget(|kind| kind == Kind::Process);
        self
    }

    /// Whether the question names nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one of this kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.0.iter().any(|term| term.kind == kind)
    }

    /// Whether it compares a field by its name that tells more than who and where.
    pub(super) fn names_a_field(&self) -> bool {
        let tells = |field: &str| {
            !["source.", "destination.", "user.", "host."].iter().any(|who| field.starts_with(who))
        };
        self.0.iter().any(|term| matches!(term.kind, Kind::Field(field) if tells(field)))
    }

    /// What it asks: values of one kind are alternatives unless "and" joins parts of one text; kinds
    /// stand together unless "or" joins them.
    pub(super) fn predicates(&self, words: &Words<'_>) -> Vec<Predicate> {
        let mut clusters: Vec<Vec<Group>> = Vec::new();
        let mut before: Option<&Term> = None;
        for term in &self.0 {
            let link = before.map_or(Link::Unsaid, |last| link(words, last.to, term.from));
            let same = |group: &&mut Group| group.takes(term, link);
            match clusters.iter_mut().flatten().find(same) {
                Some(group) => {
                    group.together |= link == Link::And && term.kind.is_partial();
                    group.parts.push(term.predicate.clone());
                }
                None => {
                    let group = Group::of(term);
                    match clusters.last_mut().filter(|_| link == Link::Or) {
                        Some(cluster) => cluster.push(group),
                        None => clusters.push(vec![group]),
                    }
                }
            }
            before = Some(term);
        }
        let asked = |cluster: Vec<Group>| any(cluster.into_iter().map(Group::predicate).collect());
        clusters.into_iter().map(asked).collect()
    }
}

/// Values of one kind.
struct Group {
    kind: Kind,
    negated: bool,
    parts: Vec<Predicate>,
    /// Whether all of them must hold.
    together: bool,
}

impl Group {
    fn of(term: &Term) -> Self {
        let parts = vec![term.predicate.clone()];
        Self { kind: term.kind, negated: term.negated, parts, together: false }
    }

    /// A program and a piece of a command are usually alternatives or parts of one command, unless the
    /// question says "with".
    fn takes(&self, term: &Term, link: Link) -> bool {
        let command = |kind| matches!(kind, Kind::Process | Kind::Fragment);
        let one_command = command(self.kind) && command(term.kind) && link != Link::And;
        self.negated == term.negated && (self.kind == term.kind || one_command)
    }

    fn predicate(self) -> Predicate {
        let said = if self.together && !self.negated { all(self.parts) } else { any(self.parts) };
        if self.negated { Predicate::Not(Box::new(said)) } else { said }
    }
}

fn link(words: &Words<'_>, from: usize, to: usize) -> Link {
    let says = |wanted: &[&str]| (from..to).any(|at| wanted.contains(&words.lower(at)));
    if says(&["or"]) {
        Link::Or
    } else if says(&["and", "with", "containing", "plus", "contains"]) {
        Link::And
    } else {
        Link::Unsaid
    }
}

/// Whether nothing but "and" or "or" stands between two things.
fn only_joined(words: &Words<'_>, from: usize, to: usize) -> bool {
    (from..to).all(|at| matches!(words.lower(at), "and" | "or" | "nor"))
}

/// Whether an exception leads to what begins at `to`: "not from", "excluding user", "other than".
fn is_excepted(words: &Words<'_>, after: usize, to: usize) -> bool {
    const REACH: usize = 5;
    const EXCEPT: [&str; 14] = [
        "not",
        "except",
        "excluding",
        "exclude",
        "excludes",
        "without",
        "ignoring",
        "ignore",
        "isn't",
        "aren't",
        "unless",
        "besides",
        "nor",
        "excepting",
    ];
    const LEADS: [&str; 34] = [
        "from",
        "to",
        "by",
        "for",
        "on",
        "at",
        "in",
        "the",
        "any",
        "a",
        "user",
        "users",
        "account",
        "accounts",
        "host",
        "hosts",
        "port",
        "ports",
        "ip",
        "address",
        "addresses",
        "source",
        "destination",
        "network",
        "subnet",
        "process",
        "file",
        "of",
        "named",
        "called",
        "is",
        "originating",
        "coming",
        "traffic",
    ];
    for at in (after.max(to.saturating_sub(REACH))..to).rev() {
        let word = words.lower(at);
        if EXCEPT.contains(&word) || word == "than" && words.before(at) == "other" {
            return true;
        }
        if !LEADS.contains(&word) {
            return false;
        }
    }
    false
}
