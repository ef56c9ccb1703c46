use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};

use crate::kernel::Source;
use crate::{EngineError, header};

/// Largest number of values in one tensor: 2^31 holds the embeddings of any model that fits a small box,
/// and keeps the product of hostile dimensions from overflowing.
const MAX_TENSOR_VALUES: usize = 1 << 31;

/// Bytes hashed at a time.
const HASH_CHUNK_BYTES: usize = 1 << 20;

/// A GGUF file whose hash is known and whose tables are read; tensors are read on demand.
pub struct ModelFile {
    path: PathBuf,
    content: Content,
    reader: BufReader<File>,
    sha256: String,
    bytes: u64,
}

impl ModelFile {
    /// Hashes the file, compares with `expected` (hex) where given, and reads its tables.
    ///
    /// # Errors
    /// When the file cannot be read, is another one than expected, or is no sound GGUF.
    pub fn open(path: &Path, expected: Option<&str>) -> Result<Self, EngineError> {
        let unreadable = |source| EngineError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let sha256 = hash(&mut file).map_err(unreadable)?;
        if let Some(expected) = expected
            && !expected.eq_ignore_ascii_case(&sha256)
        {
            let (path, expected) = (path.to_owned(), expected.to_owned());
            return Err(EngineError::Hash { path, expected, found: sha256 });
        }
        file.rewind().map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut reader = BufReader::new(file);
        let content = tables(&mut reader, bytes)?;
        Ok(Self { path: path.to_owned(), content, reader, sha256, bytes })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the whole file, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of tensors.
    pub fn tensor_count(&self) -> usize {
        self.content.tensor_infos.len()
    }

    /// The licence that the file names.
    pub fn licence(&self) -> Option<&str> {
        self.text("general.license").ok()
    }

    /// Every tensor's name and shape, in the order of their names.
    pub(crate) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let infos = self.content.tensor_infos.iter();
        let mut shapes: Vec<_> =
            infos.map(|(name, info)| (name.clone(), info.shape.dims().to_vec())).collect();
        shapes.sort();
        shapes
    }

    /// Every key with its value, in no order.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.content.metadata.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether the file holds a tensor of this name.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// Reads one tensor and dequantises it to f32, after checking that it has the shape the
    /// configuration calls for.
    ///
    /// # Errors
    /// When it is missing, of another shape, or cut off.
    pub fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, EngineError> {
        self.info(name, shape)?;
        let device = Device::Cpu;
        let tensor = self.content.tensor(&mut self.reader, name, &device).map_err(corrupt)?;
        tensor.dequantize(&device).map_err(corrupt)
    }

    /// Reads a tensor's values.
    ///
    /// # Errors
    /// As [`ModelFile::tensor`].
    pub(crate) fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EngineError> {
        let tensor = self.tensor(name, shape)?;
        tensor.flatten_all().and_then(|tensor| tensor.to_vec1()).map_err(corrupt)
    }

    /// Reads a matrix as it lies in the file where it can be packed so, else its values.
    ///
    /// # Errors
    /// As [`ModelFile::tensor`].
    pub(crate) fn source(&mut self, name: &str, shape: &[usize]) -> Result<Source, EngineError> {
        let info = self.info(name, shape)?;
        let (kind, offset) = (info.ggml_dtype, info.offset);
        if shape.last().is_none_or(|columns| !columns.is_multiple_of(kind.block_size())) {
            return Err(EngineError::Corrupt(format!("tensor {name:?} has rows of broken blocks")));
        }
        if !Source::takes(kind) {
            return Ok(Source::Values(self.values(name, shape)?));
        }
        let count = shape.iter().product::<usize>() / kind.block_size() * kind.type_size();
        let cut_off = |_| EngineError::Corrupt(format!("tensor {name:?} is cut off"));
        let start = self.content.tensor_data_offset.saturating_add(offset);
        self.reader.seek(SeekFrom::Start(start)).map_err(cut_off)?;
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).map_err(cut_off)?;
        Ok(Source::Blocks { kind, bytes })
    }

    fn info(&self, name: &str, shape: &[usize]) -> Result<&TensorInfo, EngineError> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(EngineError::Corrupt(format!("tensor {name} is missing")));
        };
        if info.shape.dims() != shape {
            let found = info.shape.dims();
            let text = format!("tensor {name} has shape {found:?}, not {shape:?}");
            return Err(EngineError::Corrupt(text));
        }
        Ok(info)
    }

    /// A whole number from the metadata.
    pub(crate) fn number(&self, key: &str) -> Result<usize, EngineError> {
        let value = self.value(key)?.to_u64().ok().and_then(|value| usize::try_from(value).ok());
        value.ok_or_else(|| EngineError::Corrupt(format!("metadata {key} is not a whole number")))
    }

    /// A real number from the metadata.
    pub(crate) fn real(&self, key: &str) -> Result<f32, EngineError> {
        let value = self.value(key)?.to_f32();
        value.map_err(|_| EngineError::Corrupt(format!("metadata {key} is not a real number")))
    }

    /// Yes or no from the metadata.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.value(key).ok()?.to_bool().ok()
    }

    /// A list of real numbers from the metadata; empty where there is none.
    pub(crate) fn reals(&self, key: &str) -> Vec<f32> {
        let values = self.content.metadata.get(key).and_then(|value| value.to_vec().ok());
        let real = |value: &Value| value.to_f32().unwrap_or(f32::NAN);
        values.map(|values| values.iter().map(real).collect()).unwrap_or_default()
    }

    /// A text from the metadata.
    pub(crate) fn text(&self, key: &str) -> Result<&str, EngineError> {
        let value = self.value(key)?.to_string();
        value
            .map(String::as_str)
            .map_err(|_| EngineError::Corrupt(format!("metadata {key} is not a text")))
    }

    /// A list of texts from the metadata.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&str>, EngineError> {
        let not_texts = || EngineError::Corrupt(format!("metadata {key} is not a list of texts"));
        let values = self.value(key)?.to_vec().map_err(|_| not_texts())?;
        let text = |value: &'_ Value| value.to_string().is_ok();
        if !values.iter().all(text) {
            return Err(not_texts());
        }
        Ok(values.iter().filter_map(|value| value.to_string().ok()).map(String::as_str).collect())
    }

    /// A list of signed numbers from the metadata; empty where there is none.
    pub(crate) fn kinds(&self, key: &str) -> Vec<i32> {
        let values = self.content.metadata.get(key).and_then(|value| value.to_vec().ok());
        let kind = |value: &Value| match value {
            Value::I32(kind) => *kind,
            Value::U32(kind) => i32::try_from(*kind).unwrap_or(0),
            _ => 0,
        };
        values.map(|values| values.iter().map(kind).collect()).unwrap_or_default()
    }

    fn value(&self, key: &str) -> Result<&Value, EngineError> {
        let value = self.content.metadata.get(key);
        value.ok_or_else(|| EngineError::Corrupt(format!("metadata {key} is missing")))
    }
}

