//! DHCP servers: which machine was given which address.

use std::sync::LazyLock;

use super::pattern::{Lazy, Pattern, Patterns};
use super::{Decoder, SURELY};

pub(super) const LEASE: Decoder = Decoder {
    dataset: "dhcp",
    app: |app| ["dhcpd", "dnsmasq-dhcp", "dhcp", "kea-dhcp4"].contains(&app),
    marks: &[&["DHCPACK"]],
    sniff: SURELY,
    parse: |line, fields| {
        fields.set("event.category", "network");
        LINES.apply(line.message, fields);
        true
    },
};

/// A lease given or renewed, in `event.action`.
const LEASED: [&str; 3] = ["network", "dhcp_lease", "success"];

/// The name is the client's to choose.
const PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "DHCPACK(",
        regex: r"DHCPACK\([^)]{1,32}\) (?P<client.ip>[0-9a-fA-F.:]+) (?P<client.mac>[0-9A-Fa-f:]{11,23})(?: (?P<client.domain>\S{1,253}))?\s*$",
        event: LEASED,
    },
    Pattern {
        needle: "DHCPACK on ",
        regex: r"DHCPACK on (?P<client.ip>[0-9.]+) to (?P<client.mac>[0-9A-Fa-f:]{11,23})(?: \((?P<client.domain>[^)\s]{1,253})\))?",
        event: LEASED,
    },
    Pattern {
        needle: " assigned ",
        regex: r"\S+ assigned (?P<client.ip>[0-9.]+) (?:for|to) (?P<client.mac>[0-9A-Fa-f:]{11,23})(?: (?P<client.domain>\S{1,253}))?\s*$",
        event: LEASED,
    },
];

static LINES: Lazy = LazyLock::new(|| Patterns::new(PATTERNS));

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use vedette_event::{Peer, Transport};

    use crate::{Received, decode};

    #[test]
    fn leases_name_the_machine() {
        for (line, address, name) in [
            (
                "<30>Feb 27 07:29:23 gate dnsmasq-dhcp[812]: DHCPACK(br0) 192.168.9.53 e8:6f:45:79:5b:8c WS-014",
                "192.168.9.53",
                Some("WS-014"),
            ),
            (
                "<30>Feb 27 07:29:23 gate dhcpd[1]: DHCPACK on 10.0.0.7 to e8:6f:45:79:5b:8c (desk-7) via em1",
                "10.0.0.7",
                Some("desk-7"),
            ),
            (
                "<30>Feb 27 07:29:23 gate dhcpd: DHCPACK on 10.0.0.7 to e8:6f:45:79:5b:8c via em1",
                "10.0.0.7",
                None,
            ),
            (
                "<30>Feb 27 07:29:23 gate dhcp: lan assigned 10.0.0.7 for E8:6F:45:79:5B:8C till",
                "10.0.0.7",
                Some("till"),
            ),
        ] {
            let received = Received {
                received_at: OffsetDateTime::UNIX_EPOCH,
                peer: Peer::Local,
                transport: Transport::File,
            };
            let record = decode(line.as_bytes().to_vec(), received);
            let field = |name| record.fields.get(name);
            assert_eq!(record.dataset.as_deref(), Some("dhcp"), "{line}");
            assert_eq!(field("event.action"), Some("dhcp_lease"), "{line}");
            assert_eq!(field("client.ip"), Some(address), "{line}");
            assert_eq!(field("client.domain"), name, "{line}");
        }
    }
}
