//! The firewall at the edge (FortiGate's key-value lines or pfSense's filterlog) and the Cisco ASA that
//! serves the VPN.

use std::net::Ipv4Addr;

use crate::company::Edge;
use crate::stage::{Stage, bsd_time, clock, iso_date, pri};

/// A connection through the edge.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) from: Ipv4Addr,
    pub(crate) to: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Seconds.
    pub(crate) duration: u32,
}

impl Flow {
    fn service(self) -> &'static str {
        match self.port {
            22 => "SSH",
            25 => "SMTP",
            53 => "DNS",
            80 => "HTTP",
            443 => "HTTPS",
            445 => "SMB",
            993 => "IMAPS",
            3389 => "RDP",
            _ => "tcp/other",
        }
    }

    fn protocol(self) -> (u8, &'static str) {
        if self.port == 53 || self.port == 123 { (17, "udp") } else { (6, "tcp") }
    }
}

fn country(address: Ipv4Addr) -> &'static str {
    const COUNTRIES: [&str; 6] =
        ["United States", "Germany", "Netherlands", "France", "Ireland", "Brazil"];
    if address.is_private() {
        "Reserved"
    } else {
        COUNTRIES[usize::from(address.octets()[1]) % COUNTRIES.len()]
    }
}

impl Stage {
    /// A connection that was let through and has ended.
    pub(crate) fn flow_allowed(&mut self, at: f64, flow: Flow) {
        match self.company.edge_make {
            Edge::FortiGate => self.fortigate(at, flow, true),
            Edge::PfSense => self.filterlog(at, flow, true),
        }
    }

    /// A connection that was refused.
    pub(crate) fn flow_blocked(&mut self, at: f64, flow: Flow) {
        match self.company.edge_make {
            Edge::FortiGate => self.fortigate(at, flow, false),
            Edge::PfSense => self.filterlog(at, flow, false),
        }
    }

    fn fortigate(&mut self, at: f64, flow: Flow, allowed: bool) {
        let time = self.time(at);
        let outbound = flow.from.is_private();
        let (source, target) = if outbound { ("internal", "wan1") } else { ("wan1", "internal") };
        let (source_role, target_role) = if outbound { ("lan", "wan") } else { ("wan", "lan") };
        let verdict = if allowed {
            let (packets, back) = (flow.sent / 900 + 4, flow.received / 1100 + 3);
            format!(
                "action=\"close\" policyid={} policytype=\"policy\" service=\"{}\" trandisp=\"snat\" transip={} transport={} duration={} sentbyte={} rcvdbyte={} sentpkt={packets} rcvdpkt={back} appcat=\"unscanned\"",
                if outbound { 3 } else { 7 },
                flow.service(),
                self.company.wan,
                self.dice.port(),
                flow.duration,
                flow.sent,
                flow.received,
            )
        } else {
            format!(
                "action=\"deny\" policyid=0 policytype=\"policy\" service=\"{}\" trandisp=\"noop\" duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 appcat=\"unscanned\" crscore=30 craction=131072 crlevel=\"high\"",
                flow.service()
            )
        };
        let name = self.company.name(self.company.edge);
        let line = format!(
            "<{}>date={} time={} devname=\"{name}\" devid=\"FGT60FTK20{:06}\" eventtime={} tz=\"+0000\" logid=\"{}\" type=\"traffic\" subtype=\"forward\" level=\"{}\" vd=\"root\" srcip={} srcport={} srcintf=\"{source}\" srcintfrole=\"{source_role}\" dstip={} dstport={} dstintf=\"{target}\" dstintfrole=\"{target_role}\" srccountry=\"{}\" dstcountry=\"{}\" sessionid={} proto={} {verdict}",
            pri(23, if allowed { 5 } else { 4 }),
            iso_date(time),
            clock(time),
            u32::from(self.company.wan) % 1_000_000,
            time.unix_timestamp_nanos(),
            if allowed { "0000000013" } else { "0000000014" },
            if allowed { "notice" } else { "warning" },
            flow.from,
            self.dice.port(),
            flow.to,
            flow.port,
            country(flow.from),
            country(flow.to),
            self.dice.range(100_000..=9_999_999),
            flow.protocol().0,
        );
        self.raw(at, self.company.edge, line);
    }

