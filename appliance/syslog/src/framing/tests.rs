use proptest::prelude::*;

use super::*;

fn split(chunks: &[&[u8]], cap: usize) -> (Vec<RawFrame>, u64) {
    let mut framer = Framer::new(cap);
    let mut frames = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
    }
    framer.finish();
    frames.extend(std::iter::from_fn(|| framer.next_frame()));
    (frames, framer.discarded_bytes())
}

/// Text of each frame, and whether it was cut.
type Frames = &'static [(&'static str, bool)];

#[test]
fn frames_are_told_apart() {
    let cases: &[(&[u8], Frames)] = &[
        (b"<1>a\n<2>b\r\n\n\r\n<3>c", &[("<1>a", false), ("<2>b", false), ("<3>c", false)]),
        (
            b"4 <1>a5 <2>b\n6 <3>c\r\nplain\n",
            &[("<1>a", false), ("<2>b", false), ("<3>c", false), ("plain", false)],
        ),
        (
            b"6 <1>\na\n24 lines\n10.0.0.1\n",
            &[("<1>\na", false), ("24 lines", false), ("10.0.0.1", false)],
        ),
        (
            b"4 <1>a4 text5 <2>b\n5 text\n",
            &[("<1>a", false), ("text", false), ("<2>b", false), ("5 text", false)],
        ),
        (b"9 <1>ab", &[("<1>ab", true)]),
        (b"12345678 <1>a\n", &[("12345678", true)]),
        (b"12345678\r\n", &[("12345678", false)]),
        (b"20 <1>abcdefghijklmnopq4 <2>b", &[("<1>abcde", true), ("<2>b", false)]),
        (b"<1>a\r", &[("<1>a\r", false)]),
        (b"42", &[("42", false)]),
        (b"", &[]),
    ];
    for (stream, expected) in cases {
        let frames = split(&[stream], 8).0;
        let seen: Vec<_> = frames
            .iter()
            .map(|frame| (std::str::from_utf8(&frame.bytes).unwrap(), frame.truncated))
            .collect();
        assert_eq!(seen, *expected, "{:?}", String::from_utf8_lossy(stream));
    }
}

#[test]
fn what_is_cut_off_is_counted() {
    assert_eq!(split(&[b"<1>abcdefghij\n20 <1>abcdefghijklmnopq"], 8).1, 5 + 12);
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"5 <1>a".to_vec()),
        Just(b"12 <34>".to_vec()),
        Just(b"99999999 <".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_frames(
        stream in streams(),
        cuts in proptest::collection::vec(1usize..9, 1..16),
        cap in 1usize..40,
    ) {
        let mut chunks = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        let whole = split(&[&stream], cap);
        prop_assert!(whole.0.iter().all(|frame| frame.bytes.len() <= cap));
        prop_assert_eq!(split(&chunks, cap), whole);
    }

    #[test]
    fn both_framings_round_trip(
        messages in proptest::collection::vec(("[^\r\n]{0,30}", any::<bool>()), 0..12),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (text, counted) in &messages {
            let message = format!("<13>{text}");
            if *counted {
                stream.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
            } else {
                stream.extend_from_slice(message.as_bytes());
                stream.push(b'\n');
            }
            expected.push(RawFrame { bytes: message.into_bytes(), truncated: false });
        }
        prop_assert_eq!(split(&[&stream], 1000).0, expected);
    }
}
