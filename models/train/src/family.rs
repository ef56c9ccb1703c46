//! What kind of product writes a line, as far as it must be known to weigh lines.
//!
//! Public lines of some kinds are nearly all attacks (web requests), of others nearly all routine: left
//! so, a screen learns the kind. [`counter`] sets our own lines of the same kind against them.

use std::collections::BTreeMap;

/// A kind of product. The first whose signs stand in a line is its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Events of Windows, however they are forwarded.
    Windows,
    /// A web server's line for each request, in the common or combined format.
    Access,
    /// Requests over HTTP and what servers say of them, written otherwise.
    Web,
    /// Mail servers.
    Mail,
    /// Logins, sessions and accounts of Unix.
    Login,
    /// Firewalls, gateways and what watches traffic.
    Network,
    /// Events of services and agents as JSON.
    Json,
    /// All else.
    Other,
}

/// Signs in small letters, in the order in which they are looked for.
const SIGNS: [(Family, &[&str]); 6] = [
    (
        Family::Windows,
        &["eventid", "event_id", "microsoft-windows", "mswineventlog", "winevtlog", "\"win\":{"],
    ),
    (Family::Access, &["http/1.0\" ", "http/1.1\" ", "http/2\" ", "http/2.0\" ", "http/3.0\" "]),
    (
        Family::Web,
        &["http/1", "http/2", "http/3", "\"get ", "\"post ", "http_method", "\"method\":"],
    ),
    (Family::Mail, &["postfix", "smtp", "imap", "pop3", "dovecot", "exim", "sendmail", "mailfrom"]),
    (
        Family::Login,
        &["sshd", "pam_", "pam:", "sudo", " su[", " su:", "login", "useradd", "dropbear"],
    ),
    (
        Family::Network,
        &["src=", "srcip", "src_ip", "%asa-", "%sec", "filterlog", " proto", "dport", "ike", "vpn"],
    ),
];

impl Family {
    /// Of a line.
    pub fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let signed = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
        let known = SIGNS.iter().find(|(_, signs)| signed(signs));
        let otherwise = if text.contains("{\"") { Self::Json } else { Self::Other };
        known.map_or(otherwise, |(family, _)| *family)
    }
}

/// Most by which the corpus is raised: it must not shout down what real products write.
const MOST: f32 = 10.0;

/// What the lines of a family weigh.
#[derive(Clone, Copy, Default)]
struct Balance {
    /// Labelled lines that are a threat, less those that are none.
    tilt: f32,
    /// Lines of our own.
    corpus: f32,
}

/// Where labelled lines of a family are nearly all of one side, raises our own lines of that family,
/// which are written alike in peace and under attack, until they weigh `share` times the difference.
/// Each line is its family, whether it is our own, and whether it is a threat.
pub fn counter(weights: &mut [f32], lines: &[(Family, bool, bool)], share: f32) {
    let mut balances: BTreeMap<Family, Balance> = BTreeMap::new();
    for (weight, (family, ours, threat)) in weights.iter().zip(lines) {
        let balance = balances.entry(*family).or_default();
        match (ours, threat) {
            (true, _) => balance.corpus += weight,
            (false, true) => balance.tilt += weight,
            (false, false) => balance.tilt -= weight,
        }
    }
    for (weight, (family, ..)) in weights.iter_mut().zip(lines).filter(|(_, line)| line.1) {
        let balance = balances[family];
        *weight *= (share * balance.tilt.abs() / balance.corpus).clamp(1.0, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_their_family() {
        for (line, family) in [
            ("10.0.0.7 - - [14/Aug/2026:09:21:07 +0000] \"GET / HTTP/1.1\" 200 5", Family::Access),
            ("{\"method\":\"GET\",\"uri\":\"/\",\"status\":200}", Family::Web),
            ("{\"win\":{\"system\":{\"eventID\":\"4625\"}}}", Family::Windows),
            ("Aug 14 09:21:07 mx postfix/smtpd[1]: connect from a[10.0.0.7]", Family::Mail),
            ("Aug 14 09:21:07 edge sshd[2]: Failed password for root", Family::Login),
            ("devname=fw srcip=10.0.0.7 dstip=10.0.0.8 action=deny", Family::Network),
            ("{\"eventName\":\"CreateUser\"}", Family::Json),
            ("Aug 14 09:21:07 edge kernel: Out of memory", Family::Other),
        ] {
            assert_eq!(Family::of(line), family, "{line}");
        }
    }

    #[test]
    fn our_lines_outweigh_what_is_out_of_balance() {
        let ours = [(Family::Web, true, true), (Family::Web, true, false)];
        for (real, expected) in [(0.5, 1.0), (4.0, 4.0), (900.0, MOST)] {
            let mut weights = [real, 1.0, 1.0];
            counter(&mut weights, &[&[(Family::Web, false, true)], &ours[..]].concat(), 2.0);
            assert_eq!(weights, [real, expected, expected]);
        }
    }
}
