//! Lines of our own making in the shapes of many devices, and what an unkind sender makes of them.

use vedette_syslog::{Framer, RawFrame};

/// Each line but the first names 203.0.113.9 as its source.
pub(crate) const LINES: &[&str] = &[
    "<34>1 2025-10-11T22:14:15.003Z mymachine su - ID47 [a@1 b=\"c\\]\"] 'su root' failed for x on /dev/pts/8",
    "<38>Jan 15 08:00:00 host sshd[123]: Failed password for invalid user bob from 203.0.113.9 port 4242 ssh2",
    "<4>Aug 14 09:21:07 fw kernel: [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.1 PROTO=TCP SPT=1 DPT=22",
    "203.0.113.9 - bob [24/Jan/2022:16:22:14 +0000] \"GET /a?b=c HTTP/1.1\" 404 5 \"-\" \"curl/8\"",
    "<166>%ASA-4-106023: Deny tcp src outside:203.0.113.9/4 dst inside:10.0.0.1/80 by access-group \"x\"",
    "date=2024-06-15 time=10:42:31 devname=a devid=FG1 logid=1 type=traffic srcip=203.0.113.9 dstip=10.0.0.1",
    "<134>Aug 14 09:21:07 filterlog: 5,,,10,em0,match,block,in,4,0x0,,64,8,0,none,6,tcp,44,203.0.113.9,10.0.0.1,5,22,0,S",
    "{\"EventID\":4625,\"EventData\":{\"IpAddress\":\"203.0.113.9\",\"TargetUserName\":\"bob\"}}",
    "CEF:0|v|p|1|7|a \\| b|5|src=203.0.113.9 cs1Label=X cs1=a b msg=c\\=d",
    "2015-07-28 15:07:26 W3SVC1 WEB 10.0.0.1 GET /a b=c 80 - 203.0.113.9 curl/8 - 404 0 2 15",
    "2018/09/13 15:42:05 [error] 2#2: *2 forbidden by rule, client: 203.0.113.9, server: 10.0.0.1, request: \"GET /x HTTP/1.1\"",
    "Jan 15 08:00:00 mx postfix/smtpd[1]: warning: unknown[203.0.113.9]: SASL LOGIN authentication failed: x",
    "Jan 15 08:00:00 mx dovecot: imap-login: Disconnected (auth failed): user=<bob>, method=PLAIN, rip=203.0.113.9, lip=10.0.0.1",
    "<13>Jan 15 08:00:00 dc MSWinEventLog#0111#011Security#0117#011Mon Jan 15 08:00:00 2024#0114625#011Microsoft-Windows-Security-Auditing#011bob#011N/A#011Failure Audit#011DC#011Logon#011#011An account failed to log on.  Account Name:  bob  Source Network Address: 203.0.113.9  Source Port: 5",
    "{\"win\":{\"system\":{\"eventID\":\"4625\",\"providerName\":\"Microsoft-Windows-Security-Auditing\"},\"eventdata\":{\"ipAddress\":\"203.0.113.9\",\"targetUserName\":\"bob\"}}}",
    "{\"timestamp\":\"2024-01-15T08:00:00.1+0000\",\"flow_id\":1,\"event_type\":\"alert\",\"src_ip\":\"203.0.113.9\",\"dest_ip\":\"10.0.0.1\",\"alert\":{\"signature\":\"x\"}}",
    "{\"ts\":1705305600.1,\"uid\":\"C1\",\"id.orig_h\":\"203.0.113.9\",\"id.orig_p\":5,\"id.resp_h\":\"10.0.0.1\",\"id.resp_p\":22}",
    "LEEF:2.0|v|p|1|7|^|src=203.0.113.9^usrName=bob",
    "<Event xmlns='x'><System><EventID>4625</EventID></System><EventData><Data Name='IpAddress'>203.0.113.9</Data></EventData></Event>",
    "<134>Mar 5 10:21:35 fw id=firewall sn=0017C5000000 time=\"2026-03-05 10:21:35\" fw=10.0.0.1 pri=6 m=98 msg=\"Connection Opened\" src=203.0.113.9:50123:X1 dst=10.0.0.7:443:X0 proto=tcp/https",
    "<30>device=\"SFW\" date=2026-03-05 time=10:21:35 device_name=\"x\" device_id=C1 log_id=010101600001 log_type=\"Firewall\" log_component=\"Firewall Rule\" log_subtype=\"Denied\" src_ip=203.0.113.9 dst_ip=10.0.0.7 protocol=\"TCP\" src_port=5 dst_port=22",
    "<140>Mar 5 10:21:35 fb firewall: msg_id=\"3000-0148\" Deny 0-External 1-Trusted 52 tcp 20 127 203.0.113.9 10.0.0.7 50123 22 msg=\"x\" (policy-00)",
    "<134>2026-03-05T10:21:35Z gw firewall,info drop input: in:ether1 out:(unknown 0), proto TCP (SYN), 203.0.113.9:59388->10.0.0.7:24, len 40",
    "<14>Mar 5 10:21:35 pa 1,2026/03/05 10:21:35,0,TRAFFIC,end,1,2026/03/05 10:21:35,203.0.113.9,10.0.0.7,0.0.0.0,0.0.0.0,\"a, b\",,,ssh,vsys1,Untrust,Trust,e1,e2,log,,1,1,5000,22,0,0,0x0,tcp,deny,60,60,0",
    "<189>12: gw: *Mar 5 10:21:35: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: bob] [Source: 203.0.113.9] [localport: 22] [Reason: x] at 10:21:35",
    "Mar 5 10:21:35 gw charon: 06[NET] received packet: from 203.0.113.9[500] to 10.0.0.7[500] (464 bytes)",
    "Mar 5 10:21:35 nas Connection: User [bob] from [203.0.113.9] failed to log in via [DSM] due to authorization failure.",
    "2026-03-05 10:21:35 H=(x) [203.0.113.9]:5 F=<a@b.example> rejected RCPT <c@d.example>: no",
    "[Thu Mar 05 10:21:35.1 2026] [:error] [pid 1] [client 203.0.113.9] ModSecurity: Warning. x [file \"/a\"] [id \"930110\"] [msg \"y\"] [hostname \"h\"] [uri \"/u\"]",
    "2026-03-05T10:21:35.1Z stdout F 203.0.113.9 - - [05/Mar/2026:10:21:35 +0000] \"GET / HTTP/1.1\" 200 13 \"-\" \"curl/8\"",
    "{\"log\":\"203.0.113.9 - - [05/Mar/2026:10:21:35 +0000] \\\"GET / HTTP/1.1\\\" 200 13 \\\"-\\\" \\\"curl/8\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-05T10:21:35.1Z\"}",
];

