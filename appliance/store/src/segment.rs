//! Segments: files of compressed blocks, written once and read ever after.
//!
//! A frame is a header of [`HEADER`] bytes, the filter, and the streams of the block compressed by
//! zstd. All numbers are little-endian; each of the three parts has its own CRC-32 (IEEE), so that a
//! damaged frame is known and its neighbours are read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use vedette_event::EventId;

use crate::StoreError;
use crate::block::{Block, Builder, Filter, Streams};

/// Folder of the segments in the state folder.
const FOLDER: &str = "segments";

/// Where damaged frames are kept for a closer look.
const QUARANTINE: &str = "damaged";

const EXTENSION: &str = "seg";

/// First bytes of a frame.
const MAGIC: [u8; 4] = *b"VBL1";

/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 56;

/// Compression: zstd's own default, about 1 µs a line.
const LEVEL: i32 = 3;

/// Bytes of a filter or of a compressed or plain body at most: far over what a full block and one line
/// of the longest kind make, far under what would hurt if a header were forged.
const MAX_PART: u32 = 256 << 20;

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first: EventId,
    pub(crate) count: u32,
    pub(crate) filter_bytes: u32,
    body_bytes: u32,
    plain_bytes: u32,
    pub(crate) received_min: i64,
    pub(crate) received_max: i64,
    filter_crc: u32,
    body_crc: u32,
}

impl Header {
    /// Bytes of the whole frame.
    pub(crate) fn frame_bytes(&self) -> u64 {
        HEADER as u64 + u64::from(self.filter_bytes) + u64::from(self.body_bytes)
    }

    fn write(&self) -> [u8; HEADER] {
        let mut rest = Vec::with_capacity(HEADER);
        rest.extend(self.first.0.to_le_bytes());
        for number in [self.count, self.filter_bytes, self.body_bytes, self.plain_bytes] {
            rest.extend(number.to_le_bytes());
        }
        rest.extend(self.received_min.to_le_bytes());
        rest.extend(self.received_max.to_le_bytes());
        rest.extend(self.filter_crc.to_le_bytes());
        rest.extend(self.body_crc.to_le_bytes());
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&MAGIC);
        header[4..8].copy_from_slice(&crc32fast::hash(&rest).to_le_bytes());
        header[8..].copy_from_slice(&rest);
        header
    }

    /// `None` where there is no whole header.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let header = Self {
            first: EventId(u64_at(8)),
            count: u32_at(16),
            filter_bytes: u32_at(20),
            body_bytes: u32_at(24),
            plain_bytes: u32_at(28),
            received_min: u64_at(32).cast_signed(),
            received_max: u64_at(40).cast_signed(),
            filter_crc: u32_at(48),
            body_crc: u32_at(52),
        };
        let sizes = [header.filter_bytes, header.body_bytes, header.plain_bytes];
        let whole = bytes[..4] == MAGIC && u32_at(4) == crc32fast::hash(&bytes[8..]);
        (whole && sizes.iter().all(|size| *size <= MAX_PART)).then_some(header)
    }
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first line of its segment, which names the file.
    pub(crate) segment: EventId,
    pub(crate) offset: u64,
}

/// The folder of the segments of one store.
#[derive(Clone, Debug)]
pub(crate) struct Segments(PathBuf);

