//! Senders that are broken, hostile or too many: each is bounded and counted, and the others are served.
//!
//! `VEDETTE_FAULTS=long` runs the same at the size of a bad day; `peer/faults.py` does it against the
//! built program, over real time, and prints what it counted.

use std::io::{Read, Write};
use std::net::TcpStream;

use vedette_event::Transport;
use vedette_telemetry::Metric;

use super::rig::{Rig, line, start, texts};
use super::secure::{Authority, Relp, client, says_hello, start as start_secure};

/// The short size, or the long one where it is asked for.
fn size(short: usize, long: usize) -> usize {
    if std::env::var_os("VEDETTE_FAULTS").is_some_and(|wanted| wanted == "long") {
        long
    } else {
        short
    }
}

fn refused(rig: &Rig, reason: &str) -> u64 {
    rig.registry.values(Metric::IngestRefused).get(reason).copied().unwrap_or_default()
}

async fn wait_refused(rig: &Rig, reason: &str, count: u64) {
    while refused(rig, reason) < count {
        tokio::task::yield_now().await;
    }
    assert_eq!(refused(rig, reason), count, "{reason}");
}

/// Checks that a new line is served on a connection of its own, nothing else being under way.
async fn serves(rig: &mut Rig) {
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    stream.write_all(b"<13>after all that\n").unwrap();
    assert_eq!(texts(&rig.take(1).await), ["<13>after all that"]);
}

async fn reads_to_the_end(mut stream: TcpStream) {
    let read = tokio::task::spawn_blocking(move || stream.read_to_end(&mut Vec::new()));
    // A reset is an end too.
    let _ = read.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_the_cap_are_refused_and_counted_and_the_rest_served() {
    let (all, cap) = (size(600, 5_000), size(200, 1_024));
    let text = format!("[tcp]\nmax-connections = {cap}\nmax-connections-per-peer = {cap}");
    let mut rig = start(&text, 8_192);
    let address = rig.tcp;
    let connect = move || (0..all).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut streams: Vec<TcpStream> = tokio::task::spawn_blocking(connect).await.unwrap();
    wait_refused(&rig, "too_many", (all - cap) as u64).await;
    for (number, stream) in streams.iter_mut().enumerate() {
        // Those that were refused notice now or later.
        let _ = writeln!(stream, "{}", line(number));
    }
    let mut served = texts(&rig.take(cap).await);
    served.sort_unstable();
    let mut expected: Vec<_> = (0..cap).map(line).collect();
    expected.sort_unstable();
    assert_eq!(served, expected, "the first in line have the seats");
    drop(streams);
    let again = comes_back(&mut rig).await;
    assert_eq!(refused(&rig, "too_many"), (all - cap) as u64 + again);
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (cap as u64 + 1, 0));
}