/// Longest input, in bytes: several frames, or one that must be cut.
const MAX_INPUT_BYTES: usize = 24 << 10;

/// The frame cap, lower than in use so that cutting happens.
const MAX_FRAME_BYTES: usize = 16 << 10;

/// Changes made to one input.
const MAX_EDITS: usize = 10;

/// Pieces that readers of formats stumble over.
const PIECES: &[&str] = &[
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "é",
    "\"",
    "\\",
    "\\\"",
    "[",
    "]",
    "{",
    "}",
    "{\"a\":",
    "=",
    ":",
    "|",
    ",",
    ";",
    "\n",
    "\r\n",
    " ",
    "\t",
    "<",
    ">",
    "<13>",
    "<999>",
    "%",
    "-",
    "'",
    "0",
    "99999999999999999999",
    "1e999",
    "1000000000000000000 <1>",
    "9 <1>",
    "::",
    "1.2.3.4",
    "255.255.255.255:65536",
    "user=",
    "from ",
    "for ",
    "CEF:0|",
    "LEEF:2.0|",
    "date=",
    "Jan  1 00:00:00 ",
    "2026-02-30T25:61:61Z",
    "#011",
    "&lt;",
    "\"EventID\":",
    "<EventID>",
];

/// Makes inputs, the same ones for the same seed.
pub(crate) struct Mutator {
    state: u64,
}

impl Mutator {
    /// Steele, Lea and Flood's SplitMix64 from this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, 0 where that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn line(&mut self) -> &'static [u8] {
        LINES[self.below(LINES.len())].as_bytes()
    }

    /// One to three lines, framed either way or not at all, and then changed.
    pub(crate) fn input(&mut self) -> Vec<u8> {
        let mut input = Vec::new();
        for _ in 0..=self.below(3) {
            let line = self.line();
            match self.below(3) {
                0 => input.extend(format!("{} ", line.len()).as_bytes()),
                1 => input.extend(b"<38>"),
                _ => {}
            }
            input.extend(line);
            input.push(b'\n');
        }
        for _ in 0..self.below(MAX_EDITS) {
            self.edit(&mut input);
        }
        input.truncate(MAX_INPUT_BYTES);
        input
    }

    fn edit(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(64)).min(input.len());
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at.max(1)),
            4 => drop(input.splice(at..at, self.line().iter().copied())),
            5 => {
                // Much of the same: what takes squares of time shows here.
                let power = self.below(12);
                let again = input[at..end].repeat(self.below(1 << power));
                input.splice(at..at, again);
            }
            6 => {
                let piece = PIECES[self.below(PIECES.len())].repeat(1 << self.below(10));
                input.splice(at..at, piece.into_bytes());
            }
            _ => drop(input.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
        }
        input.truncate(MAX_INPUT_BYTES);
    }
}

/// What came out of the framer.
pub(crate) struct Outcome {
    /// The frames.
    pub(crate) frames: Vec<RawFrame>,
    /// Bytes cut off.
    pub(crate) cut: u64,
}

/// Sends an input through the framer in pieces of any length.
pub(crate) fn send(mut input: &[u8], mutator: &mut Mutator) -> Outcome {
    let mut framer = Framer::new(MAX_FRAME_BYTES);
    let mut frames = Vec::new();
    while !input.is_empty() {
        let (piece, rest) = input.split_at((1 + mutator.below(4096)).min(input.len()));
        framer.push(piece);
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
        input = rest;
    }
    framer.finish();
    frames.extend(std::iter::from_fn(|| framer.next_frame()));
    Outcome { frames, cut: framer.discarded_bytes() }
}