impl Segments {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(state_dir.join(FOLDER))
    }

    /// A folder of segments beside this one.
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        Self(self.0.with_file_name(format!("{FOLDER}{suffix}")))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn create(&self) -> Result<(), StoreError> {
        fs::create_dir_all(&self.0).map_err(failed("create", &self.0))
    }

    pub(crate) fn path(&self, segment: EventId) -> PathBuf {
        self.0.join(format!("{:016}.{EXTENSION}", segment.0))
    }

    /// The segments that are there with their sizes, the oldest first.
    pub(crate) fn list(&self) -> Result<Vec<(EventId, u64)>, StoreError> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(failed("list", &self.0)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.0))?;
            let path = entry.path();
            let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            if let (true, Some(number)) = (is_segment, number) {
                let size = entry.metadata().map_err(failed("look at", &path))?.len();
                found.push((EventId(number), size));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Writes a block behind `length` bytes of a segment and flushes it to the disk.
    pub(crate) fn append(
        &self,
        segment: EventId,
        length: u64,
        builder: &Builder,
    ) -> Result<Header, StoreError> {
        let path = self.path(segment);
        let (header, frame) = seal(builder)?;
        let is_new = length == 0;
        let file = open_to_write(&path)?;
        // What a failed attempt left behind goes first.
        file.set_len(length)
            .and_then(|()| file.write_all_at(&frame, length))
            .and_then(|()| file.sync_data())
            .and_then(|()| if is_new { File::open(&self.0)?.sync_all() } else { Ok(()) })
            .map_err(failed("write", &path))?;
        Ok(header)
    }

    /// Reads the block of a frame.
    pub(crate) fn block(&self, place: Place) -> Result<Block, StoreError> {
        let (header, frame) = self.frame(place)?;
        parse(&header, &frame[HEADER..]).ok_or_else(|| self.damaged(place))
    }

    /// The bytes of a frame, as they are.
    pub(crate) fn frame(&self, place: Place) -> Result<(Header, Vec<u8>), StoreError> {
        let path = self.path(place.segment);
        let file = File::open(&path).map_err(failed("open", &path))?;
        let mut bytes = vec![0; HEADER];
        read_at(&file, &mut bytes, place.offset).map_err(failed("read", &path))?;
        let header = Header::read(&bytes).ok_or_else(|| self.damaged(place))?;
        bytes.resize(usize::try_from(header.frame_bytes()).unwrap_or(usize::MAX), 0);
        read_at(&file, &mut bytes[HEADER..], place.offset + HEADER as u64)
            .map_err(failed("read", &path))?;
        Ok((header, bytes))
    }

    /// Reads the filters of frames of one segment, which is opened once for all of them.
    pub(crate) fn filters(
        &self,
        segment: EventId,
    ) -> Result<impl FnMut(u64, u32) -> Option<Filter> + use<>, StoreError> {
        let path = self.path(segment);
        let file = File::open(&path).map_err(failed("open", &path))?;
        Ok(move |offset, bytes: u32| {
            let mut frame = vec![0; HEADER + bytes.min(MAX_PART) as usize];
            read_at(&file, &mut frame, offset).ok()?;
            let header = Header::read(&frame)?;
            let whole = header.filter_bytes == bytes
                && crc32fast::hash(&frame[HEADER..]) == header.filter_crc;
            whole.then(|| Filter::read(&frame[HEADER..]).ok()).flatten()
        })
    }

    /// Puts a copy of damaged bytes aside and returns where.
    pub(crate) fn quarantine(&self, place: Place, bytes: &[u8]) -> Result<PathBuf, StoreError> {
        let folder = self.0.join(QUARANTINE);
        let path = folder.join(format!("{:016}-{}", place.segment.0, place.offset));
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(failed("write", &path))?;
        Ok(path)
    }

    pub(crate) fn remove(&self, segment: EventId) -> Result<(), StoreError> {
        let path = self.path(segment);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Cuts a segment to the bytes that are known.
    pub(crate) fn cut(&self, segment: EventId, length: u64) -> Result<(), StoreError> {
        let path = self.path(segment);
        let file = open_to_write(&path)?;
        file.set_len(length).map_err(failed("cut", &path))
    }

    /// The headers of the frames of a segment from an offset on, with their places. What is no whole frame is
    /// passed over; whether the bodies can be read is not looked at.
    pub(crate) fn headers(
        &self,
        segment: EventId,
        from: u64,
    ) -> Result<Vec<(Place, Header)>, StoreError> {
        let path = self.path(segment);
        let file = File::open(&path).map_err(failed("open", &path))?;
        let size = file.metadata().map_err(failed("look at", &path))?.len();
        let mut found = Vec::new();
        let mut offset = from;
        while offset + HEADER as u64 <= size {
            let mut bytes = [0; HEADER];
            read_at(&file, &mut bytes, offset).map_err(failed("read", &path))?;
            let header = Header::read(&bytes).filter(|header| header.count > 0);
            match header.filter(|header| offset + header.frame_bytes() <= size) {
                Some(header) => {
                    found.push((Place { segment, offset }, header));
                    offset += header.frame_bytes();
                }
                None => offset = next_magic(&file, offset + 1).map_err(failed("read", &path))?,
            }
        }
        Ok(found)
    }

    /// All bytes of a segment from an offset on.
    pub(crate) fn tail(&self, segment: EventId, from: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.path(segment);
        let mut file = File::open(&path).map_err(failed("open", &path))?;
        let mut bytes = Vec::new();
        io::Seek::seek(&mut file, io::SeekFrom::Start(from))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(failed("read", &path))?;
        Ok(bytes)
    }

    /// Writes the frame of a backup where it came from.
    pub(crate) fn put(&self, place: Place, frame: &[u8]) -> Result<(), StoreError> {
        let path = self.path(place.segment);
        let file = open_to_write(&path)?;
        file.write_all_at(frame, place.offset)
            .and_then(|()| file.sync_data())
            .map_err(failed("write", &path))
    }

    fn damaged(&self, place: Place) -> StoreError {
        StoreError::DamagedFrame { path: self.path(place.segment), offset: place.offset }
    }
}

/// Whether the lines of a frame can be read; `frame` begins with the header. A filter that is damaged
/// costs searches time and nobody a line.
pub(crate) fn is_readable(header: &Header, frame: &[u8]) -> bool {
    frame.get(HEADER..).is_some_and(|parts| parse(header, parts).is_some())
}

fn seal(builder: &Builder) -> Result<(Header, Vec<u8>), StoreError> {
    let plain = builder.streams().whole();
    let block = Block::read(builder.first(), builder.streams().clone())
        .map_err(|damage| StoreError::Internal(format!("a block of our own is {damage}")))?;
    let body = zstd::bulk::compress(&plain, LEVEL)
        .map_err(|error| StoreError::Internal(format!("zstd: {error}")))?;
    let filter = Filter::of(&block).write();
    let (received_min, received_max) = block.span();
    let header = Header {
        first: builder.first(),
        count: builder.count(),
        filter_bytes: size(&filter)?,
        body_bytes: size(&body)?,
        plain_bytes: size(&plain)?,
        received_min,
        received_max,
        filter_crc: crc32fast::hash(&filter),
        body_crc: crc32fast::hash(&body),
    };
    Ok((header, [&header.write()[..], &filter, &body].concat()))
}

fn size(part: &[u8]) -> Result<u32, StoreError> {
    u32::try_from(part.len())
        .ok()
        .filter(|size| *size <= MAX_PART)
        .ok_or_else(|| StoreError::Internal(format!("a block of {} bytes", part.len())))
}

/// Reads filter and body of a frame; `None` where they are not what was written.
fn parse(header: &Header, parts: &[u8]) -> Option<Block> {
    let body = parts.get(header.filter_bytes as usize..)?;
    if crc32fast::hash(body) != header.body_crc {
        return None;
    }
    let plain = zstd::bulk::decompress(body, header.plain_bytes as usize).ok()?;
    let mut streams = Streams::default();
    streams.extend(&plain).ok()?;
    let block = Block::read(header.first, streams).ok()?;
    (block.len() == header.count as usize).then_some(block)
}

fn open_to_write(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).open(path).map_err(failed("open", path))
}

fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(bytes, offset)
}

/// Bytes searched at a time for the next frame behind damage.
const SEARCHED: usize = 64 << 10;

/// Where the next frame may begin from an offset on; the end of the file where none does.
fn next_magic(file: &File, from: u64) -> io::Result<u64> {
    let mut bytes = vec![0; SEARCHED];
    let mut offset = from;
    loop {
        let length = file.read_at(&mut bytes, offset)?;
        if let Some(at) = memchr::memmem::find(&bytes[..length], &MAGIC) {
            return Ok(offset + at as u64);
        }
        if length < MAGIC.len() {
            return Ok(offset + length as u64);
        }
        // The first bytes may stand at the end of this part.
        offset += (length + 1 - MAGIC.len()) as u64;
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::File { action, path, source },
    }
}
