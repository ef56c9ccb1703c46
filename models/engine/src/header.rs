use std::io::Read;

use crate::EngineError;

/// Largest header read, in bytes: vocabularies of a quarter of a million words take a tenth.
const MAX_HEADER_BYTES: u64 = 64 << 20;

/// Most values in all metadata together. Each takes tens of bytes once it is read, whatever it takes
/// in the file.
const MAX_VALUES: u64 = 4 << 20;

/// Most tensors and keys.
const MAX_TENSORS: u64 = 1 << 16;
const MAX_KEYS: u64 = 1 << 12;

/// Most dimensions of a tensor.
const MAX_DIMENSIONS: u32 = 4;

/// Longest name of a key or tensor in bytes.
const MAX_NAME_BYTES: u64 = 256;

/// Kinds of values by their number in the file.
const TEXT: u32 = 8;
const LIST: u32 = 9;

/// Walks over the header of a GGUF file without keeping any of it, so that the reader behind sees only
/// what makes sense: lengths that are there, no lists of lists, an alignment that can be divided by.
/// Returns its length in bytes.
pub(crate) fn check(reader: &mut impl Read) -> Result<u64, EngineError> {
    let mut walk = Walk { reader: reader.take(MAX_HEADER_BYTES), values: 0 };
    if walk.take::<4>()? != *b"GGUF" {
        return Err(damaged("it does not begin with GGUF"));
    }
    let version = walk.short()?;
    if !(2..=3).contains(&version) {
        return Err(EngineError::Unsupported(format!("GGUF version {version} (want 2 or 3)")));
    }
    let (tensors, keys) = (walk.long()?, walk.long()?);
    if tensors > MAX_TENSORS || keys > MAX_KEYS {
        return Err(damaged("it claims too many tensors or keys"));
    }
    for _ in 0..keys {
        walk.key()?;
    }
    for _ in 0..tensors {
        walk.tensor()?;
    }
    Ok(MAX_HEADER_BYTES - walk.reader.limit())
}

struct Walk<R> {
    reader: R,
    values: u64,
}

impl<R: Read> Walk<R> {
    fn key(&mut self) -> Result<(), EngineError> {
        let name = self.name()?;
        let kind = self.short()?;
        if name == b"general.alignment" {
            let alignment = if kind == 4 { self.short()? } else { 0 };
            return match alignment.is_power_of_two() {
                true => Ok(()),
                false => Err(damaged("its alignment is no power of two")),
            };
        }
        match kind {
            LIST => {
                let (kind, count) = (self.short()?, self.long()?);
                self.values = self.values.saturating_add(count);
                if width(kind).is_none() && kind != TEXT || self.values > MAX_VALUES {
                    return Err(damaged("it holds lists of lists, or too many values"));
                }
                match width(kind) {
                    Some(width) => self.skip(width * count),
                    None => (0..count).try_for_each(|_| self.text()),
                }
            }
            _ => self.value(kind),
        }
    }

    fn tensor(&mut self) -> Result<(), EngineError> {
        self.name()?;
        let dimensions = self.short()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(damaged("a tensor has too many dimensions"));
        }
        // Dimensions, kind, offset.
        self.skip(u64::from(dimensions) * 8 + 4 + 8)
    }

    fn value(&mut self, kind: u32) -> Result<(), EngineError> {
        match width(kind) {
            Some(width) => self.skip(width),
            None if kind == TEXT => self.text(),
            None => Err(damaged("a value is of no known kind")),
        }
    }

    fn text(&mut self) -> Result<(), EngineError> {
        let length = self.long()?;
        self.skip(length)
    }

    fn name(&mut self) -> Result<Vec<u8>, EngineError> {
        let length = self.long()?;
        if length > MAX_NAME_BYTES {
            return Err(damaged("a name is too long"));
        }
        let mut name = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut name).map_err(|_| cut_off())?;
        match name.len() as u64 == length {
            true => Ok(name),
            false => Err(cut_off()),
        }
    }

    fn skip(&mut self, count: u64) -> Result<(), EngineError> {
        let mut skipped = self.reader.by_ref().take(count);
        match std::io::copy(&mut skipped, &mut std::io::sink()) {
            Ok(found) if found == count => Ok(()),
            _ => Err(cut_off()),
        }
    }

    fn short(&mut self) -> Result<u32, EngineError> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Result<u64, EngineError> {
        self.take().map(u64::from_le_bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], EngineError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|_| cut_off())?;
        Ok(bytes)
    }
}

/// Bytes of a value whose kind has a fixed width.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn damaged(what: &str) -> EngineError {
    EngineError::Corrupt(format!("header: {what}"))
}

fn cut_off() -> EngineError {
    damaged("it is cut off, or longer than any model's")
}
