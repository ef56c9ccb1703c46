//! Nothing a sender writes makes decoding fail or changes the bytes.

use proptest::prelude::*;
use time::macros::datetime;
use vedette_event::{Defect, LogRecord, Peer, Transport};
use vedette_syslog::{MAX_ENTITIES, Received, decode, entities};

const LINES: &[&str] = &[
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
];

fn read(raw: Vec<u8>) -> LogRecord {
    let received = Received {
        received_at: datetime!(2026-08-15 12:00 UTC),
        peer: Peer::Local,
        transport: Transport::File,
    };
    decode(raw, received)
}

fn holds(raw: &[u8]) {
    let record = read(raw.to_vec());
    assert_eq!(record.raw, raw, "the bytes are kept");
    assert!(record.message_offset <= raw.len());
    let tail = String::from_utf8_lossy(&raw[record.message_offset..]).into_owned();
    assert_eq!(record.message, tail, "the message is where its offset says");
    assert!(entities(&record).len() <= MAX_ENTITIES);
}

#[test]
fn every_line_names_the_attacker() {
    for line in LINES.iter().skip(1) {
        let record = read(line.as_bytes().to_vec());
        assert_eq!(record.fields.get("source.ip"), Some("203.0.113.9"), "{line}\n{record:?}");
        assert!(record.dataset.is_some(), "{line}");
        assert!(!record.defects.contains(&Defect::DeviceFields), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_are_kept(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds(&raw);
    }

    #[test]
    fn mutated_lines_are_kept(
        line in 0..LINES.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..12),
        other in 0..LINES.len(),
    ) {
        let mut raw = LINES[line].as_bytes().to_vec();
        for (index, byte, edit) in edits {
            let at = index.index(raw.len() + 1);
            match edit {
                0 => raw.insert(at, byte),
                1 if at < raw.len() => raw[at] = byte,
                2 => raw.truncate(at.max(1)),
                _ => { raw.splice(at..at, LINES[other].bytes()); }
            }
        }
        holds(&raw);
    }
}
