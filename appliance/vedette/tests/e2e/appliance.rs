//! A running appliance in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long the appliance may take to say that it is ready, on a machine busy with other tests.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The configuration of a test: ports are the system's choice, no language model.
pub(crate) const PLAIN: &str = "\
[ingest.udp]\nlisten = [\"127.0.0.1:0\"]\n\
[ingest.tcp]\nlisten = [\"127.0.0.1:0\"]\n\
[console]\nlisten = \"127.0.0.1:0\"\n";

/// What [`PLAIN`] lacks to run without a language model.
pub(crate) const NO_MODEL: &str = "[model]\nenabled = false\n";

pub(crate) struct Appliance {
    child: Option<Child>,
    folder: TempDir,
}

impl Appliance {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut appliance = Self { child: None, folder };
        appliance.configure(settings);
        appliance.launch();
        appliance
    }

    pub(crate) fn configure(&self, settings: &str) {
        let state = self.state();
        let text = format!("[paths]\nstate = {:?}\n{settings}", state.display().to_string());
        fs::write(self.config(), text).expect("the configuration is written");
    }

    /// Starts the process again, after it was stopped or killed.
    pub(crate) fn launch(&mut self) {
        let ready = UnixDatagram::bind(self.notify()).expect("a socket for readiness");
        ready.set_read_timeout(Some(START_TIMEOUT)).expect("a timeout");
        let log = fs::File::options().create(true).append(true).open(self.log());
        let child = vedette()
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .env("NOTIFY_SOCKET", self.notify())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("the appliance starts");
        self.child = Some(child);
        loop {
            let mut buffer = [0; 1024];
            let length = ready.recv(&mut buffer).unwrap_or_else(|error| {
                panic!("not ready: {error}\n{}", fs::read_to_string(self.log()).unwrap_or_default())
            });
            if String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == "READY=1") {
                break;
            }
        }
        fs::remove_file(self.notify()).expect("the readiness socket is ours");
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        let status = child.wait().expect("the appliance ends");
        assert!(
            status.success(),
            "{status}\n{}",
            fs::read_to_string(self.log()).unwrap_or_default()
        );
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("vedette.toml")
    }

    fn notify(&self) -> PathBuf {
        self.folder.path().join("notify.sock")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Runs a command against this appliance's state and returns what it printed.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<u8> {
        let output = vedette().args(arguments).arg("--config").arg(self.config()).output();
        let output = output.expect("the command runs");
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_slice(&self.ask(&["status", "--json"])).expect("the status is JSON")
    }

    /// The address it listens on for a transport.
    pub(crate) fn address(&self, transport: &str) -> SocketAddr {
        let status = self.status();
        let listening = status["ingest"]["listening"].as_array().expect("a list").clone();
        listening
            .iter()
            .filter_map(|entry| entry.as_str()?.strip_prefix(transport)?.trim().parse().ok())
            .next()
            .unwrap_or_else(|| panic!("no {transport} address in {listening:?}"))
    }

    /// Polls the status until it satisfies a condition; the number of polls is bounded.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        mut condition: impl FnMut(&Value) -> bool,
    ) -> Value {
        for _ in 0..600 {
            let status = self.status();
            if condition(&status) {
                return status;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{what} did not come: {:#}", self.status());
    }

    pub(crate) fn wait_stored(&self, events: u64) {
        self.wait_until(&format!("{events} stored lines"), |status| {
            status["store"]["events"].as_u64() >= Some(events)
        });
    }

    /// Waits until triage has seen every stored line.
    pub(crate) fn wait_triaged(&self) {
        self.wait_until("triage of every line", |status| {
            status["store"]["waiting"].as_u64() == Some(0)
        });
    }

    /// Sends lines over one TCP connection with LF framing.
    pub(crate) fn send_tcp<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>) {
        let mut stream = TcpStream::connect(self.address("tcp")).expect("it listens");
        for line in lines {
            stream.write_all(line).and_then(|()| stream.write_all(b"\n")).expect("it reads");
        }
    }

    /// Sends lines as datagrams.
    pub(crate) fn send_udp<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = self.address("udp");
        for line in lines {
            socket.send_to(line, address).expect("it listens");
        }
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The binary under test.
pub(crate) fn vedette() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vedette"));
    command.env_remove("VEDETTE_STATE");
    command
}
