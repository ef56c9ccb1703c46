//! The lines that are sent: a day of a small company, the same every time.

use std::io::Write as _;

use vedette_scenario::{Day, Options};

/// Which day is drawn.
const SEED: u64 = 1;
/// Lines drawn at most; more are sent by going round. At 200 bytes this is 30 MB, which no
/// compressor's window spans, so that going round does not flatter the size on disk.
const LINES_MAX: usize = 150_000;
/// Lines drawn for each one wanted where those that are too long are left out.
const DRAWN_FOR_ONE: usize = 2;
/// What stands around a field put into JSON.
const JSON_FIELD: (&[u8], &[u8]) = (b",\"note\":\"", b"\"}");

/// Log lines of many devices, drawn from one seed.
pub(crate) struct Corpus {
    lines: Vec<Vec<u8>>,
}

impl Corpus {
    /// About as many lines as are `wanted`. With a `size`, each has exactly that many bytes: longer ones
    /// are left out, shorter ones get fields as devices write them; without, they are as long as
    /// the devices make them.
    pub(crate) fn draw(wanted: usize, size: Option<usize>) -> Self {
        let wanted = wanted.clamp(1, LINES_MAX);
        let drawn = if size.is_some() { wanted * DRAWN_FOR_ONE } else { wanted };
        let day = Day::generate(SEED, Options { lines: drawn, ..Options::default() });
        let mut lines: Vec<Vec<u8>> = day.events.into_iter().map(|event| event.line).collect();
        if let Some(size) = size {
            lines.retain(|line| line.len() <= size);
            for (number, line) in lines.iter_mut().enumerate() {
                lengthen(line, size, number as u64);
            }
        }
        lines.truncate(wanted);
        Self { lines }
    }

    /// The line to be sent as the `number`th.
    pub(crate) fn line(&self, number: u64) -> &[u8] {
        let many = self.lines.len() as u64;
        &self.lines[usize::try_from(number % many).unwrap_or_default()]
    }

    /// All of them, once.
    pub(crate) fn lines(&self) -> &[Vec<u8>] {
        &self.lines
    }
}

/// Adds fields up to exactly `size` bytes; where even one would not fit, spaces.
fn lengthen(line: &mut Vec<u8>, size: usize, seed: u64) {
    let mut fields = Vec::with_capacity(size);
    let mut draw = seed;
    while fields.len() < size {
        draw = mix(draw);
        let [a, b, c, d, ..] = draw.to_le_bytes();
        let _ = write!(
            fields,
            " session={} policy={} sent={} received={} zone=lan{} peer=10.{}.{}.{}",
            draw >> 40,
            a % 32,
            draw >> 50,
            (draw >> 16) & 0xffff,
            b % 4,
            b,
            c,
            d
        );
    }
    let (before, after) = JSON_FIELD;
    let json_end = line.len().saturating_sub(1);
    if line.ends_with(b"}") && json_end + before.len() + after.len() <= size {
        line.truncate(json_end);
        line.extend_from_slice(before);
        let room = size - line.len() - after.len();
        line.extend_from_slice(&fields[..room]);
        line.extend_from_slice(after);
    } else if !line.ends_with(b"}") {
        line.extend_from_slice(&fields[..size.saturating_sub(line.len())]);
    }
    line.resize(size, b' ');
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_size_wanted_and_are_the_same_every_time() {
        for size in [None, Some(200), Some(500)] {
            let corpus = Corpus::draw(2_000, size);
            assert_eq!(corpus.lines(), Corpus::draw(2_000, size).lines());
            assert!(corpus.lines().len() > 500, "{size:?}: {}", corpus.lines().len());
            assert!(corpus.lines().iter().all(|line| !line.contains(&b'\n')));
            if let Some(size) = size {
                assert!(corpus.lines().iter().all(|line| line.len() == size));
            }
            let again = corpus.lines().len() as u64;
            assert_eq!(corpus.line(3), corpus.line(3 + again));
        }
    }

    #[test]
    fn json_stays_json() {
        for size in 20..60 {
            let mut line = br#"{"a":1}"#.to_vec();
            lengthen(&mut line, size, 7);
            assert_eq!(line.len(), size);
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["a"], 1);
        }
    }
}
