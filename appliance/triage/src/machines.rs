//! What is known of the owner's machines: their own addresses, and who took them over remotely.

use std::collections::HashMap;
use std::net::IpAddr;

use time::{Duration, OffsetDateTime};
use vedette_event::{LogRecord, Peer};

use crate::facts::{Facts, machine};

/// Most machines remembered; a small network has a few hundred.
pub(crate) const MACHINES_CAP: usize = 4096;

/// How soon after a logon the rights come that it was given.
const RIGHTS: Duration = Duration::minutes(1);

/// How long what happens on a machine is blamed on the last remote logon with high rights.
const BLAME: Duration = Duration::minutes(15);

/// `event.action` of a lease given or renewed.
const LEASE: &str = "dhcp_lease";

#[derive(Debug)]
struct Logon {
    user: Option<String>,
    from: IpAddr,
    at: OffsetDateTime,
    /// Whether high rights came with it.
    high: bool,
}

/// Machines, by the name in their lines.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    /// Whose lines come from an address; nobody's where a relay sends for several.
    homes: HashMap<IpAddr, Option<String>>,
    /// The address that a DHCP server last gave to a machine of this name.
    leases: HashMap<String, IpAddr>,
    logons: HashMap<String, Logon>,
}

impl Machines {
    /// Notes a lease of a DHCP server. The name is what the machine calls itself.
    pub(crate) fn leased(&mut self, record: &LogRecord) {
        if record.fields.get("event.action") != Some(LEASE) {
            return;
        }
        let field = |name| record.fields.get(name);
        let (Some(name), Some(address)) = (field("client.domain"), field("client.ip")) else {
            return;
        };
        if self.leases.len() >= MACHINES_CAP {
            self.leases.clear();
        }
        if let Ok(address) = address.parse() {
            self.leases.insert(machine(name), address);
        }
    }

    /// Notes who sent a line.
    pub(crate) fn sent(&mut self, record: &LogRecord, facts: &Facts) {
        let (Peer::Network(peer), Some(host)) = (record.peer, &facts.host) else { return };
        if self.homes.len() >= MACHINES_CAP {
            self.homes.clear();
        }
        let owner =
            self.homes.entry(peer.ip().to_canonical()).or_insert_with(|| Some(host.clone()));
        if owner.as_ref().is_some_and(|owner| owner != host) {
            *owner = None;
        }
    }

    /// The address of the machine that a line is about: where it sends its lines from itself, else
    /// what a DHCP server gave it.
    pub(crate) fn home(&self, record: &LogRecord, facts: &Facts) -> Option<IpAddr> {
        let leased = || self.leases.get(facts.host.as_ref()?).copied();
        self.sender(record, facts).or_else(leased)
    }

    fn sender(&self, record: &LogRecord, facts: &Facts) -> Option<IpAddr> {
        let Peer::Network(peer) = record.peer else { return None };
        let address = peer.ip().to_canonical();
        let owner = self.homes.get(&address)?;
        (owner.is_some() && *owner == facts.host).then_some(address)
    }

    /// Notes a logon from another machine.
    pub(crate) fn logon(&mut self, facts: &Facts, at: OffsetDateTime) {
        let (Some(host), Some(from)) = (&facts.host, facts.source) else { return };
        if self.logons.len() >= MACHINES_CAP {
            self.logons.clear();
        }
        let logon = Logon { user: facts.user.clone(), from, at, high: false };
        match self.logons.get(host) {
            // A logon with high rights is not forgotten for the next one without.
            Some(known) if known.high && at - known.at <= BLAME && known.user != logon.user => {}
            _ => drop(self.logons.insert(host.clone(), logon)),
        }
    }

    /// Notes that an account was given high rights.
    pub(crate) fn high_rights(&mut self, facts: &Facts, at: OffsetDateTime) {
        let logon = facts.host.as_ref().and_then(|host| self.logons.get_mut(host));
        if let Some(logon) = logon.filter(|it| it.user == facts.user && at - it.at <= RIGHTS) {
            logon.high = true;
        }
    }

    /// Who is to blame for what a machine does now: whoever logged on to it from elsewhere with high
    /// rights.
    pub(crate) fn blamed(&self, host: Option<&String>, at: OffsetDateTime) -> Option<IpAddr> {
        let logon = self.logons.get(host?)?;
        (logon.high && at - logon.at <= BLAME).then_some(logon.from)
    }

    /// How many machines are remembered.
    pub(crate) fn len(&self) -> usize {
        self.homes.len() + self.leases.len() + self.logons.len()
    }
}
