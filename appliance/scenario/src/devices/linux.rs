//! sshd, sudo, cron, systemd and the kernel's packet filter, as OpenSSH, sudo and UFW write.

use std::net::Ipv4Addr;

use crate::company::HostId;
use crate::stage::{Stage, pri};

const AUTHPRIV: u8 = 10;
const CRON: u8 = 9;
const DAEMON: u8 = 3;

impl Stage {
    pub(crate) fn sshd(&mut self, at: f64, host: HostId, (pid, text): (u32, &str)) {
        self.log(at, host, pri(AUTHPRIV, 6), (&format!("sshd[{pid}]"), text));
    }

    /// A password that does not fit; `known` says whether the account exists.
    pub(crate) fn ssh_failed(
        &mut self,
        at: f64,
        host: HostId,
        (user, from): (&str, Ipv4Addr),
        known: bool,
    ) {
        let (pid, port) = (self.dice.pid(), self.dice.port());
        if !known {
            self.sshd(at, host, (pid, &format!("Invalid user {user} from {from} port {port}")));
        }
        let invalid = if known { "" } else { "invalid user " };
        let text = format!("Failed password for {invalid}{user} from {from} port {port} ssh2");
        self.sshd(at + 0.4, host, (pid, &text));
        let text = if known {
            format!("Connection closed by authenticating user {user} {from} port {port} [preauth]")
        } else {
            format!("Connection closed by invalid user {user} {from} port {port} [preauth]")
        };
        self.sshd(at + 0.9, host, (pid, &text));
    }

    /// A login by `method` (`password` or `publickey`); returns sshd's process id.
    pub(crate) fn ssh_login(
        &mut self,
        at: f64,
        host: HostId,
        (user, from): (&str, Ipv4Addr),
        method: &str,
    ) -> u32 {
        let (pid, port) = (self.dice.pid(), self.dice.port());
        let key = match method {
            "publickey" => format!(": ED25519 SHA256:{}", self.dice.base64(43)),
            _ => String::new(),
        };
        let text = format!("Accepted {method} for {user} from {from} port {port} ssh2{key}");
        self.sshd(at, host, (pid, &text));
        let uid = if user == "root" { 0 } else { 1000 + u32::from(user.as_bytes()[0]) % 20 };
        let text =
            format!("pam_unix(sshd:session): session opened for user {user}(uid={uid}) by (uid=0)");
        self.sshd(at + 0.1, host, (pid, &text));
        let session = self.dice.range(100..=9000);
        let text = format!("New session {session} of user {user}.");
        self.log(at + 0.2, host, pri(4, 6), ("systemd-logind[702]", &text));
        pid
    }

    pub(crate) fn ssh_logout(&mut self, at: f64, host: HostId, (user, pid): (&str, u32)) {
        let text = format!("pam_unix(sshd:session): session closed for user {user}");
        self.sshd(at, host, (pid, &text));
    }

    pub(crate) fn sudo(&mut self, at: f64, host: HostId, (user, command): (&str, &str)) {
        let terminal = self.dice.range(0..=3);
        let text = format!(
            "{user:>8} : TTY=pts/{terminal} ; PWD=/home/{user} ; USER=root ; COMMAND={command}"
        );
        self.log(at, host, pri(AUTHPRIV, 5), ("sudo", &text));
        let text = format!(
            "pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid=1000)"
        );
        self.log(at + 0.01, host, pri(AUTHPRIV, 6), ("sudo", &text));
    }

    pub(crate) fn cron(&mut self, at: f64, host: HostId, (user, command): (&str, &str)) {
        let tag = format!("CRON[{}]", self.dice.pid());
        self.log(at, host, pri(CRON, 6), (&tag, &format!("({user}) CMD ({command})")));
    }

    pub(crate) fn systemd(&mut self, at: f64, host: HostId, text: &str) {
        self.log(at, host, pri(DAEMON, 6), ("systemd[1]", text));
    }

    pub(crate) fn daemon(&mut self, at: f64, host: HostId, (tag, text): (&str, &str)) {
        self.log(at, host, pri(DAEMON, 6), (tag, text));
    }

    /// A packet that UFW turned away.
    pub(crate) fn ufw_block(&mut self, at: f64, host: HostId, (from, port): (Ipv4Addr, u16)) {
        let (to, mac) = (self.company.address(host), self.company.host(host).mac.clone());
        let (router, source) = (self.dice.mac(), self.dice.port());
        let (ttl, id) = (self.dice.range(40..=240), self.dice.range(1..=65_535));
        let text = format!(
            "[{:.6}] [UFW BLOCK] IN=ens18 OUT= MAC={mac}:{router}:08:00 SRC={from} DST={to} LEN=44 \
             TOS=0x00 PREC=0x00 TTL={ttl} ID={id} PROTO=TCP SPT={source} DPT={port} WINDOW=1024 \
             RES=0x00 SYN URGP=0",
            at + 81_234.5
        );
        self.log(at, host, pri(0, 4), ("kernel", &text));
    }
}