/// Reads the tables of a file of `bytes`, which may be anybody's: walked over first, checked after.
fn tables(reader: &mut (impl Read + Seek), bytes: u64) -> Result<Content, EngineError> {
    let length = header::check(reader)?;
    let unreadable = |_| EngineError::Corrupt("it cannot be read twice".into());
    reader.rewind().map_err(unreadable)?;
    let mut header = Vec::new();
    reader.take(length).read_to_end(&mut header).map_err(unreadable)?;
    // From memory, for candle asks before each text how much is left.
    let content = Content::read(&mut Cursor::new(header)).map_err(corrupt)?;
    check_sizes(&content, bytes)?;
    Ok(content)
}

/// The bytes of a file of at most `most` with their SHA-256 (hex), if that is the expected one.
pub(crate) fn hashed(
    path: &Path,
    expected: Option<&str>,
    most: u64,
) -> Result<(Vec<u8>, String), EngineError> {
    let unreadable = |source| EngineError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        let text = format!("{} has more than {most} bytes", path.display());
        return Err(EngineError::Corrupt(text));
    }
    let found = hash(&mut bytes.as_slice()).map_err(unreadable)?;
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
            let (path, expected) = (path.to_owned(), expected.to_owned());
            Err(EngineError::Hash { path, expected, found })
        }
        _ => Ok((bytes, found)),
    }
}

/// SHA-256 of what is left to read, in hex.
fn hash(reader: &mut impl Read) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    loop {
        match reader.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Candle's reader bounds lengths, not the product of a tensor's dimensions, and sees a tensor that is
/// cut off only when it reads it.
fn check_sizes(content: &Content, file: u64) -> Result<(), EngineError> {
    for (name, info) in &content.tensor_infos {
        let product = info.shape.dims().iter().try_fold(1usize, |all, size| all.checked_mul(*size));
        let Some(values) = product.filter(|values| *values <= MAX_TENSOR_VALUES) else {
            return Err(EngineError::Corrupt(format!("tensor {name:?} is impossibly large")));
        };
        let bytes = (values / info.ggml_dtype.block_size() * info.ggml_dtype.type_size()) as u64;
        let end = content.tensor_data_offset.saturating_add(info.offset).saturating_add(bytes);
        if end > file {
            return Err(EngineError::Corrupt(format!("tensor {name:?} is cut off")));
        }
    }
    Ok(())
}

fn corrupt(source: candle_core::Error) -> EngineError {
    EngineError::Corrupt(source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    /// Bytes and lengths of the header, changed at random a hundred thousand times: an error or tables,
    /// never a panic, and no file of a few kilobytes makes us ask for much memory.
    #[test]
    fn a_hundred_thousand_damaged_headers_do_no_harm() {
        let sound = std::fs::read(tiny::write().path()).unwrap();
        let start =
            tables(&mut Cursor::new(&sound), sound.len() as u64).unwrap().tensor_data_offset;
        let header = usize::try_from(start).unwrap();
        let mut changed = sound.clone();
        let mut chance = 9u64;
        let mut next = |below: usize| {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) as usize % below
        };
        let lengths =
            [0u64, 1, 7, 0xff, 1 << 16, 1 << 31, 1 << 40, u64::MAX / 8, u64::MAX - 7, u64::MAX];
        let (mut sound_still, mut refused) = (0, 0);
        for round in 0..100_000 {
            // Half of them early, where counts and the first keys stand.
            let at = next(if round % 2 == 0 { 64 } else { header - 8 });
            match next(3) {
                0 => changed[at] = next(256) as u8,
                1 => changed[at] ^= 1 << next(8),
                _ => {
                    changed[at..at + 8].copy_from_slice(&lengths[next(lengths.len())].to_le_bytes())
                }
            }
            match tables(&mut Cursor::new(&changed), sound.len() as u64) {
                Ok(_) => sound_still += 1,
                Err(_) => refused += 1,
            }
            changed[at..at + 8].copy_from_slice(&sound[at..at + 8]);
        }
        assert!(sound_still > 1000 && refused > 1000, "{sound_still} sound, {refused} refused");
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 1 << 20, "{kilobytes} kB at most");
    }
}
