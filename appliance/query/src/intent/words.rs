//! A question cut into words, as written and in lower case.

use vedette_kb::dialects::{labels, meaning};

/// A word and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    /// As written, without the punctuation around it.
    pub(super) raw: &'a str,
    /// Whether it stood in quotes, and may hold spaces.
    pub(super) quoted: bool,
}

/// A question cut into words.
#[derive(Debug)]
pub(super) struct Words<'a> {
    words: Vec<Word<'a>>,
    lower: Vec<String>,
    /// The question with every run of other characters as one space, and a space at both ends.
    flat: String,
}

/// Words that tell nothing about what is looked for.
const PLAIN: &str = " a about above activity activities adversaries adversary after against all also an and another any are as at attack \
 attacker attackers attempt attempts based be because been before being between both by can case cause check common could data detect \
 detected detection detects did do does due during each etc even event events evidence every executed execution find first following for \
 from further get give had has have how identified identifies identify if in including indicate indicates indicating indicator into is it \
 its known last license like list license log logs made malicious may might more most new not observed occurs of often on one only or order other \
 our out over part past possible potential potentially query rare related result rule same search see seen several show shows since some \
 specific specifically start such suspicious system technique than that the their them then there these they this those threat through \
 time to triggers two under unusual up use used user users uses using various very via was way we were what when where which while who \
 will with within without would you your ";

impl<'a> Words<'a> {
    /// Cuts a question.
    pub(super) fn new(text: &'a str) -> Self {
        let words = cut(text);
        let lower = words.iter().map(|word| word.raw.to_lowercase()).collect();
        Self { words, lower, flat: flatten(&without_links(text)) }
    }

    /// Every word with its lower case.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Word<'a>, &str)> {
        self.words
            .iter()
            .zip(&self.lower)
            .enumerate()
            .map(|(at, (word, lower))| (at, *word, lower.as_str()))
    }

    /// The word at a place; empty outside.
    pub(super) fn word(&self, at: usize) -> Word<'a> {
        self.words.get(at).copied().unwrap_or(Word { raw: "", quoted: false })
    }

    /// Whether the word at a place stood in quotes.
    pub(super) fn is_quoted(&self, at: usize) -> bool {
        self.word(at).quoted
    }

    /// The word at a place in lower case; empty outside.
    pub(super) fn lower(&self, at: usize) -> &str {
        self.lower.get(at).map_or("", String::as_str)
    }

    /// The word at a place as written; empty outside.
    pub(super) fn raw(&self, at: usize) -> &'a str {
        self.words.get(at).map_or("", |word| word.raw)
    }

    /// The word before a place in lower case; empty at the beginning.
    pub(super) fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |at| self.lower(at))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Each word with the one after it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.len()).map(|at| (self.lower(at), self.lower(at + 1)))
    }

    /// Where a phrase of lower-case words stands, a plural `s` allowed at its end.
    pub(super) fn phrase(&self, phrase: &str) -> Option<usize> {
        let spaced = format!(" {phrase} ");
        let plural = format!(" {phrase}s ");
        match (self.flat.find(&spaced), self.flat.find(&plural)) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        }
    }

    /// Words that may tell what is looked for, in lower case.
    pub(super) fn telling(&self) -> impl Iterator<Item = &str> {
        self.lower.iter().map(String::as_str).filter(|word| {
            word.len() > 2
                && word.chars().any(char::is_alphanumeric)
                && !word.contains("://")
                && !is_plain(word)
        })
    }
}

/// Whether a lower-case word tells nothing.
pub(super) fn is_plain(word: &str) -> bool {
    PLAIN.contains(&format!(" {word} "))
}

/// A link names the site it leads to, not what is asked about.
fn without_links(text: &str) -> String {
    let is_link = |word: &&str| word.contains("://");
    text.split_whitespace().filter(|word| !is_link(word)).collect::<Vec<_>>().join(" ")
}

fn flatten(text: &str) -> String {
    let mut flat = String::from(" ");
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            flat.push(character);
        } else if !flat.ends_with(' ') {
            flat.push(' ');
        }
    }
    if !flat.ends_with(' ') {
        flat.push(' ');
    }
    flat
}

fn cut(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start();
        if let Some((inside, after)) = quoted(rest) {
            words.push(Word { raw: inside, quoted: true });
            rest = after;
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        push(&mut words, word);
        rest = after;
    }
    words
}

/// The text in quotes at the beginning, where it closes before white space, punctuation or the end.
fn quoted(text: &str) -> Option<(&str, &str)> {
    const LONGEST: usize = 200;
    let inner = text.trim_start_matches(['(', '[', ',']);
    let quote = inner.chars().next().filter(|quote| "\"'`".contains(*quote))?;
    let body = &inner[1..];
    let end = body
        .match_indices(quote)
        .map(|(at, _)| at)
        .find(|at| !body[at + 1..].starts_with(|next: char| next.is_alphanumeric()))?;
    let inside = &body[..end];
    let fits = !inside.trim().is_empty() && inside.len() <= LONGEST && !inside.contains('\n');
    fits.then(|| (inside, &body[end + 1..]))
}

/// Adds a word; `user=alice` is three.
fn push<'a>(words: &mut Vec<Word<'a>>, word: &'a str) {
    let parts = word.find(['=', '!']).and_then(|at| {
        let (name, rest) = word.split_at(at);
        let sign = ["==", "!=", "="].into_iter().find(|sign| rest.starts_with(sign))?;
        let (sign, value) = rest.split_at(sign.len());
        let named = labels().contains_key(name.to_lowercase().as_str()) || meaning(name).is_some();
        (named && !value.is_empty()).then_some([name, sign, value])
    });
    for part in parts.unwrap_or([word, "", ""]) {
        let trimmed = trim(part);
        if !trimmed.is_empty() {
            words.push(Word { raw: trimmed, quoted: false });
        }
    }
}

fn trim(word: &str) -> &str {
    if matches!(word, "=" | "==" | "!=" | "<" | "<=" | ">" | ">=") {
        return word;
    }
    let word = word.trim_matches(|c: char| "\"'`,;:()[]{}<>!?".contains(c));
    let word = word.trim_end_matches(['.', '*', '=']);
    word.strip_suffix("'s").unwrap_or(word)
}
