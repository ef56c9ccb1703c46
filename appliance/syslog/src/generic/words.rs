//! The words that tell an outcome, or behind which a user is named: found in one pass.

use std::sync::LazyLock;

use crate::search::Search;

/// What a word tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Failure,
    /// Where nothing tells of failure.
    Success,
    /// A user may be named from here on.
    Name,
    /// The same, from the bracket before on.
    NameBefore,
}

/// A word; the marks say that no letter or digit may stand before or behind it.
type Word = (&'static str, Meaning, [bool; 2]);

const ANYWHERE: [bool; 2] = [false, false];
const BEGINS: [bool; 2] = [true, false];
const WHOLE: [bool; 2] = [true, true];

const WORDS: &[Word] = &[
    ("fail", Meaning::Failure, ANYWHERE),
    ("denied", Meaning::Failure, ANYWHERE),
    ("deny", Meaning::Failure, BEGINS),
    ("invalid", Meaning::Failure, ANYWHERE),
    ("incorrect", Meaning::Failure, ANYWHERE),
    ("reject", Meaning::Failure, ANYWHERE),
    ("refused", Meaning::Failure, ANYWHERE),
    ("unauthorised", Meaning::Failure, ANYWHERE),
    ("unauthorized", Meaning::Failure, ANYWHERE),
    ("forbidden", Meaning::Failure, ANYWHERE),
    ("block", Meaning::Failure, BEGINS),
    ("drop", Meaning::Failure, BEGINS),
    ("wrong", Meaning::Failure, ANYWHERE),
    ("unsuccess", Meaning::Failure, ANYWHERE),
    ("bad password", Meaning::Failure, ANYWHERE),
    ("not allowed", Meaning::Failure, ANYWHERE),
    ("illegal", Meaning::Failure, ANYWHERE),
    ("unknown user", Meaning::Failure, ANYWHERE),
    ("no such user", Meaning::Failure, ANYWHERE),
    ("ban", Meaning::Failure, WHOLE),
    ("banned", Meaning::Failure, WHOLE),
    ("mismatch", Meaning::Failure, ANYWHERE),
    ("autherr", Meaning::Failure, ANYWHERE),
    ("echec", Meaning::Failure, ANYWHERE),
    ("accepted", Meaning::Success, ANYWHERE),
    ("success", Meaning::Success, ANYWHERE),
    ("succeeded", Meaning::Success, ANYWHERE),
    ("logged in", Meaning::Success, ANYWHERE),
    ("granted", Meaning::Success, ANYWHERE),
    ("allowed", Meaning::Success, ANYWHERE),
    ("session opened", Meaning::Success, ANYWHERE),
    ("user", Meaning::Name, BEGINS),
    ("uname", Meaning::Name, BEGINS),
    ("account", Meaning::Name, BEGINS),
    ("acct", Meaning::Name, BEGINS),
    ("login", Meaning::Name, BEGINS),
    ("principal", Meaning::Name, BEGINS),
    ("email", Meaning::Name, BEGINS),
    ("e-mail", Meaning::Name, BEGINS),
    ("identifiant", Meaning::Name, BEGINS),
    ("invalid ", Meaning::Name, BEGINS),
    ("illegal ", Meaning::Name, BEGINS),
    ("unknown ", Meaning::Name, BEGINS),
    ("bad ", Meaning::Name, BEGINS),
    ("nonexistent ", Meaning::Name, BEGINS),
    ("non-existent ", Meaning::Name, BEGINS),
    ("for ", Meaning::Name, BEGINS),
    ("by ", Meaning::Name, BEGINS),
    ("as ", Meaning::Name, BEGINS),
    ("of ", Meaning::Name, BEGINS),
    ("password ", Meaning::Name, BEGINS),
    ("authentication ", Meaning::Name, BEGINS),
    ("session ", Meaning::Name, BEGINS),
    ("logon ", Meaning::Name, BEGINS),
    ("auth ", Meaning::Name, BEGINS),
    ("] fail login", Meaning::NameBefore, ANYWHERE),
    ("] ok login", Meaning::NameBefore, ANYWHERE),
];

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let texts: Vec<_> = WORDS.iter().map(|(text, ..)| *text).collect();
    Search::words(&texts)
});

/// The words of a text.
#[derive(Debug, Default)]
pub(super) struct Words {
    failure: bool,
    success: bool,
    /// Where a user may be named, ascending.
    pub(super) names: Vec<usize>,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut words = Self::default();
        SEARCH.each(text, |number, start| {
            let (word, meaning, [before, behind]) = WORDS[number];
            if before && is_letter(text, start.checked_sub(1))
                || behind && is_letter(text, Some(start + word.len()))
            {
                return;
            }
            match meaning {
                Meaning::Failure => words.failure = true,
                Meaning::Success => words.success = true,
                Meaning::Name if leads_on(text, start) => words.names.push(start),
                Meaning::Name => {}
                Meaning::NameBefore => words.names.extend(text[..start].rfind('[')),
            }
        });
        words.names.sort_unstable();
        words.names.dedup();
        words
    }

    /// A guess: one word of failure outweighs any of success.
    pub(super) fn outcome(&self) -> Option<&'static str> {
        match (self.failure, self.success) {
            (true, _) => Some("failure"),
            (false, true) => Some("success"),
            (false, false) => None,
        }
    }
}

/// Whether a blank or a sign of equality follows the word that begins here, as it must where that names
/// a user; in JSON a quote does.
fn leads_on(text: &str, start: usize) -> bool {
    let in_word = |byte: &u8| byte.is_ascii_alphabetic() || b"_-".contains(byte);
    let next = text.as_bytes()[start..].iter().find(|byte| !in_word(byte));
    next.is_some_and(|byte| matches!(byte, b' ' | b'\t'..=b'\r' | b'=' | b':'))
}

fn is_letter(text: &str, at: Option<usize>) -> bool {
    let byte = at.and_then(|at| text.as_bytes().get(at));
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
