use std::collections::HashMap;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::EngineError;

/// Most words of a vocabulary; the known ones have 30,000.
const MAX_WORDS: usize = 1 << 20;

/// A longer word is unknown as a whole, as the vocabulary's makers had it.
const MAX_WORD_CHARS: usize = 100;

/// What is taken out before anything is read: controls and what shows nothing.
const UNREAD: &str = r"[\p{C}\u{FFFD}--[\t\n\r]]";

/// A word, or one sign that stands for itself: punctuation, or an ideograph.
const WORDS: &str = concat!(
    r"[\p{P}$+<=>^`|~\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}",
    r"\u{2B920}-\u{2CEAF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]",
    r"|[^\s\p{P}$+<=>^`|~\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}",
    r"\u{2B920}-\u{2CEAF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]+"
);

/// Text to tokens by WordPiece, in lower case and without accents, as BERT's makers cut it.
pub(super) struct Pieces {
    tokens: HashMap<String, u32>,
    unread: Regex,
    words: Regex,
    unknown: u32,
    first: u32,
    last: u32,
}

impl Pieces {
    /// Reads a vocabulary: a token a line, its number being that of the line.
    pub(super) fn new(vocabulary: &[u8]) -> Result<Self, EngineError> {
        let damaged = |what: &str| EngineError::Corrupt(format!("vocabulary: {what}"));
        let text = std::str::from_utf8(vocabulary).map_err(|_| damaged("it is no text"))?;
        let lines = text.lines().take(MAX_WORDS).zip(0..);
        let tokens: HashMap<String, u32> = lines.map(|(line, id)| (line.to_owned(), id)).collect();
        let known = |token: &str| {
            tokens.get(token).copied().ok_or_else(|| damaged(&format!("{token} is missing")))
        };
        let (unknown, first, last) = (known("[UNK]")?, known("[CLS]")?, known("[SEP]")?);
        let pattern = |text| Regex::new(text).expect("a pattern of ours");
        Ok(Self { unread: pattern(UNREAD), words: pattern(WORDS), tokens, unknown, first, last })
    }

    /// The number of tokens.
    pub(super) fn count(&self) -> usize {
        self.tokens.len()
    }

    /// Tokens of a text between the two that frame it, at most `most` in all.
    pub(super) fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let readable = self.unread.replace_all(text, "");
        let plain: String = readable.nfd().filter(|sign| !is_combining_mark(*sign)).collect();
        let plain = plain.to_lowercase();
        let words = self.words.find_iter(&plain);
        let pieces = words.flat_map(|word| self.pieces(word.as_str()));
        let mut tokens = vec![self.first];
        tokens.extend(pieces.take(most.saturating_sub(2)));
        tokens.push(self.last);
        tokens
    }

    /// The longest known beginning, then the longest known continuation, and so on.
    fn pieces(&self, word: &str) -> Vec<u32> {
        if word.chars().count() > MAX_WORD_CHARS {
            return vec![self.unknown];
        }
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < word.len() {
            let mark = if at == 0 { "" } else { "##" };
            let ends = (at + 1..=word.len()).rev().filter(|end| word.is_char_boundary(*end));
            let found = ends.into_iter().find_map(|end| {
                let piece = format!("{mark}{}", &word[at..end]);
                self.tokens.get(&piece).map(|token| (*token, end))
            });
            let Some((token, end)) = found else { return vec![self.unknown] };
            tokens.push(token);
            at = end;
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::models::wordpiece::WordPiece;
    use tokenizers::normalizers::bert::BertNormalizer;
    use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
    use tokenizers::{Model, NormalizedString, Normalizer, OffsetReferential, OffsetType};
    use tokenizers::{PreTokenizedString, PreTokenizer};

    use super::*;

    /// What the reference makes of a text with the same vocabulary.
    fn reference(model: &WordPiece, text: &str) -> Vec<u32> {
        let mut normal = NormalizedString::from(text);
        BertNormalizer::default().normalize(&mut normal).unwrap();
        let mut words = PreTokenizedString::from(normal.get());
        BertPreTokenizer.pre_tokenize(&mut words).unwrap();
        let splits = words.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let tokens = splits.iter().flat_map(|(word, _, _)| model.tokenize(word).unwrap());
        tokens.map(|token| token.id).collect()
    }

    #[test]
    fn text_is_cut_as_the_reference_cuts_it() {
        let mut lines: Vec<String> =
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "pass", "##word", "##wd", "log", "login", "中"]
                .map(str::to_owned)
                .into();
        let signs = || ('!'..='~').chain('à'..='ÿ').filter(|sign| !sign.is_uppercase());
        lines.extend(signs().map(String::from));
        lines.extend(signs().map(|sign| format!("##{sign}")));
        let pieces = Pieces::new(lines.join("\n").as_bytes()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let model = WordPiece::from_file(file.path().to_str().unwrap()).build().unwrap();
        let golden = include_str!("../../tests/golden/texts.json");
        let golden: Vec<String> = serde_json::from_str(golden).unwrap();
        let own = ["Password passwd LOGIN", "Zoë's naïve café", "a中文b", "x_y=1|2 — “q”", ""];
        let long = "x".repeat(MAX_WORD_CHARS + 1);
        for text in golden.iter().map(String::as_str).chain(own).chain([long.as_str()]) {
            let found = pieces.encode(text, usize::MAX);
            let inner = &found[1..found.len() - 1];
            assert_eq!(inner, reference(&model, text), "{text:?}");
        }
        assert_eq!(pieces.encode("login login login", 4), [2, 8, 8, 3]);
        assert_eq!(pieces.count(), lines.len());
    }

    #[test]
    fn a_vocabulary_without_what_frames_a_text_is_refused() {
        for bytes in [&b""[..], b"[UNK]\n[CLS]", b"\xff\xfe"] {
            assert!(matches!(Pieces::new(bytes), Err(EngineError::Corrupt(_))));
        }
    }
}
