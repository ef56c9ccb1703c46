//! Checks of the workspace itself, and the two commands of the README.
//!
//! `cargo xtask demo` builds and runs the demonstration, `cargo xtask test` installs what the tests
//! need where it may and runs everything that must hold. The single checks are subcommands of their
//! own. Start reading at [`Task`].

mod borders;
mod elsewhere;
mod generated;
mod packages;
mod suite;
mod units;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// What can be asked for.
const USAGE: &str = "usage: cargo xtask TASK
  demo [ARGUMENTS]  build, then run `vedette demo` with the arguments
  test              everything that must hold; the last line counts the tests
  borders           who may know whom, from cargo metadata
  arm               the engine's kernels on an imitated Arm processor
  cuda              the types of the worker for graphics processors
  units             the systemd units and their hardening
  docs [--check]    write (or compare) the generated pages of docs/";

/// One task of the workspace.
enum Task {
    Demo(Vec<String>),
    Test,
    Borders,
    Arm,
    Cuda,
    Units,
    Docs { check: bool },
}

impl Task {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let task = arguments.next()?;
        let rest: Vec<String> = arguments.collect();
        Some(match (task.as_str(), rest.as_slice()) {
            ("demo", _) => Self::Demo(rest),
            ("test", []) => Self::Test,
            ("borders", []) => Self::Borders,
            ("arm", []) => Self::Arm,
            ("cuda", []) => Self::Cuda,
            ("units", []) => Self::Units,
            ("docs", []) => Self::Docs { check: false },
            ("docs", [flag]) if flag == "--check" => Self::Docs { check: true },
            _ => return None,
        })
    }
}

fn main() -> ExitCode {
    let Some(task) = Task::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = match task {
        Task::Demo(arguments) => demo(&arguments),
        Task::Test => suite::run(),
        Task::Borders => borders::check(),
        Task::Arm => suite::arm(),
        Task::Cuda => elsewhere::cuda(),
        Task::Units => units::check(),
        Task::Docs { check } => generated::run(check),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_path_buf()
}

/// Cargo, as it was called, in the root of the workspace.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end; anything but success is an error that names it.
fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

fn demo(arguments: &[String]) -> Result<()> {
    packages::compiler()?;
    run(cargo().arg("build"))?;
    let vedette = root().join("target/debug/vedette");
    run(Command::new(vedette).arg("demo").args(arguments).current_dir(root()))
}