/// Connects until a seat is free again and its line comes through; how often that was refused.
async fn comes_back(rig: &mut Rig) -> u64 {
    let before = refused(rig, "too_many");
    for tries in 0.. {
        let mut stream = TcpStream::connect(rig.tcp).unwrap();
        let _ = stream.write_all(b"<13>back\n");
        drop(stream);
        while refused(rig, "too_many") == before + tries {
            if let Ok(frame) = rig.frames.try_recv() {
                assert_eq!(texts([&frame]), ["<13>back"]);
                return tries;
            }
            tokio::task::yield_now().await;
        }
    }
    unreachable!("it tries until it succeeds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_hold_up_nobody_and_lose_nothing() {
    let slow = size(200, 1_000);
    let text = format!("[tcp]\nmax-connections = {0}\nmax-connections-per-peer = {0}", slow + 10);
    let mut rig = start(&text, 4_096);
    let mut streams: Vec<_> = (0..slow).map(|_| TcpStream::connect(rig.tcp).unwrap()).collect();
    for (number, byte) in b"<13>slowly".iter().enumerate() {
        for stream in &mut streams {
            stream.write_all(&[*byte]).unwrap();
        }
        // A byte of each later, another sender has had a whole line through.
        let mut quick = TcpStream::connect(rig.tcp).unwrap();
        writeln!(quick, "{}", line(number)).unwrap();
        assert_eq!(texts(&rig.take(1).await), [line(number)]);
        drop(quick);
        while rig.sources.snapshot().by_address.values().any(|row| row.received <= number as u64) {
            tokio::task::yield_now().await;
        }
    }
    drop(streams);
    let frames = rig.take(slow).await;
    assert!(frames.iter().all(|frame| frame.bytes == b"<13>slowly"));
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (slow as u64 + 10, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_closed_and_what_it_said_is_kept() {
    let mut rig = start("[tcp]\nidle-timeout-seconds = 1", 16);
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    stream.write_all(b"<13>half a li").unwrap();
    reads_to_the_end(stream).await;
    assert_eq!(texts(&rig.take(1).await), ["<13>half a li"]);
    serves(&mut rig).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_any_announced_or_real_length_are_cut_at_the_cap() {
    const CAP: usize = 1_000;
    let endless = size(64, 1_024) << 20;
    let mut rig = start(&format!("max-frame-bytes = {CAP}"), 16);
    for (announced, sent, length, cut) in [
        // More digits than a length has: a line, ended by LF.
        ("1000000000000000000 <13>", 8, 32, false),
        // A length that never comes: what came, marked.
        ("9999999 <13>", 8, 12, true),
        ("9999999 <13>", 5_000, CAP, true),
        // No line end at all.
        ("<13>", endless, CAP, true),
    ] {
        let mut stream = TcpStream::connect(rig.tcp).unwrap();
        stream.write_all(announced.as_bytes()).unwrap();
        let write = move || {
            let chunk = vec![b'x'; 1 << 16];
            for begin in (0..sent).step_by(chunk.len()) {
                stream.write_all(&chunk[..chunk.len().min(sent - begin)]).unwrap();
            }
        };
        tokio::task::spawn_blocking(write).await.unwrap();
        let frame = rig.take(1).await.remove(0);
        assert_eq!((frame.bytes.len(), frame.truncated), (length, cut), "{announced} and {sent}");
        serves(&mut rig).await;
    }
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (8, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_stop_halfway_are_ended_and_counted_and_the_rest_served() {
    let halves = size(50, 1_000);
    let authority = Authority::new();
    let text = format!(
        "[tls]\nhandshake-timeout-seconds = 3\n[tcp]\nmax-connections = {0}\nmax-connections-per-peer = {0}",
        halves + 1
    );
    let mut rig = start_secure(Transport::Tls, &authority.sign(2100), &text);
    // A handshake record of 512 bytes is announced, and its first two bytes follow.
    let half = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00];
    let open = |_| {
        let mut stream = TcpStream::connect(rig.tcp).unwrap();
        stream.write_all(&half).unwrap();
        stream
    };
    let streams: Vec<_> = (0..halves).map(open).collect();
    let stream = client(rig.tcp, &authority, None);
    assert!(tokio::task::spawn_blocking(move || says_hello(stream)).await.unwrap());
    assert_eq!(texts(&rig.take(1).await), ["<13>hello"]);
    for stream in streams {
        reads_to_the_end(stream).await;
    }
    wait_refused(&rig, "tls_handshake", halves as u64).await;
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relp_garbage_ends_its_own_session_only() {
    let mut rig = start_secure(Transport::Relp, &Authority::new().sign(2100), "");
    let garbage: [&[u8]; 7] = [
        b"\x00\x01\x02\x03\xff\xfe binary\n",
        b"1 syslog 999999999999 x",
        b"-1 syslog 3 abc\n",
        b"1 open 5 abc\n2 xyz",
        b"1 syslog 3 abcdef\n",
        &[b'9'; 60],
        &[b'7'; 100_000],
    ];
    for (number, bytes) in garbage.iter().enumerate() {
        let mut stream = TcpStream::connect(rig.tcp).unwrap();
        let _ = stream.write_all(bytes);
        wait_refused(&rig, "protocol", number as u64 + 1).await;
        reads_to_the_end(stream).await;
    }
    let address = rig.tcp;
    let mut good = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    good.send(2, "syslog", "<13>good");
    let frame = rig.take(1).await.remove(0);
    assert_eq!(texts([&frame]), ["<13>good"]);
    frame.receipt.unwrap().confirm();
    let heard = tokio::task::spawn_blocking(move || good.answer()).await.unwrap();
    assert_eq!(heard, Some((2, "200 OK".to_owned())));
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relp_sender_beyond_its_window_waits() {
    /// What the appliance takes of one session without a commit.
    const WINDOW: usize = 1_024;
    let all = WINDOW * 4;
    let mut rig = start_secure(Transport::Relp, &Authority::new().sign(2100), "");
    let address = rig.tcp;
    let mut client = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    let sender = tokio::task::spawn_blocking(move || {
        for number in 0..all {
            client.send(u32::try_from(number).unwrap() + 2, "syslog", &line(number));
        }
        let answers: Vec<_> = (0..all).filter_map(|_| client.answer()).collect();
        answers.iter().all(|(_, text)| text == "200 OK").then_some(answers.len())
    });
    let mut taken = rig.take(WINDOW).await;
    // Another session's line overtakes what has to wait.
    let mut other = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    other.send(2, "syslog", "<13>other");
    let overtaker = rig.take(1).await.remove(0);
    assert_eq!(texts([&overtaker]), ["<13>other"]);
    overtaker.receipt.unwrap().confirm();
    let mut lines = 0;
    while lines < all {
        for frame in taken.drain(..) {
            assert_eq!(texts([&frame]), [line(lines)]);
            frame.receipt.unwrap().confirm();
            lines += 1;
        }
        if lines < all {
            taken = rig.take(1).await;
        }
    }
    assert_eq!(sender.await.unwrap(), Some(all));
    drop(other);
    let (counts, rest) = rig.stop().await;
    assert_eq!((counts.delivered, rest.len()), (all as u64 + 1, 0));
}
