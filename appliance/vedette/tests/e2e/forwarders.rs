//! Lines that rsyslog and syslog-ng send come out byte for byte, none missing.
//!
//! Both come from Debian's packages, unpacked side by side and run as the ordinary user of the test:
//! installed, they conflict.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use crate::appliance::{Appliance, NO_MODEL, PLAIN};
use crate::imports::stored_and_marked;
use crate::packages::unpack;

/// The forwarders and the libraries that a small system may lack.
const PACKAGES: &[&str] = &[
    "rsyslog",
    "rsyslog-gnutls",
    "rsyslog-relp",
    "librelp0",
    "libgnutls30",
    "libestr0",
    "libfastjson4",
    "syslog-ng-core",
    "libivykis0",
    "libpcre3",
    "libnet1",
    "libwrap0",
    "libglib2.0-0",
];

/// Lines sent over each transport; UDP takes them from a burst, so they fit the receive buffer.
const LINES: usize = 2_000;

/// Where the packages are unpacked, or why they cannot be.
static PEERS: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| unpack("peers", PACKAGES));

fn libraries(root: &Path) -> String {
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    ["usr/lib", "lib"]
        .iter()
        .map(|folder| root.join(folder).join(&triple))
        .chain([root.join("usr/lib/syslog-ng")])
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(":")
}

/// A forwarder that reads a file and sends its lines on.
struct Forwarder(Child);

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(command: &mut Command, folder: &Path) -> Forwarder {
    let log = fs::File::create(folder.join("forwarder.log")).expect("a log file");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    Forwarder(child.expect("the forwarder starts"))
}

/// How a forwarder is to send, and where to.
struct Way {
    /// As in the status.
    transport: &'static str,
    port: u16,
    /// The certificate to trust, where it is to use TLS.
    trust: Option<PathBuf>,
}

/// What rsyslog is told of the way.
fn rsyslog_action(way: &Way) -> String {
    let port = way.port;
    match (way.transport, &way.trust) {
        ("relp", None) => {
            format!(
                "action(type=\"omrelp\" target=\"127.0.0.1\" port=\"{port}\" template=\"whole\" action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\")"
            )
        }
        // Without a certificate of its own it offers nothing but anonymous ciphers.
        ("relp", Some(trust)) => format!(
            "action(type=\"omrelp\" target=\"127.0.0.1\" port=\"{port}\" template=\"whole\" tls=\"on\" \
             tls.authMode=\"certvalid\" tls.caCert=\"{trust}\" tls.myCert=\"{trust}\" tls.myPrivKey=\"{trust}\")",
            trust = trust.display()
        ),
        (_, Some(_)) => format!(
            "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"whole\" \
             TCP_Framing=\"octet-counted\" StreamDriver=\"gtls\" StreamDriverMode=\"1\" StreamDriverAuthMode=\"anon\")"
        ),
        (transport, None) => format!(
            "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"{transport}\" template=\"whole\" \
             TCP_Framing=\"octet-counted\")"
        ),
    }
}

fn rsyslog(root: &Path, folder: &Path, way: &Way) -> Forwarder {
    let modules = root.join(format!("usr/lib/{}-linux-gnu/rsyslog", std::env::consts::ARCH));
    let config = folder.join("rsyslog.conf");
    let trust = way.trust.as_ref().map_or(String::new(), |path| {
        format!(" defaultNetstreamDriverCAFile=\"{}\"", path.display())
    });
    let relp = if way.transport == "relp" { "module(load=\"omrelp\")\n" } else { "" };
    let text = format!(
        "global(workDirectory=\"{folder}\"{trust})\n\
         module(load=\"imfile\")\n{relp}\
         template(name=\"whole\" type=\"string\" string=\"%rawmsg%\")\n\
         input(type=\"imfile\" file=\"{folder}/lines\" tag=\"t\" ruleset=\"out\" freshStartTail=\"off\")\n\
         ruleset(name=\"out\") {{ {action} }}\n",
        folder = folder.display(),
        action = rsyslog_action(way),
    );
    fs::write(&config, text).expect("the configuration is written");
    spawn(
        Command::new(root.join("usr/sbin/rsyslogd"))
            .arg("-n")
            .arg("-f")
            .arg(&config)
            .arg("-i")
            .arg(folder.join("rsyslog.pid"))
            .env("LD_LIBRARY_PATH", libraries(root))
            .env("RSYSLOG_MODDIR", modules),
        folder,
    )
}

