//! What a thread holds open beside those of its process.

/// Gives this thread a table of open files of its own, with nothing in it but the standard streams. A
/// thread that waits for the disk can't be killed until the disk answers; with a table shared it would keep
/// the sockets of a killed process open so long, and senders would go on handing lines to nobody. What the
/// thread calls from here on must know no descriptor of others: nothing that wakes a runtime, no SQLite.
///
/// Where the kernel doesn't know how, everything works all the same.
#[expect(unsafe_code, reason = "the standard library cannot take tables apart")]
pub(super) fn forget_those_of_others() {
    let (first, last, flags) = (3u32, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
    // SAFETY: with this flag the call touches a new table that only this thread has, and this thread owns
    // no descriptor yet.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if done != 0 {
        let error = std::io::Error::last_os_error();
        tracing::debug!(%error, "the flushing thread shares the table of open files");
    }
}
