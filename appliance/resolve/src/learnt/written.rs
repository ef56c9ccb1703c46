//! What in a line the device itself wrote. Senders choose paths, addresses, names, requests and user
//! agents; those are left out, so that no sender can write how an incident ends.

/// Bytes of a line that are read; the telling part stands near the beginning.
const MOST_LINE_BYTES: usize = 4_096;
/// Quoted values that hold quoted values are read this deep.
const MOST_DEPTH: usize = 2;
/// Words between `user` and `from` that may be a name.
const MOST_NAME_WORDS: usize = 8;

/// Names of keys, without `_`, `-` and case, whose values senders choose.
const CHOSEN: [&str; 72] = [
    "account",
    "accountname",
    "agent",
    "arg",
    "args",
    "argument",
    "body",
    "cmd",
    "cmdline",
    "command",
    "commandline",
    "cookie",
    "doctitle",
    "domain",
    "dstname",
    "duser",
    "email",
    "file",
    "filename",
    "filepath",
    "fname",
    "from",
    "header",
    "host",
    "hostname",
    "image",
    "mail",
    "newprocessname",
    "objecturi",
    "p1sender",
    "p2sender",
    "parameters",
    "parentimage",
    "parentprocess",
    "password",
    "path",
    "payload",
    "principal",
    "process",
    "processname",
    "qname",
    "query",
    "querystring",
    "rawquery",
    "rcpt",
    "recipient",
    "recipients",
    "referer",
    "referrer",
    "request",
    "requestcontext",
    "requesturl",
    "sender",
    "senderfromaddress",
    "site",
    "sni",
    "subject",
    "subjectusername",
    "suser",
    "targetusername",
    "title",
    "to",
    "ua",
    "uri",
    "uripath",
    "url",
    "useragent",
    "user",
    "username",
    "userprincipalname",
    "usr",
    "xforwardedfor",
];

/// The device's own words of a line.
pub(super) fn by_device(line: &str) -> String {
    let line = &line[..line.floor_char_boundary(MOST_LINE_BYTES)];
    without_names(&Scan::read(line, MOST_DEPTH))
}

/// `Failed password for NAME from`: whoever tries a door chooses the name.
fn without_names(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept = Vec::with_capacity(words.len());
    let mut skip_to = 0;
    for (at, word) in words.iter().enumerate() {
        if at < skip_to {
            continue;
        }
        kept.push(*word);
        if ["user", "for", "account"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
            let near = &words[at + 1..words.len().min(at + 2 + MOST_NAME_WORDS)];
            if let Some(from) = near.iter().position(|word| *word == "from") {
                skip_to = at + 1 + from;
            }
        }
    }
    kept.join(" ")
}

/// A way through a line, and what is kept of it.
struct Scan<'a> {
    line: &'a str,
    at: usize,
    depth: usize,
    /// The key whose value is being read, folded.
    key: String,
    kept: String,
}

