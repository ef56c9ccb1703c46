//! UDP and TCP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use vedette_event::{Peer, Transport};
use vedette_ingest::{DropReason, Inherited, Listeners};
use vedette_telemetry::Metric;

use super::rig::{OWN, bind, config, line, run, start, texts};

fn udp_sender() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn udp_and_tcp_lose_nothing() {
    const LINES: usize = 5_000;
    /// Datagrams sent before waiting for them: fewer than the smallest default buffer holds.
    const BURST: usize = 100;
    let mut rig = start("", 2 * LINES);
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    let writer = std::thread::spawn(move || {
        (0..LINES).for_each(|number| writeln!(stream, "{}", line(number)).unwrap());
    });
    let expected: Vec<_> = (0..LINES).map(line).collect();
    let (mut over_udp, mut over_tcp) = (Vec::new(), Vec::new());
    let sender = udp_sender();
    let mut sent = 0;
    while over_udp.len() < LINES || over_tcp.len() < LINES {
        while sent < LINES.min(over_udp.len() + BURST) {
            sender.send_to(expected[sent].as_bytes(), rig.udp).unwrap();
            sent += 1;
        }
        let frame = rig.take(1).await.remove(0);
        match frame.transport {
            Transport::Udp => over_udp.push(frame),
            _ => over_tcp.push(frame),
        }
    }
    writer.join().unwrap();
    assert_eq!(texts(&over_udp), expected);
    assert_eq!(texts(&over_tcp), expected);
    let (counts, rest) = rig.stop().await;
    assert!(rest.is_empty() && counts.dropped.is_empty());
    assert_eq!(counts.delivered, 2 * LINES as u64);
}

