//! Reads addresses, users and the like out of any line by the words around them, for lines that no
//! decoder knows and for what a decoder left out.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;
use time::OffsetDateTime;
use vedette_event::Fields;

use self::words::Words;
use crate::device::{Decoded, Line, web};
use crate::fields::{self, Side};

mod addresses;
mod words;

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
    let nameless = fields.get("user.name").is_none();
    let told = fields.get("event.outcome").is_some();
    let words = if nameless || !told { Words::of(text) } else { Words::default() };
    if nameless && let Some(user) = user(text, &words) {
        fields.set("user.name", user);
    }
    if let Some(url) = fields.get("url.original").map(str::to_owned).or_else(|| url(text)) {
        web::set_url(&url, fields);
    }
    hashes(text, fields);
    if !told {
        fields.set("event.outcome", words.outcome().unwrap_or_default());
    }
    time
}

/// Longest user name believed, in bytes: a directory's principal names stay below it.
const MAX_USER_BYTES: usize = 128;

/// Mentions of users looked at in one line.
const MAX_NAMED: usize = 8;

/// What names a user, at the place where one of the words stands that begin it.
static USER: LazyLock<Regex> = LazyLock::new(|| {
    // Case: a named value; an unknown user; a quoted user; `for x from`; a bare `user x`.
    Regex::new(concat!(
        r#"(?i)^(?:(?:user[ _-]?name|user[_-]?id|user|uname|account(?: name)?|acct|login(?: name)?|principal|e-?mail|identifiant)[\t-\r ]?[=:]+[\t-\r ]*["'<\[(]{0,2}([^\s"'<>,;\])(|]+)"#,
        r#"|(?:invalid|illegal|unknown|bad|non-?existent) (?:user|login|account)(?:name)?(?: name| as)?[: ]+["'\[<]?([^\s"'\]>,;:(]+)"#,
        r#"|(?:user|username|account|login|principal)s?[\t-\r ]+(?:for[\t-\r ]+|name[\t-\r ]+)?["'\[<`(]([^"'\]>`)]+)["'\]>`)]"#,
        r#"|(?:for|by|as|of) (?:invalid |illegal |unknown |the )?(?:user |account |username |login |e?mail )?["'\[<]?([^\s"'\]>,;:]+)["'\]>]?(?: \([^)]*\))? (?:from|via|by|failed|has|with|on)(?-u:\b)"#,
        r#"|(?:login|password|authentication|session [0-9A-Za-z_]+|logon|auth) (?:attempt |failed |failure |was )?for (?:user(?:name)?:? )?["'\[<]?([^\s"'\]>,;:(]+)"#,
        r#"|login using ["']([^"']+)["']"#,
        r#"|\[([^\s\]]+)\] (?:FAIL|OK) LOGIN"#,
        r#"|(?:user|account|login) ([^\s"'\]>,;:=\[(]+))"#,
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

fn user(text: &str, words: &Words) -> Option<String> {
    let (mut bare, mut from, mut named) = (None, 0, 0);
    if words.names.is_empty() {
        return None;
    }
    let mut found = USER.capture_locations();
    let last = found.len() - 1;
    for start in words.names.iter().copied() {
        // What a mention holds is looked at once.
        if start < from || USER.captures_read(&mut found, &text[start..]).is_none() {
            continue;
        }
        named += 1;
        from = start + found.get(0).map_or(0, |(_, end)| end);
        let group = (1..=last).find_map(|index| Some((index, found.get(index)?)));
        if let Some((index, (begin, end))) = group {
            let name = text[start + begin..start + end].trim_end_matches(['.', '!', '?']);
            match is_user(name) {
                true if index < last => return Some(name.to_owned()),
                // A bare word behind `user` counts where nothing says it better.
                true => bare = bare.or(Some(name)),
                false => {}
            }
        }
        if named == MAX_NAMED {
            break;
        }
    }
    bare.map(str::to_owned)
}

fn is_user(name: &str) -> bool {
    let is = |word: &&str| word.eq_ignore_ascii_case(name);
    (1..=MAX_USER_BYTES).contains(&name.len())
        && !NOT_USERS.iter().any(is)
        && !["null", "none", "undefined", "nil", "-"].iter().any(is)
        && !name.ends_with('=')
        && !name.contains(['{', '}', '/', '=', '%'])
        && fields::address(name).is_none()
        && name.chars().any(char::is_alphanumeric)
}

static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?-u:\b)(?:https?|ftp)://[^\s"'<>\\|]+"#).expect("the pattern is constant")
});

static SCHEME_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

fn url(text: &str) -> Option<String> {
    let found = SCHEME_END.find(text.as_bytes()).and_then(|_| URL.find(text))?;
    Some(found.as_str().trim_end_matches([',', '.', ')', ']', ';']).to_owned())
}

/// Whole words of 32, 40 or 64 hexadecimal digits are MD5, SHA-1 or SHA-256.
fn hashes(text: &str, fields: &mut Fields) {
    let bytes = text.as_bytes();
    let mut at = SHORTEST_HASH - 1;
    // A word that long covers one byte in each stride of its length.
    while at < bytes.len() {
        if !bytes[at].is_ascii_hexdigit() {
            at += SHORTEST_HASH;
            continue;
        }
        let before = bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric());
        let start = at - before.count();
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = &text[start..start + length];
        let field = match length {
            32 => "file.hash.md5",
            40 => "file.hash.sha1",
            64 => "file.hash.sha256",
            _ => "",
        };
        if !field.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            fields::set_absent(fields, field, &word.to_ascii_lowercase());
        }
        at = start + length + SHORTEST_HASH;
    }
}

/// Digits of the shortest hash.
const SHORTEST_HASH: usize = 32;

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
            assert_eq!(user(text, &Words::of(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn hashes_are_whole_words() {
        let (md5, sha1) = ("0123456789abcdefABCDEF0123456789", "a".repeat(40));
        for (text, expected) in [
            (format!("md5={md5}"), Some(("file.hash.md5", md5.to_ascii_lowercase()))),
            (sha1.clone(), Some(("file.hash.sha1", sha1.clone()))),
            (format!("xx {sha1}, y"), Some(("file.hash.sha1", sha1.clone()))),
            (format!("x{md5}"), None),
            (format!("{md5}g"), None),
            ("a".repeat(31), None),
        ] {
            let mut fields = Fields::default();
            hashes(&text, &mut fields);
            let found = fields.iter().next().map(|(name, value)| (name, value.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn outcomes_are_guessed() {
        for (text, expected) in [
            ("login failed, previously accepted", Some("failure")),
            ("Accepted password", Some("success")),
            ("hello", None),
            ("bandit dropbear", Some("failure")),
            ("urban debanned", None),
            ("Ban 1.2.3.4", Some("failure")),
            ("raindrop", None),
            ("unsuccessful", Some("failure")),
        ] {
            assert_eq!(Words::of(text).outcome(), expected, "{text}");
        }
    }
}
