//! Reads addresses, users and the like out of any line by the words around them, for lines that no
//! decoder knows and for what a decoder left out.

use std::sync::LazyLock;

use regex::Regex;
use time::OffsetDateTime;
use vedette_event::Fields;

use crate::device::{Decoded, Line, web};
use crate::fields::{self, Side};

mod addresses;

/// Text looked at: the telling part of a line is in front, what follows is payload.
const MAX_TEXT_BYTES: usize = 4096;

/// Fills in what the decoder, if any, has left empty. Returns the time that the line gives under a
/// name.
pub(crate) fn fill_in(
    line: &Line<'_>,
    decoded: Option<Decoded>,
    received_at: OffsetDateTime,
    fields: &mut Fields,
) -> Option<OffsetDateTime> {
    if decoded.is_some_and(Decoded::closed) {
        return None;
    }
    let offers = line.offers(decoded.map_or(&[], |decoded| decoded.keys));
    let time = offers.time(received_at);
    offers.fill(fields);
    if decoded.is_some_and(|decoded| decoded.dataset == "windows") && line.json().is_some() {
        return time;
    }
    let text = &line.message[..line.message.floor_char_boundary(MAX_TEXT_BYTES)];
    addresses::fill(text, fields);
    if fields.get("user.name").is_none()
        && let Some(user) = user(text)
    {
        fields.set("user.name", user);
    }
    if let Some(url) = fields.get("url.original").map(str::to_owned).or_else(|| url(text)) {
        web::set_url(&url, fields);
    }
    hashes(text, fields);
    if fields.get("event.outcome").is_none() {
        fields.set("event.outcome", outcome(text).unwrap_or_default());
    }
    time
}

/// Longest user name believed, in bytes: a directory's principal names stay below it.
const MAX_USER_BYTES: usize = 128;

/// Mentions of users looked at in one line.
const MAX_NAMED: usize = 8;

static USER: LazyLock<Regex> = LazyLock::new(|| {
    // Case: a named value; an unknown user; a quoted user; `for x from`; a bare `user x`.
    Regex::new(concat!(
        r#"(?i)(?-u:\b)(?:user[ _-]?name|user[_-]?id|user|uname|account(?: name)?|acct|login(?: name)?|principal|e-?mail|identifiant)\s?[=:]+\s*["'<\[(]{0,2}([^\s"'<>,;\])(|]+)"#,
        r#"|(?-u:\b)(?:invalid|illegal|unknown|bad|non-?existent) (?:user|login|account)(?:name)?(?: name| as)?[: ]+["'\[<]?([^\s"'\]>,;:(]+)"#,
        r#"|(?-u:\b)(?:user|username|account|login|principal)s?\s+(?:for\s+|name\s+)?["'\[<`(]([^"'\]>`)]+)["'\]>`)]"#,
        r#"|(?-u:\b)(?:for|by|as|of) (?:invalid |illegal |unknown |the )?(?:user |account |username |login |e?mail )?["'\[<]?([^\s"'\]>,;:]+)["'\]>]?(?: \([^)]*\))? (?:from|via|by|failed|has|with|on)(?-u:\b)"#,
        r#"|(?-u:\b)(?:login|password|authentication|session \w+|logon|auth) (?:attempt |failed |failure |was )?for (?:user(?:name)?:? )?["'\[<]?([^\s"'\]>,;:(]+)"#,
        r#"|(?-u:\b)login using ["']([^"']+)["']"#,
        r#"|\[([^\s\]]+)\] (?:FAIL|OK) LOGIN"#,
        r#"|(?-u:\b)(?:user|account|login) ([^\s"'\]>,;:=\[(]+)"#,
    ))
    .expect("the pattern is constant")
});

/// Words that follow `user` in a sentence without being one.
const NOT_USERS: &[&str] = &[
    "a",
    "acl",
    "action",
    "are",
    "as",
    "attempts",
    "been",
    "client",
    "connection",
    "here",
    "info",
    "information",
    "mailbox",
    "names",
    "pid",
    "records",
    "server",
    "successful",
    "uid",
    "were",
    "access",
    "account",
    "agent",
    "an",
    "and",
    "any",
    "at",
    "attempt",
    "attempted",
    "authentication",
    "by",
    "can",
    "cannot",
    "could",
    "created",
    "credentials",
    "data",
    "denied",
    "details",
    "does",
    "error",
    "exceeded",
    "failed",
    "failure",
    "for",
    "found",
    "from",
    "group",
    "has",
    "id",
    "in",
    "incorrect",
    "input",
    "invalid",
    "ip",
    "is",
    "it",
    "logged",
    "login",
    "logon",
    "logout",
    "mode",
    "name",
    "no",
    "not",
    "of",
    "on",
    "or",
    "out",
    "password",
    "profile",
    "request",
    "requested",
    "root's",
    "session",
    "sent",
    "successfully",
    "that",
    "the",
    "this",
    "to",
    "tried",
    "trying",
    "unknown",
    "user",
    "username",
    "using",
    "via",
    "was",
    "wasn",
    "which",
    "who",
    "will",
    "with",
    "address",
    "host",
    "password,",
];

