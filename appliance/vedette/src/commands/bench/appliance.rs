//! An appliance of the measurement's own: a child process, so that its CPU is told from the sender's.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vedette_event::Status;

use super::send::Way;
use crate::runtime::control::{self, Answer, Request};
use crate::state::State;

/// How long it may take to start, on a machine that has more to do.
const START_TIME: Duration = Duration::from_secs(60);
/// Between two looks at whether it has started.
const LOOK: Duration = Duration::from_millis(50);

/// A running appliance in a folder of its own, both gone when dropped.
pub(super) struct Appliance {
    child: Child,
    folder: TempDir,
    state: State,
}

impl Appliance {
    /// Starts one that listens for one transport on a free port of this machine.
    pub(super) fn start(way: Way, triage: bool, below: Option<&Path>) -> Result<Self> {
        let folder = match below {
            Some(below) => tempfile::Builder::new().prefix("vedette-bench").tempdir_in(below),
            None => tempfile::Builder::new().prefix("vedette-bench").tempdir(),
        };
        let folder = folder.context("cannot make a folder for the appliance")?;
        let state = State::at(folder.path().join("state"));
        let config = folder.path().join("vedette.toml");
        fs::write(&config, configuration(way, state.folder()))?;
        let log = fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(std::env::current_exe().context("cannot find myself")?);
        command.arg("serve").arg("--config").arg(&config);
        if !triage {
            command.arg("--no-triage");
        }
        let child = command
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start an appliance")?;
        let mut appliance = Self { child, folder, state };
        appliance.wait_for_start()?;
        Ok(appliance)
    }

    fn wait_for_start(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIME;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the appliance ended ({status}): {}", self.log().trim_end());
            }
            if self.ask()?.is_some() {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!("the appliance did not start in time: {}", self.log().trim_end())
    }

    /// What it says of itself.
    pub(super) fn status(&self) -> Result<Status> {
        self.ask()?.with_context(|| format!("the appliance is gone: {}", self.log().trim_end()))
    }

    fn ask(&self) -> Result<Option<Status>> {
        Ok(match control::ask(&self.state, &Request::Status)? {
            Some(Answer::Status { status }) => Some(*status),
            _ => None,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self, way: Way) -> Result<SocketAddr> {
        let listening = self.status()?.ingest.listening;
        let address = listening.iter().find_map(|entry| {
            let (name, address) = entry.split_once(' ')?;
            (name == way.as_str()).then(|| address.parse().ok()).flatten()
        });
        address.with_context(|| format!("the appliance does not listen for {way}"))
    }

    /// The certificate that it shows over TLS.
    pub(super) fn certificate(&self) -> PathBuf {
        self.state.identity().join("console.pem")
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Has it end in order; its folder stays until this is dropped.
    pub(super) fn stop(&mut self) -> Result<()> {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(process.context("a process has a number")?, Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the appliance ended badly ({status}): {}", self.log().trim_end());
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One listener, no model: its process has a CPU account of its own.
fn configuration(way: Way, state: &Path) -> String {
    let mut text = format!(
        "[paths]\nstate = {state:?}\n[console]\nlisten = \"127.0.0.1:0\"\n[model]\nenabled = false\n"
    );
    for known in [Way::Udp, Way::Tcp, Way::Tls, Way::Relp] {
        let listen = if known == way { "\"127.0.0.1:0\"" } else { "" };
        text.push_str(&format!("[ingest.{known}]\nlisten = [{listen}]\n"));
    }
    text
}
