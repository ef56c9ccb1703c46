//! `vedette events import`: replays log files.
//!
//! A running appliance takes the lines over its import socket, else they go straight into the store. In
//! both cases a line counts as stored when it is committed, and no more are under way than may wait for
//! that.

mod direct;
mod frames;
mod running;

use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr, stdin, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cli::ImportArguments;
use crate::exit::{Failure, Outcome};
use crate::state::Home;
use direct::Direct;
use frames::{Frames, Read as Piece};
use running::Running;

/// How often progress is shown.
const LOOK: Duration = Duration::from_millis(500);

/// Where lines go.
enum Way {
    Running(Running),
    Direct(Direct),
}

impl Way {
    fn open(home: &Home) -> Result<Self> {
        match Running::connect(&home.state.import_socket())? {
            Some(running) => Ok(Self::Running(running)),
            None => Ok(Self::Direct(Direct::open(home)?)),
        }
    }

    fn send(&mut self, frame: &[u8]) -> Result<()> {
        match self {
            Self::Running(running) => running.send(frame),
            Self::Direct(direct) => direct.send(frame),
        }
    }

    /// Lines that are stored for sure.
    fn stored(&self) -> u64 {
        match self {
            Self::Running(running) => running.stored(),
            Self::Direct(direct) => direct.stored(),
        }
    }

    /// Waits until it is known of every line whether it is stored.
    fn finish(&mut self) -> Result<()> {
        match self {
            Self::Running(running) => running.finish(),
            Self::Direct(direct) => direct.finish(),
        }
    }
}

/// What came of all files.
#[derive(Default)]
struct Account {
    skipped: u64,
    sent: u64,
    blank: u64,
    cut: u64,
    faults: u64,
}

struct Import<'a> {
    arguments: &'a ImportArguments,
    max_frame: usize,
    way: Way,
    account: Account,
    shown: Option<Instant>,
}

pub(crate) fn run(arguments: &ImportArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    let mut import = Import {
        arguments,
        max_frame: home.settings.ingest.max_frame_bytes.size(),
        way: Way::open(&home)?,
        account: Account::default(),
        shown: stderr().is_terminal().then(Instant::now),
    };
    let sent = arguments.files.iter().try_for_each(|file| import.file(file));
    let done = sent.and_then(|()| import.way.finish());
    if import.shown.is_some() {
        eprintln!();
    }
    let stored = import.way.stored();
    done.with_context(|| {
        format!("{stored} lines are stored; go on with --skip {}", arguments.skip + stored)
    })?;
    writeln!(stdout(), "{}", import.account.told(stored))?;
    let lost = import.account.sent - stored;
    if lost > 0 {
        return Err(
            anyhow::anyhow!("{lost} lines were not stored: `vedette status` says why").into()
        );
    }
    if import.account.faults > 0 { Err(Failure::Told) } else { Ok(()) }
}

impl Import<'_> {
    /// Sends the lines of one file; what is wrong with the file is told, and the next one's turn comes.
    fn file(&mut self, path: &Path) -> Result<()> {
        let opened = match path.to_str() {
            Some("-") => Ok(Box::new(stdin()) as Box<dyn Read>),
            _ => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let mut frames = match opened.and_then(|input| Frames::open(input, self.arguments.format)) {
            Ok(frames) => frames,
            Err(error) => {
                self.fault(path, &error.to_string());
                return Ok(());
            }
        };
        let mut frame = Vec::new();
        loop {
            match frames.next(&mut frame) {
                Ok(Piece::Frame) => self.send(&frame)?,
                Ok(Piece::Blank) => self.account.blank += 1,
                Ok(Piece::End) => return Ok(()),
                Err(error) => {
                    self.fault(path, &format!("line {}: {error}", frames.number()));
                    return Ok(());
                }
            }
        }
    }

    fn send(&mut self, frame: &[u8]) -> Result<()> {
        if self.account.skipped < self.arguments.skip {
            self.account.skipped += 1;
            return Ok(());
        }
        self.way.send(frame)?;
        self.account.sent += 1;
        self.account.cut += u64::from(frame.len() > self.max_frame);
        if self.shown.is_some_and(|shown| shown.elapsed() > LOOK) {
            self.shown = Some(Instant::now());
            eprint!("\r{} lines read, {} stored", self.account.sent, self.way.stored());
            stderr().flush()?;
        }
        Ok(())
    }

    fn fault(&mut self, path: &Path, what: &str) {
        self.account.faults += 1;
        eprintln!("vedette: {}: {what}", path.display());
    }
}

impl Account {
    fn told(&self, stored: u64) -> String {
        let mut told = format!("{stored} lines stored");
        for (count, what) in [
            (self.skipped, "skipped"),
            (self.blank, "blank and left out"),
            (self.cut, "longer than ingest.max-frame-bytes and cut there"),
        ] {
            if count > 0 {
                told += &format!(", {count} {what}");
            }
        }
        told
    }
}
