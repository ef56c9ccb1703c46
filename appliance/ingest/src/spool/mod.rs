//! Datagrams that wait on the disk because whoever takes frames is behind: segments, written at the
//! end, read from the beginning, deleted when all their lines are committed.
//!
//! Nothing is flushed: what was written survives the death of the process, and a datagram that a power
//! cut takes would not have been kept otherwise either. How far lines are committed is noted, so that a new
//! process reads on from there.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use vedette_telemetry::{Counter, Metric, Registry};

use crate::{Frame, IngestError};

mod block;
mod note;

use block::{HEAD, Head};
use note::Note;

/// Bytes after which a segment is followed by the next: few files for a gigabyte, and little that is kept
/// longer than needed. What is deleted before the kernel writes it out, after some seconds, never reaches
/// the disk.
const SEGMENT_BYTES: u64 = 4 << 20;

/// Bytes read back at a time, after whose commit the place is noted: a thousand lines of 200 bytes, some
/// ten milliseconds of work. So much at most is read twice when the process is killed.
const READ_BYTES: usize = 256 << 10;

/// Bytes of the disk that stay free whatever the spool holds, beside as many as it holds: its lines must be
/// stored yet, and stored they are smaller.
const FREE_BYTES: u64 = 64 << 20;

/// Damaged segments kept for a closer look; the oldest go.
const DAMAGED_KEPT: usize = 8;

/// The folder that they are kept in.
const DAMAGED: &str = "damaged";

/// How the names of segments end.
const SUFFIX: &str = "spool";

/// Up to where lines have been read or are committed; segments and lines are numbered without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u64,
    offset: u64,
    /// The number of the line that stands there.
    line: u64,
}

/// What became of lines that were to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// They wait.
    Yes,
    /// The spool holds as much as it may.
    Full,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    /// Bytes of whole blocks.
    length: u64,
    damaged: bool,
}

/// What is counted: of those found and written, all that were not read and not damaged wait.
#[derive(Default)]
struct Counters {
    found: Counter,
    written: Counter,
    read: Counter,
    damaged: Counter,
}

/// The datagrams on the disk.
pub(crate) struct Spool {
    folder: PathBuf,
    max_bytes: u64,
    /// Oldest first; the last may be written to.
    segments: VecDeque<Segment>,
    note: Note,
    writing: Option<File>,
    reading: Option<(u64, File)>,
    /// Up to where it was read.
    at: Place,
    /// The number of the next line to be written.
    end: u64,
    block: Vec<u8>,
    counters: Counters,
}

