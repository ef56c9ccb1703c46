//! TLS and RELP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_rustls::rustls;
use vedette_event::Transport;
use vedette_ingest::{Config, Inherited, Listeners, OwnCertificate};
use vedette_telemetry::Metric;

use super::rig::{Rig, line, run, texts};

/// An authority, and what it signs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key in PEM form.
pub(crate) struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn sign(&self, until: i32) -> Pair {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

/// Listeners for one transport; `text` is TOML for `[tls]`.
pub(crate) fn start(transport: Transport, own: &Pair, text: &str) -> Rig {
    let mut config: Config = toml::from_str(text).unwrap();
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    config.udp.listen.clear();
    config.tcp.listen.clear();
    match transport {
        Transport::Tls => config.tls.listen = vec![free],
        _ => config.relp.listen = vec![free],
    }
    let own = OwnCertificate { certificate: &own.certificate, key: &own.key };
    let listeners = Listeners::bind(&config, Inherited::default(), own).unwrap();
    let [(_, address)] = listeners.addresses()[..] else { panic!("one address") };
    run(listeners, address, address, 4_096)
}

pub(crate) fn client(
    address: SocketAddr,
    authority: &Authority,
    own: Option<&Pair>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes())
                .collect::<Result<_, _>>()
                .unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

/// Whether the other side takes the connection and a line over it.
pub(crate) fn says_hello(mut stream: StreamOwned<ClientConnection, TcpStream>) -> bool {
    let sent = stream.write_all(b"<13>hello\n").and_then(|()| stream.flush());
    stream.conn.send_close_notify();
    let _ = stream.flush();
    // A refusal after the client's own handshake (TLS 1.3) shows on reading.
    sent.is_ok() && stream.read_to_end(&mut Vec::new()).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abrupt_end_of_tls_loses_nothing() {
    const LINES: usize = 5_000;
    let authority = Authority::new();
    let mut rig = start(Transport::Tls, &authority.sign(2100), "");
    let mut stream = client(rig.tcp, &authority, None);
    let writer = std::thread::spawn(move || {
        for number in 0..LINES {
            writeln!(stream, "{}", line(number)).unwrap();
        }
        // No close_notify: the socket is dropped as it is.
    });
    let frames = rig.take(LINES).await;
    writer.join().unwrap();
    assert_eq!(texts(&frames), (0..LINES).map(line).collect::<Vec<_>>());
    assert!(frames.iter().all(|frame| frame.transport == Transport::Tls && !frame.truncated));
    assert!(rig.stop().await.1.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_clients_of_the_authority_get_in_where_one_is_set() {
    let authority = Authority::new();
    let (good, expired) = (authority.sign(2100), authority.sign(2001));
    let stranger = Authority::new().sign(2100);
    let folder = std::env::temp_dir().join(format!("vedette-ca-{}", std::process::id()));
    std::fs::write(&folder, authority.0.pem()).unwrap();
    let text = format!("[tls]\nclient-ca = '{}'", folder.display());
    let mut rig = start(Transport::Tls, &authority.sign(2100), &text);
    for (pair, welcome) in
        [(Some(&good), true), (Some(&expired), false), (Some(&stranger), false), (None, false)]
    {
        let stream = client(rig.tcp, &authority, pair);
        let took = tokio::task::spawn_blocking(move || says_hello(stream)).await.unwrap();
        assert_eq!(took, welcome);
    }
    assert_eq!(texts(&rig.take(1).await), ["<13>hello"]);
    while rig.registry.values(Metric::IngestRefused).get("tls_handshake") != Some(&3) {
        tokio::task::yield_now().await;
    }
    assert!(rig.stop().await.1.is_empty());
    std::fs::remove_file(folder).unwrap();
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let authority = Authority::new();
    let rig = start(Transport::Tls, &authority.sign(2100), "[tls]\nhandshake-timeout-seconds = 1");
    let mut silent = TcpStream::connect(rig.tcp).unwrap();
    let read = tokio::task::spawn_blocking(move || silent.read_to_end(&mut Vec::new()));
    let _ = read.await.unwrap();
    while rig.registry.values(Metric::IngestRefused).get("tls_handshake") != Some(&1) {
        tokio::task::yield_now().await;
    }
    rig.stop().await;
}

#[test]
fn certificates_that_cannot_be_used_are_told_by_file() {
    let own = Authority::new().sign(2100);
    let missing = "certificate = '/nowhere/a.pem'\nkey = '/nowhere/a.key'";
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let no_pem = format!("client-ca = '{}'", manifest.display());
    for (text, parts) in [
        (missing, ["/nowhere/a.pem", "No such file"]),
        ("certificate = '/nowhere/a.pem'", ["/nowhere/a.pem", "set `key` under [ingest.tls]"]),
        (no_pem.as_str(), ["Cargo.toml", "holds no certificate in PEM form"]),
    ] {
        let mut config: Config = toml::from_str(&format!("[tls]\n{text}")).unwrap();
        config.tls.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.udp.listen.clear();
        config.tcp.listen.clear();
        let own = OwnCertificate { certificate: &own.certificate, key: &own.key };
        let error = Listeners::bind(&config, Inherited::default(), own).err().unwrap().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}

/// A RELP client: what rsyslog's omrelp says, by hand.
pub(crate) struct Relp(BufReader<TcpStream>);

impl Relp {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let mut client = Self(BufReader::new(stream));
        client.send(1, "open", "relp_version=0\nrelp_software=test\ncommands=syslog");
        let (transaction, offer) = client.answer().unwrap();
        assert_eq!(transaction, 1);
        assert!(offer.starts_with("200 OK\nrelp_version=0\n") && offer.contains("commands=syslog"));
        client
    }

    pub(crate) fn send(&mut self, transaction: u32, command: &str, data: &str) {
        let frame = match data {
            "" => format!("{transaction} {command} 0\n"),
            _ => format!("{transaction} {command} {} {data}\n", data.len()),
        };
        self.0.get_mut().write_all(frame.as_bytes()).unwrap();
    }

    /// Transaction and data of the next answer; `None` at the end.
    pub(crate) fn answer(&mut self) -> Option<(u32, String)> {
        let mut header = Vec::new();
        // "N rsp LENGTH" ends with a space, or with LF where there is no data.
        while !header.ends_with(b"\n") && header.iter().filter(|byte| **byte == b' ').count() < 3 {
            let mut byte = [0];
            if self.0.read(&mut byte).unwrap() == 0 {
                return None;
            }
            header.extend(byte);
        }
        let header = String::from_utf8(header).unwrap();
        let parts: Vec<_> = header.split_whitespace().collect();
        let length: usize = parts[2].parse().unwrap();
        let mut data = vec![0; length];
        self.0.read_exact(&mut data).unwrap();
        if !header.ends_with('\n') {
            self.0.read_until(b'\n', &mut Vec::new()).unwrap();
        }
        Some((parts[0].parse().unwrap(), String::from_utf8(data).unwrap()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relp_is_answered_when_a_line_is_safe_and_not_before() {
    let mut rig = start(Transport::Relp, &Authority::new().sign(2100), "");
    let address = rig.tcp;
    let mut client = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    for number in 0..3 {
        client.send(number + 2, "syslog", &format!("{}\n", line(number as usize)));
    }
    let mut frames = rig.take(3).await;
    assert_eq!(texts(&frames), (0..3).map(line).collect::<Vec<_>>());
    client.send(5, "close", "");
    client.0.get_mut().set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    assert!(client.0.fill_buf().is_err(), "nothing is acknowledged yet");
    client.0.get_mut().set_read_timeout(None).unwrap();
    // The second one is lost on its way to the disk: it is never acknowledged.
    for (number, frame) in frames.drain(..).enumerate() {
        let receipt = frame.receipt.unwrap();
        if number != 1 {
            receipt.confirm();
        }
    }
    let heard = tokio::task::spawn_blocking(move || {
        std::iter::from_fn(|| client.answer()).collect::<Vec<_>>()
    });
    let ok = || "200 OK".to_owned();
    let expected = [(2, ok()), (4, ok()), (5, String::new()), (0, String::new())];
    assert_eq!(heard.await.unwrap(), expected);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_waits_for_acknowledgements() {
    let mut rig = start(Transport::Relp, &Authority::new().sign(2100), "");
    let address = rig.tcp;
    let mut client = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    client.send(2, "syslog", &line(0));
    let frame = rig.take(1).await.remove(0);
    rig.shutdown.cancel();
    frame.receipt.unwrap().confirm();
    let heard = tokio::task::spawn_blocking(move || {
        std::iter::from_fn(|| client.answer()).collect::<Vec<_>>()
    });
    assert_eq!(heard.await.unwrap(), [(2, "200 OK".to_owned()), (0, String::new())]);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_after_a_break_is_marked() {
    let mut rig = start(Transport::Relp, &Authority::new().sign(2100), "");
    let address = rig.tcp;
    let mut client = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    for number in 0..3 {
        client.send(number + 2, "syslog", &line(number as usize));
    }
    let frames = rig.take(3).await;
    assert!(frames.iter().all(|frame| !frame.receipt.as_ref().unwrap().is_repeat()));
    // Gone before it reads an answer; two of its lines are committed after that.
    drop(client);
    let mut again = tokio::task::spawn_blocking(move || Relp::open(address)).await.unwrap();
    for number in 1..5 {
        again.send(number + 2, "syslog", &line(number as usize));
    }
    for frame in frames.into_iter().take(2) {
        frame.receipt.unwrap().confirm();
    }
    let frames = rig.take(4).await;
    assert_eq!(texts(&frames), (1..5).map(line).collect::<Vec<_>>());
    let marks = frames.iter().map(|frame| frame.receipt.as_ref().unwrap().is_repeat());
    // The third was lost on its way to the disk: it is no repeat.
    assert_eq!(marks.collect::<Vec<_>>(), [true, false, false, false]);
    drop((frames, again));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_relp_is_shown_the_door_and_counted() {
    let rig = start(Transport::Relp, &Authority::new().sign(2100), "");
    let mut stream = TcpStream::connect(rig.tcp).unwrap();
    stream.write_all(b"<13>Oct 11 22:14:15 host app: no RELP at all, and quite long\n").unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    });
    assert_eq!(read.await.unwrap(), "0 serverclose 0\n");
    while rig.registry.values(Metric::IngestRefused).get("protocol") != Some(&1) {
        tokio::task::yield_now().await;
    }
    rig.stop().await;
}
