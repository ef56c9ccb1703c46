//! The engine for machines that this one is not: CUDA by its types, Arm by its kernels' tests.
//!
//! Each has a build of its own below `target/`, for features and another processor would else compile
//! the house anew at each turn.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// CUDA's compiler as far as types need it: says a version and leaves empty outputs where the real one
/// leaves kernels.
const NVCC: &str = r#"#!/bin/sh
source=
folder=
while [ $# -gt 0 ]; do
    case "$1" in
        --version) echo "Cuda compilation tools, release 13.2, V13.2.0" ;;
        --list-gpu-code) echo sm_87 ;;
        -o) : > "$2"; shift ;;
        --output-directory) folder=$2; shift ;;
        *.cu) source=$1 ;;
    esac
    shift
done
if [ -n "$folder" ] && [ -n "$source" ]; then
    : > "$folder/$(basename "$source" .cu).ptx"
fi
"#;

/// What JetPack 7.2 has, on a Jetson Orin.
const CUDA_VERSION: &str = "13020";
const COMPUTE_CAPABILITY: &str = "87";

/// The Rust target of the Arm tests: static, so that it needs nobody's libraries.
const ARM: &str = "aarch64-unknown-linux-musl";

/// Processors that are imitated, for the paths they have: i8mm, and the dot product alone.
const PROCESSORS: [&str; 2] = ["max", "neoverse-n1"];

/// Names of the program that imitates one.
const EMULATORS: [&str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];

/// Checks the types of the worker for graphics processors. Nothing that could run comes out.
pub(crate) fn cuda() -> Result<()> {
    let folder = crate::root().join("target/cuda");
    let programs = folder.join("stand-in/bin");
    fs::create_dir_all(&programs).context("cannot make a folder for the stand-in compiler")?;
    let nvcc = programs.join("nvcc");
    fs::write(&nvcc, NVCC).context("cannot write the stand-in compiler")?;
    fs::set_permissions(&nvcc, fs::Permissions::from_mode(0o755))?;
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.clone()).chain(std::env::split_paths(&others));
    crate::run(
        crate::cargo()
            .args(["check", "--locked", "-p", "vedette-engine", "--features", "cuda"])
            .args(["--lib", "--bins"])
            .env("PATH", std::env::join_paths(path).context("PATH is no list of folders")?)
            .env("CUDA_HOME", folder.join("stand-in"))
            .env("CUDA_COMPUTE_CAP", COMPUTE_CAPABILITY)
            .env("CUDARC_CUDA_VERSION", CUDA_VERSION),
    )
}

/// The tests of the Arm kernels, one command to each processor that is imitated; or why there are none.
pub(crate) fn arm() -> Result<Vec<Command>, String> {
    let qemu = crate::packages::offered("qemu-user-static", || emulator().is_some())
        .then(emulator)
        .flatten()
        .ok_or("qemu-aarch64 is not installed (Debian: qemu-user-static)")?;
    if !has_target() {
        return Err(format!("no Rust library for {ARM} (rustup target add {ARM})"));
    }
    Ok(PROCESSORS.map(|processor| kernel_tests(&qemu, processor)).into())
}

fn kernel_tests(qemu: &Path, processor: &str) -> Command {
    let mut command = crate::cargo();
    command
        .args(["test", "--locked", "-p", "vedette-engine", "--lib", "--target", ARM])
        .arg("--target-dir")
        .arg(crate::root().join("target/arm"));
    // What the kernels call is not what is tested: compiling it for speed takes minutes. But the
    // half-precision products are instructions that must stand where they are inlined.
    for (package, level) in [("\"*\"", 0), ("candle-core", 0), ("gemm-f16", 3)] {
        command.args(["--config", &format!("profile.dev.package.{package}.opt-level={level}")]);
    }
    command
        .args(["--", "--show-output", "kernel::"])
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld")
        .env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER",
            format!("{} -cpu {processor}", qemu.display()),
        );
    command
}

fn emulator() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path)
        .flat_map(|folder| EMULATORS.map(|name| folder.join(name)))
        .collect::<Vec<_>>();
    places.into_iter().find(|place| place.is_file())
}

/// Whether there is Rust's library for [`ARM`]; fetched where rustup can.
fn has_target() -> bool {
    let there = || {
        let asked = Command::new("rustc")
            .args(["--print", "target-libdir", "--target", ARM])
            .current_dir(crate::root())
            .output();
        asked.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
    };
    let fetch = || {
        let mut command = Command::new("rustup");
        command.args(["target", "add", ARM]).current_dir(crate::root());
        crate::run(&mut command).is_ok()
    };
    there() || fetch() && there()
}