    /// pfSense writes when a connection begins, so without its bytes.
    fn filterlog(&mut self, at: f64, flow: Flow, allowed: bool) {
        let (number, protocol) = flow.protocol();
        let outbound = flow.from.is_private();
        let (rule, tracker, action) =
            if allowed { (76, 100_000_101u32, "pass") } else { (5, 1_000_000_103, "block") };
        let ports = format!("{},{}", self.dice.port(), flow.port);
        let tail = match protocol {
            "udp" => format!("{ports},{}", self.dice.range(40..=90)),
            _ => format!("{ports},0,S,{},,64240,,mss;sackOK;TS", self.dice.range(1..=u32::MAX)),
        };
        let text = format!(
            "{rule},,,{tracker},{},match,{action},{},4,0x0,,{},{},0,DF,{number},{protocol},60,{},{},{tail}",
            if outbound { "igb1" } else { "igb0" },
            "in",
            self.dice.range(44..=128),
            self.dice.range(1..=65_535),
            flow.from,
            flow.to,
        );
        self.log(at, self.company.edge, pri(16, 6), ("filterlog[41873]", &text));
    }

    fn asa(&mut self, at: f64, severity: u8, text: &str) {
        let time = self.time(at);
        let stamp = bsd_time(time);
        let (date, clock) = stamp.split_at(6);
        let line = format!(
            "<{}>{date} {}{clock} {} : %ASA-{severity}-{text}",
            pri(20, severity),
            time.year(),
            self.company.name(self.company.asa),
        );
        self.raw(at, self.company.asa, line);
    }

    pub(crate) fn asa_denied(&mut self, at: f64, from: Ipv4Addr, port: u16) {
        let (source, to) = (self.dice.port(), self.company.wan);
        let text = format!(
            "106023: Deny tcp src outside:{from}/{source} dst inside:{to}/{port} by access-group \"outside_in\" [0x0, 0x0]"
        );
        self.asa(at, 4, &text);
    }

    /// A connection over the ASA, from its start to its end.
    pub(crate) fn asa_connection(&mut self, at: f64, flow: Flow) {
        let id = self.dice.range(1_000_000..=99_999_999);
        let source = self.dice.port();
        let Flow { from, to, port, duration, .. } = flow;
        let text = format!(
            "302013: Built outbound TCP connection {id} for outside:{to}/{port} ({to}/{port}) to inside:{from}/{source} ({}/{source})",
            self.company.wan
        );
        self.asa(at, 6, &text);
        let text = format!(
            "302014: Teardown TCP connection {id} for outside:{to}/{port} to inside:{from}/{source} duration {}:{:02}:{:02} bytes {} TCP FINs",
            duration / 3600,
            duration / 60 % 60,
            duration % 60,
            flow.sent + flow.received,
        );
        self.asa(at + f64::from(duration), 6, &text);
    }

    pub(crate) fn vpn_rejected(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        let text = format!(
            "113015: AAA user authentication Rejected : reason = Invalid password : local database : user = {user} : user IP = {from}"
        );
        self.asa(at, 6, &text);
    }

    pub(crate) fn vpn_login(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        self.asa(
            at,
            6,
            &format!("113012: AAA user authentication Successful : local database : user = {user}"),
        );
        let inside = Ipv4Addr::new(172, 20, 9, self.dice.range(2..=250));
        let text = format!(
            "722051: Group <GroupPolicy_Staff> User <{user}> IP <{from}> IPv4 Address <{inside}> IPv6 address <::> assigned to session"
        );
        self.asa(at + 1.0, 4, &text);
    }

    pub(crate) fn vpn_logout(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        let (sent, received) =
            (self.dice.range(100_000..=90_000_000), self.dice.range(100_000..=9_000_000));
        let text = format!(
            "113019: Group = Staff, Username = {user}, IP = {from}, Session disconnected. Session Type: SSL, Duration: 2h:11m:09s, Bytes xmt: {sent}, Bytes rcv: {received}, Reason: User Requested"
        );
        self.asa(at, 4, &text);
    }
}
