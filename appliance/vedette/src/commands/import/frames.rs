use std::io::{self, BufRead, BufReader, Chain, Cursor, Read as _};

use flate2::read::MultiGzDecoder;

use crate::cli::ImportFormat;

/// Bytes kept of a frame: one more than the most that any configuration keeps, so that what is longer
/// shows.
const FRAME_MAX: usize = 1_048_577;

/// Bytes looked at to tell the two forms apart.
const HEAD: usize = 64 * 1_024;

/// Digits of a length.
const DIGITS_MAX: usize = 9;

/// How a gzipped file begins (RFC 1952).
const GZIP: &[u8] = &[0x1f, 0x8b];

type Input = Chain<Cursor<Vec<u8>>, Box<dyn io::Read>>;

/// Cuts a file into frames as `events export` writes them, in bounded memory.
pub(super) struct Frames {
    input: BufReader<Input>,
    octets: bool,
    number: u64,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Frame,
    /// A line with nothing in it.
    Blank,
    End,
}

impl Frames {
    pub(super) fn open(input: Box<dyn io::Read>, format: ImportFormat) -> io::Result<Self> {
        let (mut head, mut rest) = look(input)?;
        if head.starts_with(GZIP) {
            let packed = Cursor::new(head).chain(rest);
            (head, rest) = look(Box::new(MultiGzDecoder::new(packed)))?;
        }
        let octets = match format {
            ImportFormat::Raw => false,
            ImportFormat::RawOctets => true,
            ImportFormat::Auto => is_octets(&head),
        };
        Ok(Self { input: BufReader::new(Cursor::new(head).chain(rest)), octets, number: 0 })
    }

    /// The number of the line or frame read last, or in which reading failed; from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next frame into `frame`.
    ///
    /// # Errors
    /// When the file cannot be read, or not be followed any further.
    pub(super) fn next(&mut self, frame: &mut Vec<u8>) -> io::Result<Read> {
        frame.clear();
        if self.input.fill_buf()?.is_empty() {
            return Ok(Read::End);
        }
        self.number += 1;
        if self.octets { self.counted(frame) } else { self.line(frame) }
    }

    fn line(&mut self, frame: &mut Vec<u8>) -> io::Result<Read> {
        loop {
            let chunk = self.input.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = FRAME_MAX - frame.len();
            frame.extend_from_slice(&part[..part.len().min(room)]);
            let (used, at_end) = (part.len() + usize::from(end.is_some()), chunk.is_empty());
            self.input.consume(used);
            if end.is_some() || at_end {
                let blank = frame.is_empty();
                return Ok(if blank { Read::Blank } else { Read::Frame });
            }
        }
    }

    fn counted(&mut self, frame: &mut Vec<u8>) -> io::Result<Read> {
        let length = self.length()?;
        let kept = length.min(FRAME_MAX as u64);
        self.input.by_ref().take(kept).read_to_end(frame)?;
        let rest = io::copy(&mut self.input.by_ref().take(length - kept), &mut io::sink())?;
        if frame.len() as u64 + rest < length {
            return Err(io::Error::other("the file ends inside the frame, which is left out"));
        }
        Ok(Read::Frame)
    }

    fn length(&mut self) -> io::Result<u64> {
        let mut length = 0;
        for _ in 0..=DIGITS_MAX {
            let mut byte = [0];
            self.input.read_exact(&mut byte)?;
            match byte[0] {
                digit @ b'0'..=b'9' => length = length * 10 + u64::from(digit - b'0'),
                b' ' => return Ok(length),
                _ => break,
            }
        }
        Err(io::Error::other("it does not begin with a length and a space; is it --format raw?"))
    }
}

fn look(mut input: Box<dyn io::Read>) -> io::Result<(Vec<u8>, Box<dyn io::Read>)> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head, input))
}

/// Whether every frame ends where the next length begins, as far as the head reaches.
fn is_octets(mut head: &[u8]) -> bool {
    let whole = head.len() < HEAD;
    let mut frames = 0;
    while !head.is_empty() {
        let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let cut_off = !whole && digits == head.len();
        if frames > 0 && cut_off {
            return true;
        }
        let number = head.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
        let length = number.and_then(|number| number.parse::<usize>().ok());
        let (Some(length), Some(b' ')) = (length, head.get(digits)) else { return false };
        frames += 1;
        match head.get(digits + 1 + length..) {
            Some(rest) => head = rest,
            None => return !whole,
        }
    }
    frames > 0
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(bytes: &[u8], format: ImportFormat) -> (Vec<String>, usize, Option<String>) {
        let mut frames = Frames::open(Box::new(Cursor::new(bytes.to_vec())), format).unwrap();
        let (mut texts, mut blank, mut frame) = (Vec::new(), 0, Vec::new());
        loop {
            match frames.next(&mut frame) {
                Ok(Read::Frame) => texts.push(String::from_utf8_lossy(&frame).into_owned()),
                Ok(Read::Blank) => blank += 1,
                Ok(Read::End) => return (texts, blank, None),
                Err(error) => {
                    return (texts, blank, Some(format!("{}: {error}", frames.number())));
                }
            }
        }
    }

    #[test]
    fn both_forms_are_told_apart_and_read() {
        for (bytes, frames, blank) in [
            ("<13>a\n<13>b\n", &["<13>a", "<13>b"][..], 0),
            ("a\n\nb", &["a", "b"], 1),
            ("3 a\nb4 c d\n", &["a\nb", "c d\n"], 0),
            ("0 2 ab", &["", "ab"], 0),
            ("5 files were found\n6 more\n", &["5 files were found", "6 more"], 0),
            ("2026 was a year\n", &["2026 was a year"], 0),
            ("12\n", &["12"], 0),
            ("", &[], 0),
        ] {
            let (texts, blanks, error) = read(bytes.as_bytes(), ImportFormat::Auto);
            assert_eq!(
                (texts.as_slice(), blanks, error),
                (&*frames.iter().map(ToString::to_string).collect::<Vec<_>>(), blank, None),
                "{bytes:?}"
            );
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes.as_bytes()).unwrap();
            assert_eq!(read(&packed.finish().unwrap(), ImportFormat::Auto).0, frames, "{bytes:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_told_by_its_number() {
        for (bytes, frames, error) in [
            ("1 a3 bc", 1, "2: the file ends inside the frame"),
            ("1 ax", 1, "2: it does not begin with a length"),
            ("1 a2", 1, "2: failed to fill whole buffer"),
            ("99999999999 a", 0, "1: it does not begin with a length"),
        ] {
            let (texts, _, found) = read(bytes.as_bytes(), ImportFormat::RawOctets);
            assert_eq!(texts.len(), frames, "{bytes:?}");
            assert!(found.as_ref().is_some_and(|found| found.starts_with(error)), "{found:?}");
        }
    }

    #[test]
    fn a_long_line_is_kept_up_to_the_cap() {
        let long = "x".repeat(3 * FRAME_MAX);
        for bytes in [format!("{long}\nnext\n"), format!("{} {long}4 next", long.len())] {
            let (texts, ..) = read(bytes.as_bytes(), ImportFormat::Auto);
            let lengths: Vec<_> = texts.iter().map(String::len).collect();
            assert_eq!(lengths, [FRAME_MAX, 4]);
        }
    }
}