fn user(text: &str) -> Option<String> {
    let mut bare = None;
    for found in USER.captures_iter(text).take(MAX_NAMED) {
        let last = found.len() - 1;
        let Some(index) = (1..=last).find(|index| found.get(*index).is_some()) else {
            continue;
        };
        let name = found[index].trim_end_matches(['.', '!', '?']);
        if !is_user(name) {
            continue;
        }
        if index < last {
            return Some(name.to_owned());
        }
        // A bare word behind `user` counts where nothing says it better.
        bare.get_or_insert_with(|| name.to_owned());
    }
    bare
}

fn is_user(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    (1..=MAX_USER_BYTES).contains(&name.len())
        && !NOT_USERS.contains(&lower.as_str())
        && !matches!(lower.as_str(), "null" | "none" | "undefined" | "nil" | "-")
        && !name.ends_with('=')
        && !name.contains(['{', '}', '/', '=', '%'])
        && fields::address(name).is_none()
        && name.chars().any(char::is_alphanumeric)
}

static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?-u:\b)(?:https?|ftp)://[^\s"'<>\\|]+"#).expect("the pattern is constant")
});

fn url(text: &str) -> Option<String> {
    let found = memchr::memmem::find(text.as_bytes(), b"://").and_then(|_| URL.find(text))?;
    Some(found.as_str().trim_end_matches([',', '.', ')', ']', ';']).to_owned())
}

/// Whole words of 32, 40 or 64 hexadecimal digits are MD5, SHA-1 or SHA-256.
fn hashes(text: &str, fields: &mut Fields) {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    for word in
        words.filter(|word| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        let field = match word.len() {
            32 => "file.hash.md5",
            40 => "file.hash.sha1",
            64 => "file.hash.sha256",
            _ => continue,
        };
        fields::set_absent(fields, field, &word.to_ascii_lowercase());
    }
}

static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i-u)(fail|denied|\bdeny|invalid|incorrect|reject|refused|unauthori[sz]ed|forbidden|\bblock|\bdrop|wrong|unsuccess|bad password|not allowed|illegal|unknown user|no such user|\bban(?:ned)?\b|mismatch|autherr|echec)",
        r"|(accepted|succe(?:ss|eded)|logged in|granted|allowed|session opened)",
    ))
    .expect("the pattern is constant")
});

/// A guess from the words; one word of failure outweighs any of success.
fn outcome(text: &str) -> Option<&'static str> {
    let mut guess = None;
    for found in OUTCOME.captures_iter(text).take(16) {
        if found.get(1).is_some() {
            return Some("failure");
        }
        guess = Some("success");
    }
    guess
}

/// The side an address field stands for.
fn side_of(field: &str) -> Side {
    if field == "destination.ip" { Side::Destination } else { Side::Source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_the_words_around_them() {
        for (text, expected) in [
            ("Access denied for user 'root'@'1.2.3.4'", Some("root")),
            ("Failed password for invalid user bob from 1.2.3.4", Some("bob")),
            ("Authentication failed for 'admin' : password mismatch", Some("admin")),
            ("login failure for user admin from 1.2.3.4 via web", Some("admin")),
            ("Invalid username or password for user: admin", Some("admin")),
            ("Username: test@example.com.", Some("test@example.com")),
            ("Non-existent login as a@b.example from 1.2.3.4", Some("a@b.example")),
            ("user not found", None),
            ("User tried to login with wrong password", None),
            ("", None),
        ] {
            assert_eq!(user(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn outcomes_are_guessed() {
        for (text, expected) in [
            ("login failed, previously accepted", Some("failure")),
            ("Accepted password", Some("success")),
            ("hello", None),
        ] {
            assert_eq!(outcome(text), expected, "{text}");
        }
    }
}