impl Spool {
    /// Opens a folder, which may hold what an earlier process left.
    ///
    /// # Errors
    /// When the folder cannot be made, listed or written to.
    pub(crate) fn open(folder: &Path, max_bytes: u64) -> Result<Self, IngestError> {
        let failed = |source| IngestError::Spool { path: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let note = Note::open(&folder.join("committed")).map_err(failed)?;
        let noted = note.read();
        let mut spool = Self {
            segments: list(folder).map_err(failed)?,
            folder: folder.to_owned(),
            max_bytes,
            at: noted.unwrap_or_default(),
            note,
            writing: None,
            reading: None,
            end: 0,
            block: Vec::new(),
            counters: Counters::default(),
        };
        spool.find_ends(noted.is_some());
        // So that what is lost before anything is committed can be counted, too.
        spool.note.write(spool.at).map_err(failed)?;
        Ok(spool)
    }

    /// Finds the first line not committed and the end of the last, behind which a killed process may have
    /// left the beginning of a block.
    fn find_ends(&mut self, is_noted: bool) {
        self.let_go(self.at);
        self.end = self.at.line;
        for segment in self.segments.iter_mut().rev() {
            let bytes = fs::read(path(&self.folder, segment.number)).unwrap_or_default();
            if let Some((at, head)) = Blocks::of(&bytes).last() {
                segment.length = (at + head.length()) as u64;
                self.end = self.end.max(head.first + u64::from(head.lines));
                break;
            }
            segment.damaged = !bytes.is_empty();
        }
        if self.segments.front().is_none_or(|first| first.number > self.at.segment) {
            // Whoever deleted it is done with it.
            self.pass_segment();
        }
        if !is_noted {
            let mut at = self.at;
            let first = self.find_block(&mut at).map(|(_, head)| head.first);
            self.at.line = first.unwrap_or(self.end);
        }
        self.counters.found.add(self.waiting());
    }

    /// Counts into these from now on.
    pub(crate) fn counted_in(mut self, registry: &Registry) -> Self {
        let counter = |event| registry.counter(Metric::IngestSpool, event);
        let [found, written, read, damaged] = ["found", "written", "read", "damaged"].map(counter);
        found.add(self.found());
        self.counters = Counters { found, written, read, damaged };
        self
    }

    /// Lines that an earlier process had left.
    pub(crate) fn found(&self) -> u64 {
        self.counters.found.get()
    }

    /// Lines that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.end.saturating_sub(self.at.line)
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Has these wait behind all others.
    ///
    /// # Errors
    /// When the disk does not take them; nothing has changed then.
    pub(crate) fn append(&mut self, frames: &[Frame]) -> io::Result<Appended> {
        block::write(frames, self.end, &mut self.block);
        let length = self.block.len() as u64;
        if self.bytes() + length > self.max_bytes {
            return Ok(Appended::Full);
        }
        let ended = self.segments.back().is_none_or(|last| last.length >= SEGMENT_BYTES);
        if (ended || self.writing.is_none()) && !self.begin_segment()? {
            return Ok(Appended::Full);
        }
        if let (Some(file), Some(segment)) = (&self.writing, self.segments.back_mut()) {
            file.write_all_at(&self.block, segment.length)?;
            segment.length += length;
        }
        self.end += frames.len() as u64;
        self.counters.written.add(frames.len() as u64);
        Ok(Appended::Yes)
    }

    /// Begins a segment; not where the disk has no room for it.
    fn begin_segment(&mut self) -> io::Result<bool> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.bytes() + SEGMENT_BYTES + FREE_BYTES {
            return Ok(false);
        }
        let number = self.segments.back().map_or(self.at.segment, |last| last.number + 1).max(1);
        let path = path(&self.folder, number);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        self.writing = Some(file);
        self.segments.push_back(Segment { number, length: 0, damaged: false });
        Ok(true)
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// Takes the oldest that wait, some hundred kilobytes, and says up to where they reach. Lines that
    /// cannot be read are counted and passed over.
    pub(crate) fn read(&mut self) -> (Vec<Frame>, Place, u64) {
        let (mut frames, mut bytes, mut lost) = (Vec::new(), 0, 0);
        while bytes < READ_BYTES && !self.is_empty() {
            let mut at = self.at;
            let found = self.find_block(&mut at);
            self.at = at;
            let Some((block, head)) = found else {
                lost += self.waiting();
                self.at.line = self.end;
                break;
            };
            lost += head.first.saturating_sub(self.at.line);
            self.at.line = head.first + u64::from(head.lines);
            self.at.offset += head.length() as u64;
            bytes += head.length();
            head.frames(&block, &mut frames);
        }
        if self.is_empty() {
            // So that the last segment can go, too.
            self.writing = None;
        }
        self.pass_ends();
        self.counters.read.add(frames.len() as u64);
        self.counters.damaged.add(lost);
        (frames, self.at, lost)
    }

    /// From the end of a segment to which nothing is added any more, on to the next.
    fn pass_ends(&mut self) {
        let last = self.segments.back().map(|last| last.number);
        let is_open = self.writing.is_some() && last == Some(self.at.segment);
        let here = self.segments.iter().find(|segment| segment.number == self.at.segment);
        if !is_open && here.is_some_and(|here| here.length <= self.at.offset) {
            self.pass_segment();
        }
    }

    fn pass_segment(&mut self) {
        self.at = Place { segment: self.at.segment + 1, offset: 0, ..self.at };
    }

    /// The next block that can be read, and where it begins.
    fn find_block(&mut self, at: &mut Place) -> Option<(Vec<u8>, Head)> {
        loop {
            let place = self.segments.iter().position(|segment| segment.number >= at.segment)?;
            let Segment { number, length, .. } = self.segments[place];
            if number > at.segment {
                *at = Place { segment: number, offset: 0, ..*at };
            }
            if at.offset < length {
                match self.block_at(*at, length) {
                    Some(found) => return Some(found),
                    None => self.segments[place].damaged = true,
                }
                if let Some((offset, found)) = self.block_behind(*at) {
                    at.offset = offset;
                    return Some(found);
                }
            }
            *at = Place { segment: number + 1, offset: 0, ..*at };
        }
    }

    fn block_at(&mut self, at: Place, end: u64) -> Option<(Vec<u8>, Head)> {
        let file = self.open_segment(at.segment)?;
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, at.offset).ok()?;
        let head = Head::read(&head)?;
        if at.offset + head.length() as u64 > end {
            return None;
        }
        let mut block = vec![0; head.length()];
        file.read_exact_at(&mut block, at.offset).ok()?;
        head.fits(&block).then_some((block, head))
    }

