//! Log lines that tell a story.

/// Password guessing on one machine from one address: failures until a login works. Every line is
/// told apart by its process id.
pub(crate) fn guessing(from: &str, first_process: usize) -> Vec<String> {
    const FAILURES: usize = 30;
    let line = |number: usize, what: &str| {
        let (second, process) = (number % 60, first_process + number);
        format!(
            "<38>Nov 20 10:00:{second:02} gate sshd[{process}]: {what} from {from} port 4022 ssh2"
        )
    };
    let failures = (0..FAILURES).map(|number| line(number, "Failed password for root"));
    failures.chain([line(FAILURES, "Accepted password for root")]).collect()
}

/// A line that means no harm.
pub(crate) fn harmless(number: usize) -> String {
    format!(
        "<30>Nov 20 10:00:00 gate dhcpd[{number}]: DHCPACK on 10.0.0.{} to 52:54:00:12:34:56 via eth0",
        number % 250
    )
}
