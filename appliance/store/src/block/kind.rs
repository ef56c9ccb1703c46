//! What many lines of a block have in common, kept once: who sent them, how, what their header says,
//! and which fields were read out of them.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use vedette_event::{Defect, Facility, LogRecord, Peer, SyslogSeverity, Transport};

use super::varint::{Cursor, Damaged, put, put_bytes, put_option};

/// Code of a facility or severity that is not there.
const NONE: u8 = u8::MAX;

/// The line names a process.
const HAS_PROCESS: u8 = 1;
/// The message is not simply the tail of the raw line.
const OWN_MESSAGE: u8 = 2;

/// The common part of lines of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    pub(crate) transport: Transport,
    pub(crate) facility: Option<Facility>,
    pub(crate) severity: Option<SyslogSeverity>,
    /// The sender's address; its port stands in the line.
    pub(crate) address: Option<Address>,
    pub(crate) host: Option<String>,
    pub(crate) app: Option<String>,
    pub(crate) msg_id: Option<String>,
    pub(crate) dataset: Option<String>,
    pub(crate) has_process: bool,
    pub(crate) own_message: bool,
    pub(crate) defects: Vec<Defect>,
    /// Names of the fields, in the order of their values.
    pub(crate) names: Vec<String>,
}

/// An address without its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    ip: IpAddr,
    /// Interface of a link-local IPv6 address.
    scope: u32,
}

impl Address {
    pub(crate) fn with_port(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(_) => SocketAddr::new(self.ip, port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope).into(),
        }
    }
}

impl Kind {
    /// How many values a line of this kind has.
    pub(crate) fn values(&self) -> usize {
        self.first_field() + self.names.len()
    }

    /// Where among the values those of the fields begin.
    pub(crate) fn first_field(&self) -> usize {
        usize::from(self.has_process) + usize::from(self.own_message)
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut cursor = Cursor::new(bytes);
        let transport = Transport::ALL.get(usize::from(cursor.byte()?)).copied();
        let facility = cursor.byte()?;
        let severity = cursor.byte()?;
        let flags = cursor.byte()?;
        let address = read_address(&mut cursor)?;
        let [host, app, msg_id, dataset] =
            [cursor.option()?, cursor.option()?, cursor.option()?, cursor.option()?];
        let defects = cursor.bytes()?;
        let mut names = Vec::new();
        while !cursor.is_empty() {
            names.push(cursor.text()?);
        }
        Ok(Self {
            // A transport that only a newer program knows.
            transport: transport.unwrap_or(Transport::File),
            facility: Facility::from_code(facility),
            severity: SyslogSeverity::from_code(severity),
            address,
            host,
            app,
            msg_id,
            dataset,
            has_process: flags & HAS_PROCESS != 0,
            own_message: flags & OWN_MESSAGE != 0,
            defects: read_defects(defects),
            names,
        })
    }
}

/// Writes the kind of a line, from which [`Kind::read`] makes it again.
pub(crate) fn write_kind(record: &LogRecord, own_message: bool, out: &mut Vec<u8>) {
    let transport = Transport::ALL.iter().position(|known| *known == record.transport);
    out.push(transport.map_or(NONE, |index| index as u8));
    out.push(record.facility.map_or(NONE, Facility::code));
    out.push(record.severity.map_or(NONE, SyslogSeverity::code));
    let process = if record.proc_id.is_some() { HAS_PROCESS } else { 0 };
    out.push(process | if own_message { OWN_MESSAGE } else { 0 });
    write_address(record.peer, out);
    for text in [&record.host, &record.app, &record.msg_id] {
        put_option(out, text.as_deref());
    }
    put_option(out, record.dataset.as_deref());
    let defects = match record.defects.is_empty() {
        true => Cow::Borrowed(""),
        false => Cow::Owned(crate::events::to_json(&record.defects)),
    };
    put_bytes(out, defects.as_bytes());
    for (name, _) in record.fields.iter() {
        put_bytes(out, name.as_bytes());
    }
}

/// By name, so that a defect which only a newer program knows is left out and the rest is read.
fn read_defects(json: &[u8]) -> Vec<Defect> {
    let names: Vec<serde_json::Value> = serde_json::from_slice(json).unwrap_or_default();
    names.into_iter().filter_map(|name| serde_json::from_value(name).ok()).collect()
}

fn write_address(peer: Peer, out: &mut Vec<u8>) {
    match peer {
        Peer::Local => out.push(0),
        Peer::Network(SocketAddr::V4(address)) => {
            out.push(4);
            out.extend(address.ip().octets());
        }
        Peer::Network(SocketAddr::V6(address)) => {
            out.push(6);
            out.extend(address.ip().octets());
            put(out, address.scope_id().into());
        }
    }
}

fn read_address(cursor: &mut Cursor<'_>) -> Result<Option<Address>, Damaged> {
    let octets = |taken: &[u8]| -> [u8; 16] {
        let mut octets = [0; 16];
        octets[..taken.len()].copy_from_slice(taken);
        octets
    };
    match cursor.byte()? {
        0 => Ok(None),
        4 => {
            let [a, b, c, d, ..] = octets(cursor.take(4)?);
            Ok(Some(Address { ip: Ipv4Addr::new(a, b, c, d).into(), scope: 0 }))
        }
        6 => {
            let ip = Ipv6Addr::from(octets(cursor.take(16)?)).into();
            let scope = u32::try_from(cursor.number()?).map_err(|_| cursor.damaged())?;
            Ok(Some(Address { ip, scope }))
        }
        _ => Err(cursor.damaged()),
    }
}
