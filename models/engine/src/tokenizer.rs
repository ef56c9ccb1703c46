mod bytes;
mod pieces;

use crate::{EngineError, ModelFile};
use bytes::Bytes;
use pieces::Pieces;

/// Marks of the token table: an ordinary word, a control token, one added by the user, a byte.
const WORD_TOKEN: i32 = 1;
const CONTROL_TOKEN: i32 = 3;
const USER_TOKEN: i32 = 4;
const BYTE_TOKEN: i32 = 6;

/// Text to tokens and back, with the tables of a GGUF file.
pub struct Tokenizer {
    texts: Vec<Vec<u8>>,
    /// Control tokens, longest first.
    special: Vec<(String, u32)>,
    /// What a sequence begins with.
    start: Option<u32>,
    family: Family,
}

/// How text is cut.
enum Family {
    /// GPT-2's.
    Bytes(Box<Bytes>),
    /// Llama's own, and whether it puts a blank before a text.
    Pieces(Box<Pieces>, bool),
}

/// The token table of a file, sorted by kind.
struct Table<'a> {
    /// What each token stands for, yet as it is written.
    texts: Vec<Vec<u8>>,
    words: Vec<(u32, &'a str)>,
    bytes: Vec<(u32, &'a str)>,
    special: Vec<(String, u32)>,
}

impl Tokenizer {
    /// Builds the tokenizer from the file's own tables.
    ///
    /// # Errors
    /// When the tables are missing, contradict one another, or are of another kind.
    pub fn read(file: &ModelFile) -> Result<Self, EngineError> {
        let names = file.texts("tokenizer.ggml.tokens")?;
        let mut table = Table::new(&names, &file.kinds("tokenizer.ggml.token_type"))?;
        let flag = |key: &str| file.flag(&format!("tokenizer.ggml.{key}"));
        let model = file.text("tokenizer.ggml.model")?;
        let split = file.text("tokenizer.ggml.pre").unwrap_or("default");
        let (family, starts) = match (model, split) {
            ("gpt2", "smollm") => {
                let merges = file.texts("tokenizer.ggml.merges")?;
                (Family::Bytes(Box::new(Bytes::new(&mut table, &merges)?)), false)
            }
            ("llama", "default") => {
                let pieces = Pieces::new(&mut table, &file.reals("tokenizer.ggml.scores"))?;
                (Family::Pieces(Box::new(pieces), flag("add_space_prefix").unwrap_or(true)), true)
            }
            _ => {
                let text = format!("tokenizer {model:?} with pre-tokenizer {split:?}");
                return Err(EngineError::Unsupported(text));
            }
        };
        let start = match flag("add_bos_token").unwrap_or(starts) {
            true => Some(file.number("tokenizer.ggml.bos_token_id")?),
            false => None,
        };
        let start = start.map(|id| match u32::try_from(id) {
            Ok(id) if (id as usize) < table.texts.len() => Ok(id),
            _ => Err(damaged("the first token is none")),
        });
        let Table { texts, special, .. } = table;
        Ok(Self { texts, special, start: start.transpose()?, family })
    }

    /// Tokens of plain text that stands alone. What looks like a control token is text here, always.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        self.append(text, true, &mut tokens);
        tokens
    }

    /// Tokens of plain text that stands behind other text: no blank is put before it.
    pub fn encode_inner(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        self.append(text, false, &mut tokens);
        tokens
    }

    /// Tokens of the beginning of a prompt of ours, in which control tokens are meant.
    pub fn encode_start(&self, text: &str) -> Vec<u32> {
        let mut tokens: Vec<u32> = self.start.into_iter().collect();
        self.append_prompt(text, true, &mut tokens);
        tokens
    }

    /// Tokens of a later part of a prompt of ours, in which control tokens are meant.
    pub fn encode_prompt(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        self.append_prompt(text, false, &mut tokens);
        tokens
    }

    /// What each token stands for, by its id.
    pub(crate) fn texts(&self) -> &[Vec<u8>] {
        &self.texts
    }

    /// The control tokens with their names.
    pub(crate) fn special(&self) -> &[(String, u32)] {
        &self.special
    }

    /// The bytes that tokens stand for.
    pub fn decode(&self, tokens: &[u32]) -> Vec<u8> {
        let spelled = tokens.iter().filter_map(|token| self.texts.get(*token as usize));
        spelled.flatten().copied().collect()
    }

    fn append_prompt(&self, text: &str, mut lead: bool, tokens: &mut Vec<u32>) {
        let mut rest = text;
        while let Some((at, length, id)) = self.next_special(rest) {
            self.append(&rest[..at], lead, tokens);
            tokens.push(id);
            rest = &rest[at + length..];
            lead = true;
        }
        self.append(rest, lead, tokens);
    }

    fn append(&self, text: &str, lead: bool, tokens: &mut Vec<u32>) {
        match &self.family {
            Family::Bytes(bytes) => bytes.encode(text, tokens),
            Family::Pieces(pieces, blank) => pieces.encode(text, lead && *blank, tokens),
        }
    }

    fn next_special(&self, text: &str) -> Option<(usize, usize, u32)> {
        let found = self.special.iter();
        let found = found.filter_map(|(name, id)| text.find(name).map(|at| (at, name.len(), *id)));
        found.min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)))
    }
}

impl<'a> Table<'a> {
    fn new(names: &[&'a str], kinds: &[i32]) -> Result<Self, EngineError> {
        let texts = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let (words, bytes, special) = (Vec::new(), Vec::new(), Vec::new());
        let mut table = Self { texts, words, bytes, special };
        for (index, name) in names.iter().enumerate() {
            let id = u32::try_from(index).map_err(|_| damaged("too many tokens"))?;
            match kinds.get(index).copied().unwrap_or(WORD_TOKEN) {
                CONTROL_TOKEN | USER_TOKEN => table.special.push(((*name).to_owned(), id)),
                BYTE_TOKEN => table.bytes.push((id, name)),
                WORD_TOKEN => table.words.push((id, name)),
                // Unknown and unused ones stand for nothing in a text.
                _ => {}
            }
        }
        table.special.retain(|(name, _)| !name.is_empty());
        table.special.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Ok(table)
    }
}

fn damaged(what: &str) -> EngineError {
    EngineError::Corrupt(format!("token table: {what}"))
}
