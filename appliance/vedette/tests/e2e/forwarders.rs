//! Lines that rsyslog and syslog-ng send come out byte for byte, none missing.
//!
//! Both come from Debian's packages, unpacked side by side and run as the ordinary user of the test:
//! installed, they conflict.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use crate::appliance::{Appliance, NO_MODEL, PLAIN};

/// The forwarders and the libraries that a small system may lack.
const PACKAGES: &[&str] = &[
    "rsyslog",
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
static PEERS: LazyLock<Result<PathBuf, String>> = LazyLock::new(unpack);

fn unpack() -> Result<PathBuf, String> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let root = base.join("root");
    if base.join("complete").exists() {
        return Ok(root);
    }
    let packages = base.join("packages");
    fs::create_dir_all(&packages).map_err(|error| error.to_string())?;
    let fetch = Command::new("apt-get")
        .args(["-q", "download"])
        .args(PACKAGES)
        .current_dir(&packages)
        .output()
        .map_err(|_| "apt-get is not here to download rsyslog and syslog-ng".to_owned())?;
    if !fetch.status.success() {
        return Err(format!("apt-get download: {}", String::from_utf8_lossy(&fetch.stderr)));
    }
    for package in fs::read_dir(&packages).map_err(|error| error.to_string())?.flatten() {
        let unpacked = Command::new("dpkg-deb").arg("-x").arg(package.path()).arg(&root).status();
        if !unpacked.is_ok_and(|status| status.success()) {
            return Err(format!("cannot unpack {}", package.path().display()));
        }
    }
    fs::write(base.join("complete"), "").map_err(|error| error.to_string())?;
    Ok(root)
}

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

fn rsyslog(root: &Path, folder: &Path, transport: &str, port: u16) -> Forwarder {
    let modules = root.join(format!("usr/lib/{}-linux-gnu/rsyslog", std::env::consts::ARCH));
    let config = folder.join("rsyslog.conf");
    let text = format!(
        "global(workDirectory=\"{folder}\")\n\
         module(load=\"imfile\")\n\
         template(name=\"whole\" type=\"string\" string=\"%rawmsg%\")\n\
         input(type=\"imfile\" file=\"{folder}/lines\" tag=\"t\" ruleset=\"out\" freshStartTail=\"off\")\n\
         ruleset(name=\"out\") {{ action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" \
         protocol=\"{transport}\" template=\"whole\" TCP_Framing=\"octet-counted\") }}\n",
        folder = folder.display(),
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

fn syslog_ng(root: &Path, folder: &Path, transport: &str, port: u16) -> Forwarder {
    let config = folder.join("syslog-ng.conf");
    let end = if transport == "tcp" { "\\n" } else { "" };
    let text = format!(
        "@version: 3.38\n\
         options {{ use-dns(no); log-msg-size(65536); }};\n\
         source lines {{ file(\"{folder}/lines\" follow-freq(0.2) flags(no-parse)); }};\n\
         destination out {{ network(\"127.0.0.1\" port({port}) transport(\"{transport}\") \
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

fn check(name: &str, start: fn(&Path, &Path, &str, u16) -> Forwarder, transport: &str) {
    let root = match &*PEERS {
        Ok(root) => root,
        Err(why) => return println!("skipped: {name} over {transport}: {why}"),
    };
    let appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}"));
    let folder = appliance.folder().join(name);
    fs::create_dir(&folder).expect("a folder for the forwarder");
    let sent = lines();
    fs::write(folder.join("lines"), sent.join("\n") + "\n").expect("the lines are written");
    let _forwarder = start(root, &folder, transport, appliance.address(transport).port());
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
    check("rsyslog", rsyslog, "udp");
}

#[test]
fn rsyslog_over_tcp() {
    check("rsyslog", rsyslog, "tcp");
}

#[test]
fn syslog_ng_over_udp() {
    check("syslog-ng", syslog_ng, "udp");
}

#[test]
fn syslog_ng_over_tcp() {
    check("syslog-ng", syslog_ng, "tcp");
}
