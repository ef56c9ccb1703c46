use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{SeccompAction, SeccompFilter, apply_filter_all_threads};

/// The newest Landlock we ask for; an older kernel gives what it has.
const LANDLOCK: ABI = ABI::V6;

/// Most open descriptors: socket, a few connections, the model file.
const MAX_DESCRIPTORS: u64 = 64;

/// What the worker never does: make or reach for sockets, start programs, look into or steer other
/// processes, change what is mounted, load code into the kernel.
const DENIED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_personality,
];

/// Which walls stand. A kernel without one of them still runs the worker; the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walls {
    /// Memory and descriptors are bounded.
    pub limits: bool,
    /// The file system is closed but for the model's folder, read-only; no TCP.
    pub landlock: bool,
    /// System calls in the deny list fail.
    pub seccomp: bool,
}

impl Walls {
    /// The names of those that do not stand.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let walls = [
            (self.limits, "resource limits"),
            (self.landlock, "Landlock"),
            (self.seccomp, "seccomp"),
        ];
        walls.into_iter().filter(|(stands, _)| !stands).map(|(_, name)| name)
    }
}

/// Shuts the process in, for good. Call while it has one thread, before it parses anything.
/// `memory` bounds its data in bytes; `readable` is all it may still open, but for files that it
/// holds open already.
pub fn enclose(readable: &[&Path], memory: u64) -> Walls {
    Walls {
        limits: limit(memory).is_ok(),
        landlock: close_files(readable).unwrap_or(false),
        seccomp: deny_calls().is_ok(),
    }
}

fn limit(memory: u64) -> rustix::io::Result<()> {
    let hard = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Data, hard(memory))?;
    setrlimit(Resource::Nofile, hard(MAX_DESCRIPTORS))?;
    setrlimit(Resource::Core, hard(0))?;
    rustix::thread::set_no_new_privs(true)
}

/// Landlock; whether any of it holds.
fn close_files(readable: &[&Path]) -> Result<bool, landlock::RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(["/proc/self/status"], AccessFs::ReadFile))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Seccomp on every thread there is and will be.
fn deny_calls() -> Result<(), Box<dyn std::error::Error>> {
    let rules: BTreeMap<i64, _> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    Ok(apply_filter_all_threads(&program)?)
}