fn syslog_ng(root: &Path, folder: &Path, way: &Way) -> Forwarder {
    let config = folder.join("syslog-ng.conf");
    let Way { transport, port, trust } = way;
    let end = if *transport == "udp" { "" } else { "\\n" };
    let tls = trust.as_ref().map_or(String::new(), |path| {
        format!(" tls(ca-file(\"{}\") peer-verify(required-untrusted))", path.display())
    });
    let text = format!(
        "@version: 3.38\n\
         options {{ use-dns(no); log-msg-size(65536); }};\n\
         source lines {{ file(\"{folder}/lines\" follow-freq(0.2) flags(no-parse)); }};\n\
         destination out {{ network(\"127.0.0.1\" port({port}) transport(\"{transport}\"){tls} \
         template(\"${{MSG}}{end}\") template-escape(no)); }};\n\
         log {{ source(lines); destination(out); flags(flow-control); }};\n",
        folder = folder.display(),
    );
    fs::write(&config, text).expect("the configuration is written");
    spawn(
        Command::new(root.join("usr/sbin/syslog-ng"))
            .args(["--foreground", "--no-caps"])
            .arg(format!("--cfgfile={}", config.display()))
            .arg(format!("--module-path={}", root.join("usr/lib/syslog-ng/3.38").display()))
            .arg(format!("--persist-file={}", folder.join("persist").display()))
            .arg(format!("--pidfile={}", folder.join("syslog-ng.pid").display()))
            .arg(format!("--control={}", folder.join("control").display()))
            .env("LD_LIBRARY_PATH", libraries(root)),
        folder,
    )
}

/// Lines as devices write them: both RFCs, long and short, UTF-8, tabs, quotes, no header at all.
fn lines() -> Vec<String> {
    let mut lines = Vec::with_capacity(LINES);
    for number in 0..LINES {
        let mut line = String::new();
        let _ = match number % 5 {
            0 => write!(
                line,
                "<86>Nov  3 10:00:01 gate sshd[{number}]: Accepted publickey for mia from 10.0.0.{} port 22 ssh2",
                number % 250
            ),
            1 => write!(
                line,
                "<165>1 2026-11-03T10:00:01.{:06}Z gate app {number} ID47 [a@1 b=\"c\\\"d\"] naïve — text",
                number
            ),
            2 => write!(line, "<13>{number}\ttabs\tand  two spaces, 'quotes' \"both\" %41 \\n"),
            3 => write!(line, "<46>Nov  3 10:00:02 gate long: {number} {}", "x".repeat(1_500)),
            _ => write!(line, "no priority, number {number}"),
        };
        lines.push(line);
    }
    lines
}

/// Listeners for every way.
const SECURE: &str = "[ingest.tls]\nlisten = [\"127.0.0.1:0\"]\n";
const RELP: &str = "[ingest.relp]\nlisten = [\"127.0.0.1:0\"]\n";
const SECURE_RELP: &str = "[ingest.relp]\ntls-listen = [\"127.0.0.1:0\"]\n";

type StartForwarder = fn(&Path, &Path, &Way) -> Forwarder;

