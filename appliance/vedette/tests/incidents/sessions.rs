//! Recorded attack sessions, each of which a person would call one incident.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use time::OffsetDateTime;
use vedette_event::{EntityKind, Peer, Transport};
use vedette_syslog::{Received, decode};

use super::command::{Found, incidents_from, row};

#[derive(Deserialize)]
struct Session {
    raw_lines: Vec<String>,
    /// Addresses, a few with more behind them.
    attacker_ips: Vec<String>,
}

/// The recorded sessions, where they are.
fn sessions() -> Option<Vec<Session>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("VEDETTE_SHARED").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(shared.join("data/logs/crowdsec_sessions.jsonl")).ok()?;
    let session = |line: &str| serde_json::from_str(line).expect("a session");
    Some(text.lines().map(session).collect())
}

#[test]
fn sessions_give_one_incident_each_more_often_than_addresses_do() {
    let Some(sessions) = sessions() else {
        println!("not applicable: shared data is absent");
        return;
    };
    let (mut ours, mut theirs, mut lines, mut incidents) = (0, 0, 0, 0);
    for session in &sessions {
        let attackers: BTreeSet<IpAddr> =
            session.attacker_ips.iter().filter_map(|text| address(text)).collect();
        let rows = session.raw_lines.iter().enumerate();
        let found = incidents_from(rows.map(|(at, raw)| row(at, raw.as_bytes(), None)), &[]);
        ours += usize::from(is_one(&roots(&found), &attackers));
        theirs += usize::from(is_one(&by_source(session), &attackers));
        lines += session.raw_lines.len();
        incidents += found.incidents.len();
    }
    println!(
        "sessions that give exactly one incident with an attacker's address: {ours} of {all}; one \
         group by source address within an hour: {theirs} of {all}; {incidents} incidents from \
         {lines} lines",
        all = sessions.len(),
    );
    assert!(ours > theirs, "{ours} of {}, by address {theirs}", sessions.len());
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_one(addresses: &[Option<IpAddr>], attackers: &BTreeSet<IpAddr>) -> bool {
    match addresses {
        [Some(address)] => attackers.contains(address),
        _ => false,
    }
}

/// The first source address of each incident.
fn roots(found: &Found) -> Vec<Option<IpAddr>> {
    let incidents = found.incidents.values();
    incidents
        .map(|incident| {
            let mut entities = incident.entities.iter();
            let source = entities.find(|entity| entity.kind == EntityKind::SourceIp)?;
            address(&source.value)
        })
        .collect()
}

/// The baseline's groups: it has no notion of harmless lines, and reads addresses with our decoders.
fn by_source(session: &Session) -> Vec<Option<IpAddr>> {
    let groups: BTreeSet<(IpAddr, i64)> = session
        .raw_lines
        .iter()
        .filter_map(|raw| {
            let received = Received {
                received_at: OffsetDateTime::UNIX_EPOCH,
                peer: Peer::Network(SocketAddr::from((Ipv4Addr::LOCALHOST, 514))),
                transport: Transport::File,
            };
            let record = decode(raw.clone().into_bytes(), received);
            let source = address(record.fields.get("source.ip")?)?;
            Some((source, record.occurred_at().unix_timestamp() / 3600))
        })
        .collect();
    groups.into_iter().map(|(source, _)| Some(source)).collect()
}