    /// The next block behind damage in the same segment.
    fn block_behind(&self, at: Place) -> Option<(u64, (Vec<u8>, Head))> {
        let bytes = fs::read(path(&self.folder, at.segment)).ok()?;
        let from = usize::try_from(at.offset).ok()?;
        let (offset, head) = Blocks { bytes: &bytes, at: from }.next()?;
        Some((offset as u64, (bytes[offset..offset + head.length()].to_vec(), head)))
    }

    fn open_segment(&mut self, number: u64) -> Option<&File> {
        if self.reading.as_ref().is_none_or(|(open, _)| *open != number) {
            self.reading = Some((number, File::open(path(&self.folder, number)).ok()?));
        }
        self.reading.as_ref().map(|(_, file)| file)
    }

    /// Notes that all lines up to here are committed, and deletes what nobody needs any more.
    pub(crate) fn committed(&mut self, up_to: Place) {
        if let Err(error) = self.note.write(up_to) {
            tracing::warn!(%error, "how far spooled lines are committed could not be noted");
        }
        self.let_go(up_to);
    }

    fn let_go(&mut self, up_to: Place) {
        while let Some(segment) = self.segments.pop_front_if(|first| first.number < up_to.segment) {
            let path = path(&self.folder, segment.number);
            let gone = match segment.damaged {
                true => put_aside(&self.folder, segment.number),
                false => fs::remove_file(path),
            };
            if let Err(error) = gone {
                tracing::warn!(%error, segment = segment.number, "a spooled segment stays");
            }
        }
    }
}

/// The whole blocks in the bytes of a segment, those behind damage too, from an offset on.
struct Blocks<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Blocks<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for Blocks<'_> {
    type Item = (usize, Head);

    fn next(&mut self) -> Option<(usize, Head)> {
        while let Some(rest) = self.bytes.get(self.at..).filter(|rest| rest.len() >= HEAD) {
            let at = self.at;
            match Head::read(rest).filter(|head| head.fits(rest)) {
                Some(head) => {
                    self.at += head.length();
                    return Some((at, head));
                }
                None => self.at += 1,
            }
        }
        None
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.{SUFFIX}"))
}

/// The segments of a folder, oldest first.
fn list(folder: &Path) -> io::Result<VecDeque<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        let number = name.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
        if let (Some(number), Some(SUFFIX)) =
            (number, name.extension().and_then(|end| end.to_str()))
        {
            segments.push(Segment { number, length: entry.metadata()?.len(), damaged: false });
        }
    }
    segments.sort_unstable_by_key(|segment| segment.number);
    Ok(segments.into())
}

/// Keeps a damaged segment for a closer look, and few of them.
fn put_aside(folder: &Path, number: u64) -> io::Result<()> {
    let aside = folder.join(DAMAGED);
    fs::create_dir_all(&aside)?;
    fs::rename(path(folder, number), path(&aside, number))?;
    let kept = list(&aside)?;
    for old in kept.iter().take(kept.len().saturating_sub(DAMAGED_KEPT)) {
        fs::remove_file(path(&aside, old.number))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