impl<'a> Scan<'a> {
    fn read(line: &'a str, depth: usize) -> String {
        let kept = String::with_capacity(line.len());
        let mut scan = Scan { line, at: 0, depth, key: String::new(), kept };
        // Each turn takes at least one character.
        while let Some(first) = scan.rest().chars().next() {
            match first {
                '"' => scan.quoted(),
                '\'' if scan.opens_name() => scan.name(),
                _ if first.is_whitespace() => {
                    scan.kept.push(' ');
                    scan.at += first.len_utf8();
                }
                _ => scan.word(),
            }
        }
        scan.kept
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// Text in quotes: a key of JSON, the value of a key, or something that a device repeats.
    fn quoted(&mut self) {
        let inside = &self.line[self.at + 1..];
        let end = closing(inside);
        let content = &inside[..end];
        let before = self.line[..self.at].trim_end();
        self.at = (self.at + end + 2).min(self.line.len());
        if self.rest().starts_with(':') {
            self.keep(content);
            return;
        }
        let of_list = before.ends_with(['[', ',', '(']) && !self.key.is_empty();
        if let Some(key) = key_at_end(before) {
            self.key = key;
        } else if !of_list {
            return;
        }
        if is_chosen(&self.key) {
            return;
        }
        if self.depth > 0 {
            let content = content.replace("\\\"", "\"");
            let kept = Scan::read(&content, self.depth - 1);
            self.keep(&kept);
        } else {
            self.keep(content);
        }
    }

    fn keep(&mut self, text: &str) {
        self.kept.push(' ');
        self.kept.push_str(text);
        self.kept.push(' ');
    }

    /// An apostrophe that begins a name, not one within a word; the name must end as well.
    fn opens_name(&self) -> bool {
        let after_word = self.line[..self.at].ends_with(char::is_alphanumeric);
        !after_word && self.rest()[1..].contains('\'')
    }

    fn name(&mut self) {
        let end = self.rest()[1..].find('\'').unwrap_or_default();
        self.at += end + 2;
        self.kept.push(' ');
    }

    /// A word up to the next blank, bar or quote; one with `=` begins the value of a key.
    fn word(&mut self) {
        let rest = self.rest();
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '|');
        let end = rest[first..].find(ends).map_or(rest.len(), |end| first + end);
        let word = &rest[..end];
        self.at += end;
        let bare = word.trim_start_matches(['[', '(', '{', '|', ',', ';']);
        let is_key = |key: &str| {
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
        };
        match bare.split_once('=') {
            Some((key, value)) if is_key(key) => {
                self.key = folded(key);
                self.keep(key);
                if !is_chosen(&self.key) && !is_chosen_text(value) {
                    self.kept.push('=');
                    self.kept.push_str(value);
                }
            }
            // Values of CEF and LEEF hold blanks and end at the next key.
            _ if is_chosen(&self.key) && is_extended(self.line) => {}
            _ if is_chosen_text(word) => {}
            _ => self.kept.push_str(word),
        }
    }
}

/// Where a quoted text ends; one that does not ends with the line.
fn closing(inside: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        match letter {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    inside.len()
}

/// The key before a value, where the text ends in `key=` or `key:`.
fn key_at_end(before: &str) -> Option<String> {
    let before = before.strip_suffix(['=', ':'])?.trim_end();
    let before = before.strip_suffix('"').unwrap_or(before);
    let key = before.rsplit(|c: char| !c.is_alphanumeric() && !"._-".contains(c)).next()?;
    (!key.is_empty()).then(|| folded(key))
}

/// The last part of a key, in lower case and without what joins its words.
fn folded(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    last.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_chosen(key: &str) -> bool {
    CHOSEN.contains(&key)
}

/// Paths, addresses of pages and mailboxes.
fn is_chosen_text(word: &str) -> bool {
    let slashes = word.matches('/').count();
    word.contains("://")
        || word.contains(['@', '\\'])
        || word.starts_with('/')
        || (slashes > 0 && word.contains('?'))
        || (slashes > 1 && !word.starts_with('<'))
}

fn is_extended(line: &str) -> bool {
    line.contains("CEF:") || line.contains("LEEF:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_senders_choose_is_left_out() {
        for (line, said, unsaid) in [
            (r#"1.2.3.4 - - "GET /?a=blocked HTTP/1.1" 200 5"#, "200", "blocked"),
            (r#"{"url":"/x action=blocked","action":"allowed"}"#, "allowed", "blocked"),
            (r#"{"msg":"path \"/a blocked\" served"}"#, "served", "blocked"),
            ("CEF:0|a|b|1|2|n|3|request=/x approved scan act=allowed", "allowed", "approved"),
            ("CEF:0|a|b|1|2|n|3|suser=approved scan act=none", "none", "approved"),
            (r#"fw action="deny" url="http://x/approved""#, "deny", "approved"),
            ("sshd: Failed password for approved scan from 192.0.2.1", "Failed", "approved"),
            ("proxy: served http://x/blocked by cache", "cache", "blocked"),
            ("clamd: couldn't scan 'quarantined file', isn't there", "there", "quarantined"),
            (r#"user="blocked" reason="locked out""#, "locked", "blocked"),
        ] {
            let kept = by_device(line);
            assert!(kept.contains(said) && !kept.contains(unsaid), "{line}: {kept}");
        }
    }

    #[test]
    fn odd_lines_end() {
        for line in ["", "\"", "'", "\"\\", "=\"", "\u{0}'\u{202e}'\"=", "é'é\"é=é", "a=\"b"] {
            by_device(line);
            by_device(&line.repeat(2_000));
        }
    }
}
