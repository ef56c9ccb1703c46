//! A running appliance in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long one look for news lasts.
const LOOK: Duration = Duration::from_millis(100);
/// Looks until the appliance must be ready: two minutes, on a machine busy with other tests.
const START_LOOKS: usize = 1_200;

/// Looks until what is awaited must have come: three minutes, for the model's process runs only when
/// nothing else wants to.
const LOOKS: usize = 1_800;

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
    /// Whether it has mounts of its own, which commands must enter to see its state.
    apart: bool,
}

impl Appliance {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(settings: &str) -> Self {
        let mut appliance = Self::prepare(settings);
        appliance.launch();
        appliance
    }

    /// One that is configured and has not run yet.
    pub(crate) fn prepare(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let appliance = Self { child: None, folder, apart: false };
        appliance.configure(settings);
        appliance
    }

    pub(crate) fn configure(&self, settings: &str) {
        let text = format!("[paths]\nstate = {:?}\n{settings}", self.state());
        fs::write(self.config(), text).expect("the configuration is written");
    }

    /// Starts the process again, after it was stopped or killed.
    pub(crate) fn launch(&mut self) {
        let mut command = vedette();
        command.arg("serve").arg("--config").arg(self.config());
        self.launch_as(command);
    }

    /// Starts what runs `serve` in the end, waits until it is ready, and hands back the socket on
    /// which it tells more.
    pub(crate) fn launch_as(&mut self, mut command: Command) -> UnixDatagram {
        // What an earlier process was heard on.
        let _ = fs::remove_file(self.notify());
        let told = UnixDatagram::bind(self.notify()).expect("a socket for readiness");
        told.set_read_timeout(Some(LOOK)).expect("a timeout");
        let log = fs::File::options().create(true).append(true).open(self.log());
        let child = command
            .env("NOTIFY_SOCKET", self.notify())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn();
        self.child = Some(child.expect("the appliance starts"));
        for _ in 0..START_LOOKS {
            if hears(&told, "READY=1") {
                return told;
            }
            let child = self.child.as_mut().expect("it was started above");
            if let Some(status) = child.try_wait().expect("it is our child") {
                panic!("it ended: {status}\n{}", self.log_text());
            }
        }
        panic!("it is not ready\n{}", self.log_text());
    }

    /// Starts the process with a small disk of its own as its state folder. Returns the disk's
    /// path from outside, or nothing where the system does not permit that.
    pub(crate) fn launch_on_a_disk(&mut self, bytes: u64) -> Option<PathBuf> {
        let state = self.state();
        fs::create_dir_all(&state).expect("a folder");
        let mount = format!("mount -t tmpfs -o size={bytes} none {state:?}");
        let probe = Command::new("unshare").args(["-rm", "sh", "-c", &mount]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let serve = format!("{mount} && exec \"$0\" serve --config \"$1\"");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &serve]).arg(vedette().get_program()).arg(self.config());
        command.env_remove("VEDETTE_STATE");
        self.launch_as(command);
        self.apart = true;
        let root = Path::new("/proc").join(self.pid().to_string()).join("root");
        Some(root.join(state.strip_prefix("/").expect("it is absolute")))
    }

    /// Tells the process to stop.
    pub(crate) fn terminate(&self) {
        signal("TERM", self.pid());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.terminate();
        self.wait();
    }

    /// Waits until it has ended, as it should.
    pub(crate) fn wait(&mut self) {
        let status = self.child.take().expect("it runs").wait().expect("the appliance ends");
        assert!(status.success(), "{status}\n{}", self.log_text());
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

    /// The device's own certificate, which senders over TLS are to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.state().join("identity/console.pem")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("vedette.toml")
    }

    fn notify(&self) -> PathBuf {
        self.folder.path().join("notify.sock")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// All that it has written to its standard error.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The binary under test, where it sees this appliance's state.
    fn program(&self) -> Command {
        if !self.apart {
            return vedette();
        }
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        command.arg(self.pid().to_string()).arg(vedette().get_program());
        command.env_remove("VEDETTE_STATE");
        command
    }

    /// Runs a command against this appliance's state.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_on(arguments, b"")
    }

    /// Runs a command against this appliance's state, with an input.
    pub(crate) fn run_on(&self, arguments: &[&str], input: &[u8]) -> Output {
        run_on(self.program().args(arguments).arg("--config").arg(self.config()), input)
    }

    /// Runs a command against this appliance's state and returns what it printed.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// Runs a command that must fail, and returns what it complained of.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} did not fail");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Every stored line, in order.
    pub(crate) fn export(&self) -> Vec<u8> {
        self.ask(&["events", "export", "--format", "raw"])
    }

    /// Every incident, as `incidents list` prints it.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        json_lines(&self.ask(&["incidents", "list", "--json"]))
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
        for _ in 0..LOOKS {
            let status = self.status();
            if condition(&status) {
                return status;
            }
            std::thread::sleep(LOOK);
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
        let mut text = Vec::new();
        for line in lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let mut stream = TcpStream::connect(self.address("tcp")).expect("it listens");
        stream.write_all(&text).expect("it reads");
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

/// Whether something says a word on the socket within one look.
pub(crate) fn hears(socket: &UnixDatagram, word: &str) -> bool {
    let mut buffer = [0; 1024];
    let Ok(length) = socket.recv(&mut buffer) else { return false };
    String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == word)
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, process: u32) {
    let arguments = ["-s", name, "--", &process.to_string()];
    let sent = Command::new("kill").args(arguments).status().expect("kill runs");
    assert!(sent.success(), "{arguments:?}");
}

/// Runs a command to its end with an input.
pub(crate) fn run_on(command: &mut Command, input: &[u8]) -> Output {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    std::thread::scope(|scope| {
        // A command that refuses its arguments does not read.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the command ends")
    })
}

/// The values of JSON lines.
pub(crate) fn json_lines(text: &[u8]) -> Vec<Value> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()
}

/// The binary under test.
pub(crate) fn vedette() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vedette"));
    command.env_remove("VEDETTE_STATE");
    command
}
