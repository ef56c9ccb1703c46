//! Remote access: VPN, RADIUS, remote desktops, honeypots that look like it.

use super::{CONNECTION, LOGIN, LOGIN_DONE, LOGIN_FAILED, PLAIN, Product, form};

pub(super) const TABLE: &[Product] = &[
    Product::of("openvpn", "").apps(&["openvpn*", "ovpn-*"]).patterns(OPENVPN),
    Product::of("openvpn", "").marks(&["[AF_INET"]).patterns(OPENVPN),
    Product::of("openvpn", "").marks(&[" TLS Error: "]).only(OPENVPN),
    Product::of("openvpn", "").marks(&[" TLS Auth Error: "]).only(OPENVPN),
    Product::of("openvpn", "").marks(&["AUTH_FAILED"]).only(OPENVPN),
    Product::of("wireguard", "").marks(&["wireguard: "]).patterns(&[
        form("andshake", r"wireguard: \S+: (?P<event.reason>Invalid \w+.*?) from {src}:(?P<source.port>\d+)", ["network", "vpn_handshake", "failure"]),
        form("andshake", r"wireguard: \S+: .*?\({src}:(?P<source.port>\d+)\)", ["network", "vpn_handshake", ""]),
    ]),
    Product::of("strongswan", "").apps(&["charon*", "ipsec", "pluto", "strongswan", "swanctl", "starter"]).patterns(&[
        form("EAP", r"EAP method \S+ failed for peer (?P<user.name>\S+)", LOGIN_FAILED),
        form("authentication of", r"authentication of '(?P<user.name>[^']*)'.*? (?P<event.outcome>successful|failed)", LOGIN),
        form("received packet", r"received packet: from {src}\[(?P<source.port>\d+)\] to {dst}\[(?P<destination.port>\d+)\]", CONNECTION),
        form("sending packet", r"sending packet: from {dst}\[(?P<destination.port>\d+)\] to {src}\[(?P<source.port>\d+)\]", CONNECTION),
        form(" is initiating", r"{src} is initiating", CONNECTION),
    ]),
    Product::of("ocserv", "").apps(&["ocserv"]),
    Product::of("ppp", "").apps(&["pppd", "xl2tpd", "pptpd", "accel-pppd"]),
    Product::of("freeradius", "").apps(&["radiusd", "freeradius"]).patterns(&[
        form("Login incorrect", r"Login incorrect(?: \((?P<event.reason>[^)]*)\))?: \[(?P<user.name>[^\]/]*)", LOGIN_FAILED),
        form("Login OK", r"Login OK: \[(?P<user.name>[^\]/]*)", LOGIN_DONE),
    ]),
    Product::of("guacamole", "").marks(&["Authentication attempt from "]).only(&[
        form(" for user ", r#"Authentication attempt from \[?{src}(?:, [^\]]*)?\]? for user "(?P<user.name>[^"]*)" failed"#, LOGIN_FAILED),
    ]),
    Product::of("guacamole", "").marks(&["AuthenticationService", "User \""]).only(&[
        form("authenticated from", r#"User "(?P<user.name>[^"]*)" successfully authenticated from \[?{src}"#, LOGIN_DONE),
    ]),
    Product::of("cowrie", "").marks(&["[cowrie."]).patterns(COWRIE),
    Product::of("cowrie", "").apps(&["cowrie"]).patterns(COWRIE),
    Product::of("sshesame", "").marks(&["] authentication for user \""]).only(SSHESAME),
    Product::of("sshesame", "").marks(&["] [channel "]).only(SSHESAME),
    Product::of("sshesame", "").marks(&["] connection with client version "]).only(SSHESAME),
    Product::of("endlessh", "").apps(&["endlessh*"]),
    Product::of("teleport", "").marks(&["\"cluster_name\":", "\"ei\":"]),
    Product::of("sftpgo", "").marks(&["\"connection_id\":", "\"sender\":"]).keys(&[("connection_id", "")]).patterns(&[
        form("logged in with", r#"User "(?P<user.name>[^"]*)" logged in with "[^"]*",? from ip "{src}""#, LOGIN_DONE),
    ]),
    Product::of("pure-ftpd", "").apps(&["pure-ftpd"]).patterns(&[
        form("is now logged in", r"\(\S*@{src}\) \[INFO\] (?P<user.name>\S+) is now logged in", LOGIN_DONE),
        form("Authentication failed", r"\(\S*@{src}\) \[WARNING\] Authentication failed for user \[(?P<user.name>[^\]]*)\]", LOGIN_FAILED),
        form("@", r"\((?P<user.name>[^@\s?]*)\??@{src}\)", PLAIN),
    ]),
    Product::of("proftpd", "").apps(&["proftpd"]).patterns(PROFTPD),
    Product::of("proftpd", "").marks(&[" proftpd["]).patterns(PROFTPD),
    Product::of("vsftpd", "").apps(&["vsftpd"]).patterns(VSFTPD),
    Product::of("vsftpd", "").marks(&["[pid ", "Client \""]).only(VSFTPD),
    Product::of("vsftpd", "").marks(&[": Client \""]).only(VSFTPD),
    Product::of("wu-ftpd", "").apps(&["ftpd", "in.ftpd", "wu-ftpd", "gssftpd"]),
    Product::of("telnet", "").apps(&["telnetd", "in.telnetd", "rlogind", "rshd", "in.rlogind"]),
    Product::of("vnc", "").apps(&["Xvnc*", "vncserver*", "x11vnc", "Xtightvnc"]),
    Product::of("xrdp", "").apps(&["xrdp*"]),
];

const OPENVPN: &[super::Pattern] = &[
    form(
        "Peer Connection Initiated",
        r"\[(?:UNDEF|(?P<user.name>[^\]]*))\] Peer Connection Initiated with (?:\[AF_INET6?\])?{src}:(?P<source.port>\d+)",
        ["network", "vpn_connection", "success"],
    ),
    form(
        "TLS Auth Error",
        r"{src}:(?P<source.port>\d+) (?P<event.reason>TLS Auth Error.*)",
        ["authentication", "vpn_login", "failure"],
    ),
    form(
        "TLS Error",
        r"{src}:(?P<source.port>\d+) (?P<event.reason>TLS Error.*)",
        ["network", "vpn_connection", "failure"],
    ),
    form(
        "TLS Error",
        r"(?P<event.reason>TLS Error.*?) (?:from|\[AF_INET6?\])(?: ?\[AF_INET6?\])?{src}:(?P<source.port>\d+)",
        ["network", "vpn_connection", "failure"],
    ),
    form(
        "AUTH_FAILED",
        r"(?:(?P<user.name>[^\s/:]+)/)?{src}:(?P<source.port>\d+) .*AUTH_FAILED",
        ["authentication", "vpn_login", "failure"],
    ),
    form(
        "with [AF_INET",
        r"connection established with \[AF_INET6?\]{src}:(?P<source.port>\d+)",
        ["network", "vpn_connection", "success"],
    ),
];

const COWRIE: &[super::Pattern] = &[
    form(
        "New connection",
        r"New connection: {src}:(?P<source.port>\d+) \({dst}:(?P<destination.port>\d+)\)",
        ["network", "honeypot_connection", ""],
    ),
    form(
        "login attempt",
        r"(?:,{src}\] )?login attempt \[b?'?(?P<user.name>[^/'\]]*)'?/.*\] (?P<event.outcome>failed|succeeded)",
        LOGIN,
    ),
    form(
        "CMD: ",
        r"(?:,{src}\] )?CMD: (?P<process.command_line>.*)$",
        ["process", "honeypot_command", ""],
    ),
];

const PROFTPD: &[super::Pattern] = &[
    form(
        "Login failed",
        r"\[{src}\]\)(?::| -) (?:- )?USER (?P<user.name>.*?) \(Login failed\)(?:: (?P<event.reason>.*))?",
        LOGIN_FAILED,
    ),
    form(
        "no such user",
        r"\[{src}\]\)(?::| -) (?:- )?USER (?P<user.name>.*?): no such user",
        LOGIN_FAILED,
    ),
    form(
        "Login successful",
        r"\[{src}\]\)(?::| -) (?:- )?(?:USER|ANON) (?P<user.name>.*?): Login successful",
        LOGIN_DONE,
    ),
    form("[", r"\(\S*\[{src}\]\)", PLAIN),
];

const VSFTPD: &[super::Pattern] = &[
    form(
        "LOGIN: ",
        r#"\[(?P<user.name>[^\]]*)\] (?P<event.outcome>FAIL|OK) LOGIN: Client "{src}""#,
        LOGIN,
    ),
    form(
        "Client \"",
        r#"(?:\[pid (?P<process.pid>\d+)\] )?(?:\[(?P<user.name>[^\]]*)\] )?(?P<event.action>(?:OK |FAIL )?[A-Z]+): Client "{src}"(?:, "(?P<file.path>[^"]*)")?"#,
        ["file", "", ""],
    ),
];

const SSHESAME: &[super::Pattern] = &[
    form(
        "authentication for user",
        r#"^(?:\S+ \S+ )?\[{src}:(?P<source.port>\d+)\] authentication for user "(?P<user.name>[^"]*)".*? (?P<event.outcome>accepted|rejected)"#,
        ["authentication", "ssh_login", ""],
    ),
    form(
        "] ",
        r#"^(?:\S+ \S+ )?\[{src}:(?P<source.port>\d+)\] \[channel \d+\] command "(?P<process.command_line>(?:[^"\\]|\\.)*)" requested"#,
        ["process", "ssh_command", ""],
    ),
    form(
        "] ",
        r"^(?:\S+ \S+ )?\[{src}:(?P<source.port>\d+)\] (?:\[channel \d+\]|connection|SSH|global|TCP|rejection|no matching)",
        ["network", "ssh_session", ""],
    ),
];