#[tokio::test]
async fn tcp_framings_mix_and_pieces_join() {
    for (pieces, expected) in [
        (vec!["<13>one\n<13>two\r\n"], vec!["<13>one", "<13>two"]),
        (vec!["9 <13>a\nb c<13>line\n"], vec!["<13>a\nb c", "<13>line"]),
        (vec!["7 <1", "3>one", "<13>", "two\n"], vec!["<13>one", "<13>two"]),
        (vec!["<13>cut off in the mid"], vec!["<13>cut off in the mid"]),
    ] {
        let mut rig = start("", 16);
        let mut stream = TcpStream::connect(rig.tcp).unwrap();
        stream.set_nodelay(true).unwrap();
        for piece in &pieces {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        drop(stream);
        let frames = rig.take(expected.len()).await;
        assert_eq!(texts(&frames), expected);
        assert!(frames.iter().all(|frame| !frame.truncated));
        assert!(rig.stop().await.1.is_empty());
    }
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_marked() {
    let mut rig = start("max-frame-bytes = 480", 16);
    let long = "x".repeat(481);
    udp_sender().send_to(long.as_bytes(), rig.udp).unwrap();
    let over_udp = rig.take(1).await;
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    writeln!(stream, "{long}\n<13>next").unwrap();
    drop(stream);
    let over_tcp = rig.take(2).await;
    for cut in [&over_udp[0], &over_tcp[0]] {
        assert_eq!((cut.bytes.len(), cut.truncated), (480, true), "{:?}", cut.transport);
    }
    assert_eq!(texts(&over_tcp[1..]), ["<13>next"]);
    rig.stop().await;
}

#[tokio::test]
async fn connections_are_capped_for_all_and_for_each() {
    for (text, reason) in [
        ("[tcp]\nmax-connections = 2", "too_many"),
        ("[tcp]\nmax-connections-per-peer = 2", "too_many_from_peer"),
    ] {
        let mut rig = start(text, 16);
        let mut held: Vec<_> = (0..2).map(|_| TcpStream::connect(rig.tcp).unwrap()).collect();
        for (number, stream) in held.iter_mut().enumerate() {
            writeln!(stream, "{}", line(number)).unwrap();
        }
        rig.take(2).await;
        let refused = TcpStream::connect(rig.tcp).unwrap();
        assert_eq!(closed(refused).await, 0, "closed without a byte");
        let counted = rig.registry.values(Metric::IngestRefused);
        assert_eq!(counted.get(reason), Some(&1), "{counted:?}");
        writeln!(held[0], "<13>still served").unwrap();
        assert_eq!(texts(&rig.take(1).await), ["<13>still served"]);
        rig.stop().await;
    }
}

/// Waits until the other side has closed the connection; the bytes it sent before.
async fn closed(mut stream: TcpStream) -> usize {
    let read = tokio::task::spawn_blocking(move || stream.read_to_end(&mut Vec::new()));
    read.await.unwrap().unwrap_or_default()
}

#[tokio::test]
async fn strangers_are_dropped_and_counted() {
    let rig = start("allow = ['192.0.2.0/24']", 16);
    let sender = udp_sender();
    for number in 0..3 {
        sender.send_to(line(number).as_bytes(), rig.udp).unwrap();
    }
    assert_eq!(closed(TcpStream::connect(rig.tcp).unwrap()).await, 0);
    assert_eq!(rig.registry.values(Metric::IngestRefused)["not_allowed"], 1);
    let sources = rig.sources.clone();
    let (counts, frames) = rig.stop().await;
    assert!(frames.is_empty());
    assert_eq!(counts.dropped, BTreeMap::from([(DropReason::NotAllowed, 3)]));
    let row = &sources.snapshot().by_address[&"127.0.0.1".parse().unwrap()];
    assert_eq!((row.received, row.dropped_total()), (3, 3));
    assert!(row.last_seen.is_some());
}

#[tokio::test]
async fn a_full_queue_makes_everything_wait() {
    const LINES: usize = 8;
    let mut rig = start("", 1);
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    let sender = udp_sender();
    for number in 0..LINES {
        writeln!(stream, "{}", line(number)).unwrap();
        sender.send_to(line(number).as_bytes(), rig.udp).unwrap();
    }
    let taken = rig.take(2 * LINES).await;
    for transport in [Transport::Tcp, Transport::Udp] {
        let of = taken.iter().filter(|frame| frame.transport == transport);
        assert_eq!(texts(of), (0..LINES).map(line).collect::<Vec<_>>(), "{transport:?}");
    }
    let (counts, _) = rig.stop().await;
    assert_eq!((counts.received, counts.dropped.len()), (2 * LINES as u64, 0));
}

#[tokio::test]
async fn a_source_above_its_rate_waits_over_tcp_and_loses_over_udp() {
    /// One more than the burst of ten seconds.
    const LINES: usize = 11;
    let mut rig = start("max-rate-per-source = 1", 64);
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    for number in 0..LINES {
        writeln!(stream, "{}", line(number)).unwrap();
    }
    let frames = rig.take(LINES).await;
    assert_eq!(texts(&frames), (0..LINES).map(line).collect::<Vec<_>>());
    let sender = udp_sender();
    while rig.registry.values(Metric::IngestDropped)["rate_limited"] == 0 {
        sender.send_to(line(0).as_bytes(), rig.udp).unwrap();
        tokio::task::yield_now().await;
    }
    let (counts, _) = rig.stop().await;
    assert_eq!(counts.dropped.keys().collect::<Vec<_>>(), [&DropReason::RateLimited]);
}

#[tokio::test]
async fn processes_on_the_box_send_to_a_unix_socket() {
    let folder = std::env::temp_dir().join(format!("vedette-unix-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("log");
    // Left behind by a process that died.
    drop(UnixDatagram::bind(&path).unwrap());
    let text = format!("allow = ['192.0.2.1']\n[unix]\nlisten = ['{}']", path.display());
    let mut rig = start(&text, 16);
    let sender = UnixDatagram::unbound().unwrap();
    sender.send_to(b"<13>su: a line\n", &path).unwrap();
    let frame = rig.take(1).await.remove(0);
    assert_eq!((frame.transport, frame.peer), (Transport::Unix, Peer::Local));
    assert_eq!(texts([&frame]), ["<13>su: a line"]);
    let again = Listeners::bind(&config(&text), Inherited::default(), OWN).err().unwrap();
    assert!(again.to_string().contains("[ingest.unix]"), "{again}");
    let (counts, _) = rig.stop().await;
    assert_eq!((counts.delivered, counts.dropped.len()), (1, 0));
    assert!(!path.exists(), "the socket goes with its reader");
    std::fs::remove_dir(folder).unwrap();
}

#[tokio::test]
async fn kernel_drops_are_counted() {
    /// More than a default buffer (212,992 bytes) can hold at 768 bytes or more of each datagram.
    const FLOOD: u64 = 3_000;
    let (listeners, udp, tcp) = bind("[udp]\nreceive-buffer-bytes = 4096");
    let sender = udp_sender();
    for number in 0..FLOOD {
        sender.send_to(line(usize::try_from(number).unwrap()).as_bytes(), udp).unwrap();
    }
    let rig = run(listeners, udp, tcp, 8_192);
    let sources = rig.sources.clone();
    let (counts, frames) = rig.stop().await;
    assert_eq!(counts.received, FLOOD);
    let lost = counts.dropped[&DropReason::KernelBuffer];
    assert_eq!(frames.len() as u64 + lost, FLOOD);
    assert!(lost > 0);
    assert_eq!(sources.snapshot().unattributed.received, lost);
}

#[tokio::test]
async fn stopping_hands_on_what_the_sockets_hold() {
    const LINES: usize = 500;
    let (listeners, udp, tcp) = bind("");
    let sender = udp_sender();
    let mut waiting = TcpStream::connect(tcp).unwrap();
    for number in 0..LINES {
        sender.send_to(line(number).as_bytes(), udp).unwrap();
        writeln!(waiting, "{}", line(number)).unwrap();
    }
    // Shut down before the first read: all of it is in socket buffers and the accept queue.
    let rig = run(listeners, udp, tcp, 1);
    let (counts, frames) = rig.stop().await;
    let expected: Vec<_> = (0..LINES).map(line).collect();
    for transport in [Transport::Udp, Transport::Tcp] {
        let of_one = frames.iter().filter(|frame| frame.transport == transport);
        assert_eq!(texts(of_one), expected, "{transport:?}");
    }
    assert_eq!((counts.delivered, counts.dropped.len()), (2 * LINES as u64, 0));
    assert!(TcpStream::connect(tcp).is_err(), "the door is closed");
}

#[tokio::test]
async fn a_reader_that_hangs_is_given_up_and_the_rest_counted() {
    const LINES: u64 = 50;
    let (listeners, udp, tcp) = bind("");
    let sender = udp_sender();
    let mut stream = TcpStream::connect(tcp).unwrap();
    for _ in 0..LINES {
        sender.send_to(b"<13>line", udp).unwrap();
        writeln!(stream, "<13>line").unwrap();
    }
    let mut rig = run(listeners.with_drain_time(Duration::ZERO), udp, tcp, 1);
    rig.shutdown.cancel();
    let counts = (&mut rig.run).await.unwrap();
    assert_eq!((counts.received, counts.delivered), (2 * LINES, 1));
    assert_eq!(counts.dropped, BTreeMap::from([(DropReason::Shutdown, 2 * LINES - 1)]));
}

#[tokio::test]
async fn an_absent_reader_does_not_hold_up_the_end() {
    let mut rig = start("", 1);
    udp_sender().send_to(b"<13>one", rig.udp).unwrap();
    rig.take(1).await;
    rig.frames.close();
    udp_sender().send_to(b"<13>two", rig.udp).unwrap();
    let (counts, _) = rig.stop().await;
    assert_eq!(counts.dropped, BTreeMap::from([(DropReason::Shutdown, 1)]));
}

#[test]
fn a_taken_port_is_told_clearly() {
    let udp = udp_sender();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for (transport, address) in
        [(Transport::Udp, udp.local_addr().unwrap()), (Transport::Tcp, tcp.local_addr().unwrap())]
    {
        let mut config = config("");
        match transport {
            Transport::Udp => config.udp.listen = vec![address],
            _ => config.tcp.listen = vec![address],
        }
        let error = Listeners::bind(&config, Inherited::default(), OWN).err().unwrap().to_string();
        let name = transport.as_str();
        for part in [
            format!("cannot listen on {name} {address}: another program holds the port"),
            format!("sport = :{}", address.port()),
            format!("`listen` under [ingest.{name}]"),
        ] {
            assert!(error.contains(&part), "{error}");
        }
    }
}

#[tokio::test]
async fn inherited_sockets_serve_and_are_not_opened_twice() {
    let inherited =
        Inherited { udp: vec![udp_sender()], tcp: vec![TcpListener::bind("127.0.0.1:0").unwrap()] };
    let udp = inherited.udp[0].local_addr().unwrap();
    let tcp = inherited.tcp[0].local_addr().unwrap();
    let mut config = config("");
    config.udp.listen = vec![udp];
    config.tcp.listen = vec![tcp];
    let listeners = Listeners::bind(&config, inherited, OWN).unwrap();
    assert_eq!(listeners.addresses(), [(Transport::Udp, udp), (Transport::Tcp, tcp)]);
    let mut rig = run(listeners, udp, tcp, 16);
    udp_sender().send_to(b"<13>datagram\n", udp).unwrap();
    assert_eq!(texts(&rig.take(1).await), ["<13>datagram"]);
    writeln!(TcpStream::connect(tcp).unwrap(), "<13>stream").unwrap();
    assert_eq!(texts(&rig.take(1).await), ["<13>stream"]);
    rig.stop().await;
}