fn check(name: &str, start: StartForwarder, transport: &'static str, extra: &str) {
    let root = match &*PEERS {
        Ok(root) => root,
        Err(why) => return println!("skipped: {name} over {transport}: {why}"),
    };
    let appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}{extra}"));
    let folder = appliance.folder().join(name);
    fs::create_dir(&folder).expect("a folder for the forwarder");
    let sent = lines();
    fs::write(folder.join("lines"), sent.join("\n") + "\n").expect("the lines are written");
    let secure = [SECURE, SECURE_RELP].contains(&extra);
    let way = Way {
        transport,
        port: appliance.address(transport).port(),
        trust: secure.then(|| appliance.certificate()),
    };
    let _forwarder = start(root, &folder, &way);
    appliance.wait_stored(LINES as u64);
    let exported = appliance.ask(&["events", "export", "--format", "raw"]);
    let mut received: Vec<&[u8]> =
        exported.strip_suffix(b"\n").unwrap_or(&exported).split(|byte| *byte == b'\n').collect();
    let mut expected: Vec<&[u8]> = sent.iter().map(String::as_bytes).collect();
    if transport == "udp" {
        // Datagrams may overtake each other between several sender sockets.
        received.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(received.len(), expected.len(), "{name} over {transport}");
    for (number, (received, expected)) in received.iter().zip(&expected).enumerate() {
        assert_eq!(
            String::from_utf8_lossy(received),
            String::from_utf8_lossy(expected),
            "line {number} of {name} over {transport}"
        );
    }
}

#[test]
fn rsyslog_over_udp() {
    check("rsyslog", rsyslog, "udp", "");
}

#[test]
fn rsyslog_over_tcp() {
    check("rsyslog", rsyslog, "tcp", "");
}

#[test]
fn rsyslog_over_tls() {
    check("rsyslog", rsyslog, "tls", SECURE);
}

#[test]
fn rsyslog_over_relp() {
    check("rsyslog", rsyslog, "relp", RELP);
}

#[test]
fn rsyslog_over_relp_with_tls() {
    check("rsyslog", rsyslog, "relp", SECURE_RELP);
}

#[test]
fn syslog_ng_over_udp() {
    check("syslog-ng", syslog_ng, "udp", "");
}

#[test]
fn syslog_ng_over_tcp() {
    check("syslog-ng", syslog_ng, "tcp", "");
}

#[test]
fn syslog_ng_over_tls() {
    check("syslog-ng", syslog_ng, "tls", SECURE);
}

#[test]
fn rsyslog_over_relp_loses_nothing_when_the_appliance_is_killed() {
    const KILLS: u64 = 3;
    const MANY: usize = 30_000;
    let root = match &*PEERS {
        Ok(root) => root,
        Err(why) => return println!("skipped: rsyslog over RELP: {why}"),
    };
    let mut appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}{RELP}"));
    let port = appliance.address("relp").port();
    let fixed = RELP.replace(":0", &format!(":{port}"));
    appliance.configure(&format!("{PLAIN}{NO_MODEL}{fixed}"));
    let sent: BTreeSet<String> = (0..MANY).map(crate::lines::harmless).collect();
    let text: String = (0..MANY).map(|number| crate::lines::harmless(number) + "\n").collect();
    fs::write(appliance.folder().join("lines"), text).expect("the lines are written");
    let way = Way { transport: "relp", port, trust: None };
    let _forwarder = rsyslog(root, appliance.folder(), &way);
    for life in 1..=KILLS {
        appliance.wait_stored(life * MANY as u64 / (2 * KILLS));
        appliance.kill();
        appliance.launch();
    }
    appliance.wait_stored(MANY as u64);
    appliance.wait_triaged();
    let stored = stored_and_marked(&appliance);
    let missing: Vec<&String> = sent.iter().filter(|line| !stored.contains_key(*line)).collect();
    let again: usize = stored.values().map(|(stored, _)| stored - 1).sum();
    let marked: usize = stored.values().map(|(_, marked)| marked).sum();
    println!(
        "{KILLS} kills, {MANY} lines: {} missing, {again} sent again and stored twice, {marked} of them marked",
        missing.len(),
    );
    assert!(missing.is_empty(), "the first is {:?}", missing[0]);
    assert!(stored.values().all(|(stored, marked)| stored - 1 == *marked), "unmarked repeats");
}
