//! Up to where spooled lines are committed, noted in a file of its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Place;

/// Three numbers and their checksum.
const LENGTH: usize = 3 * 8 + 4;

/// The file, written over each time. Half a note fits no checksum: then all that lies there is read again.
pub(super) struct Note(File);

impl Note {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).open(path).map(Self)
    }

    /// What was noted last, if it can be read.
    pub(super) fn read(&self) -> Option<Place> {
        let mut bytes = [0; LENGTH];
        self.0.read_exact_at(&mut bytes, 0).ok()?;
        let number = |at: usize| {
            u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes are eight bytes"))
        };
        let place = Place { segment: number(0), offset: number(8), line: number(16) };
        (text(place) == bytes).then_some(place)
    }

    pub(super) fn write(&self, place: Place) -> io::Result<()> {
        self.0.write_all_at(&text(place), 0)
    }
}

fn text(place: Place) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&place.segment.to_le_bytes());
    bytes[8..16].copy_from_slice(&place.offset.to_le_bytes());
    bytes[16..24].copy_from_slice(&place.line.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..24]);
    bytes[24..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}
