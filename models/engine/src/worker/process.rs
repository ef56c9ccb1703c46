use std::os::fd::RawFd;

/// The lowest of ordinary priorities.
const NICE: i32 = 19;

/// What the kernel kills first when memory runs out.
const OOM_SCORE: &str = "1000";

/// Takes the processor only when nobody else wants it, and offers itself first when memory runs out.
/// Returns what the system refused, for the log.
pub fn yield_to_others() -> Vec<&'static str> {
    let mut refused = Vec::new();
    if rustix::process::setpriority_process(None, NICE).is_err() {
        refused.push("nice");
    }
    if !set_idle() {
        refused.push("idle scheduling");
    }
    if std::fs::write("/proc/self/oom_score_adj", OOM_SCORE).is_err() {
        refused.push("first to be killed when memory runs out");
    }
    refused
}

/// Resident memory of a process in bytes, by the kernel's count; `None` where it cannot be read.
pub fn resident_bytes(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[expect(unsafe_code, reason = "no safe crate in the tree wraps sched_setscheduler")]
fn set_idle() -> bool {
    // SAFETY: `sched_param` is integers only, whose zeros name the idle priority, and outlives the call;
    // process 0 is this one.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) == 0
    }
}

/// From so many bytes on the allocator asks the system for each piece and gives it back at once: more
/// than a pass over a line takes, less than a layer's matrix or its keys.
#[cfg(target_env = "gnu")]
const APART_BYTES: libc::c_int = 1 << 20;

/// Keeps large pieces of memory apart, so that what is not used takes none. By itself the allocator
/// learns from the first large piece that is freed to keep the next ones, and fills them with zeros.
/// Call before anything is loaded.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "no safe crate wraps mallopt"))]
pub fn keep_large_memory_apart() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number of the allocator's.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, APART_BYTES);
    }
}

/// Gives back what loading has left free: the tables of a model's file are a hundred thousand small
/// texts, whose pages the allocator keeps otherwise.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "no safe crate wraps malloc_trim"))]
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches free pages only, and locks the allocator while it does.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Closes every descriptor from `first` on. Only for the first moments of a process, when nothing
/// of its own is open yet.
#[expect(unsafe_code, reason = "closing descriptors that somebody might own cannot be safe")]
pub fn close_inherited(first: RawFd) {
    let first = libc::c_uint::try_from(first).unwrap_or(libc::c_uint::MAX);
    // SAFETY: called before this process opens anything, so no owned descriptor is closed under its
    // owner; what is closed was inherited by mistake. A kernel without the call answers ENOSYS.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0);
    }
}
