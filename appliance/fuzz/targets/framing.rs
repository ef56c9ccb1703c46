//! However a stream is cut into pieces, the same frames come out, none longer than the cap, and no byte
//! is made up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette_syslog::{Framer, RawFrame};

/// Low, so that the fuzzer reaches the cut soon.
const MAX_FRAME_BYTES: usize = 64;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, stream) = input;
    let (whole, cut) = frames(stream.chunks(stream.len().max(1)));
    let pieces = frames(stream.chunks(usize::from(piece) + 1));
    assert_eq!((&whole, cut), (&pieces.0, pieces.1), "the pieces change nothing");
    let kept: usize = whole.iter().map(|frame| frame.bytes.len()).sum();
    assert!(whole.iter().all(|frame| (1..=MAX_FRAME_BYTES).contains(&frame.bytes.len())));
    assert!(kept as u64 + cut <= stream.len() as u64, "each byte is kept or cut once");
});

fn frames<'s>(pieces: impl Iterator<Item = &'s [u8]>) -> (Vec<RawFrame>, u64) {
    let mut framer = Framer::new(MAX_FRAME_BYTES);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
    }
    framer.finish();
    frames.extend(std::iter::from_fn(|| framer.next_frame()));
    (frames, framer.discarded_bytes())
}
