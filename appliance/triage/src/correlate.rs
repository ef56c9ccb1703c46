//! Alerts with one root cause become one incident: the same attacker over all its stages, or an
//! account or a machine that fell to it. What shares nothing stays apart.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use time::{Duration, OffsetDateTime};
use vedette_event::{
    Entity, EntityKind, EventId, EvidenceLine, Incident, IncidentId, RiskReason, Severity,
    ThreatClass,
};

use crate::alert::{Alert, Subject};
use crate::behaviour::COUNTERS;
use crate::confirmed::Precedents;
use crate::intel::Intel;
use crate::policy::Policy;
use crate::risk::{Circumstances, FOUND, assess};
use crate::title::title;
use crate::watch::BREAK_IN;

/// Incidents that may still grow at once; the oldest settles when another opens.
pub const OPEN_CAP: usize = 512;

/// Links from attackers, accounts and machines to incidents; as many as fill a few MiB.
const LINKS_CAP: usize = 16_384;

/// Evidence lines kept in an incident: what a person reads; the members are all in the store.
const EVIDENCE_CAP: usize = 24;

/// Entities kept in an incident.
const ENTITIES_CAP: usize = 32;

/// Techniques and rules kept in an incident.
const NAMES_CAP: usize = 16;

/// Longest name of an entity, in bytes.
const VALUE_CAP: usize = 128;

/// How long after its last line an attacker's next one still belongs to the incident.
const WINDOW: Duration = Duration::hours(24);

/// The same for lines that share only the machine.
const HOST_WINDOW: Duration = Duration::hours(4);

/// How long neighbours may be apart that do the same to one machine.
const CAMPAIGN_WINDOW: Duration = Duration::hours(1);

/// Networks that are commonly one owner's: /24 and /64.
const NETWORK_V4: u32 = !0xff;
const NETWORK_V6: u128 = !0xffff_ffff_ffff_ffff;

/// What ties lines to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Link {
    Source(IpAddr),
    /// An account under attack from many addresses.
    Target(String),
    /// An account or a machine that fell.
    FallenUser(String),
    FallenHost(String),
    /// A machine with lines that name no source.
    Host(String),
    /// A network of addresses, the rule that found one of them, the machine under attack.
    Neighbours(IpAddr, Cow<'static, str>, Option<String>),
}

#[derive(Debug)]
struct Open {
    incident: Incident,
    circumstances: Circumstances,
    /// Newest members, so that a line is not counted twice.
    recent: VecDeque<EventId>,
    last: OffsetDateTime,
    filed: bool,
}

/// Members remembered for not counting twice: the most that one window brings at once.
const RECENT_CAP: usize = 1024;

/// What an alert did.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Joined {
    /// The incident as it stands now, when it changed.
    pub(crate) incident: Option<Incident>,
    /// New members.
    pub(crate) members: Vec<(IncidentId, EventId)>,
    /// Whether it should be filed now.
    pub(crate) file: Option<IncidentId>,
}

/// Open incidents and what ties lines to them.
pub(crate) struct Correlator {
    open: HashMap<IncidentId, Open>,
    links: HashMap<Link, (IncidentId, OffsetDateTime)>,
    next: u64,
    intel: Box<dyn Intel>,
}

impl Correlator {
    pub(crate) fn new(intel: Box<dyn Intel>) -> Self {
        Self { open: HashMap::new(), links: HashMap::new(), next: 1, intel }
    }

    /// Takes up incidents from before a restart.
    pub(crate) fn restore(&mut self, incidents: Vec<Incident>, next: IncidentId, policy: &Policy) {
        self.next = next.0.max(1);
        for incident in incidents {
            self.next = self.next.max(incident.id.0 + 1);
            let last = incident.last_seen.unwrap_or(OffsetDateTime::UNIX_EPOCH);
            for link in links_of(&incident) {
                self.links.insert(link, (incident.id, last));
            }
            let circumstances = self.circumstances(&incident, last, policy);
            let recent = incident.evidence.iter().filter_map(|line| line.event_id).collect();
            let open = Open { incident, circumstances, recent, last, filed: false };
            self.open.insert(open.incident.id, open);
        }
        self.trim();
    }

    /// What an incident from before a restart does not say itself.
    fn circumstances(
        &self,
        incident: &Incident,
        last: OffsetDateTime,
        policy: &Policy,
    ) -> Circumstances {
        let mut stages: Vec<ThreatClass> = incident.threat_class.into_iter().collect();
        for class in incident.rules.iter().filter_map(|name| class_of(name)) {
            push_new(&mut stages, class, ThreatClass::ALL.len());
        }
        let inside = |entity: &Entity| {
            entity.kind == EntityKind::SourceIp
                && entity.value.parse().is_ok_and(|source| policy.is_internal(source))
        };
        Circumstances {
            compromise: is_break_in(incident),
            stages,
            from_inside: incident.entities.iter().any(inside),
            critical_asset: critical_asset(incident, policy),
            intel: incident
                .entities
                .iter()
                .filter_map(|entity| self.intel.lookup(entity, last))
                .collect(),
            precedents: Precedents::of(&incident.risk_reasons),
            found: incident
                .risk_reasons
                .iter()
                .filter(|reason| reason.reason.starts_with(FOUND))
                .cloned()
                .collect(),
        }
    }

    /// Weighs an open incident by what its query found; the incident as it stands then.
    pub(crate) fn weigh(&mut self, id: IncidentId, found: Vec<RiskReason>) -> Option<&Incident> {
        let open = self.open.get_mut(&id)?;
        let named = found.into_iter().map(|RiskReason { reason, points }| RiskReason {
            reason: format!("{FOUND}{reason}"),
            points,
        });
        open.circumstances.found = named.take(NAMES_CAP).collect();
        assess(&mut open.incident, &open.circumstances);
        Some(&open.incident)
    }

    /// Notes that an incident was filed.
    pub(crate) fn already_filed(&mut self, id: IncidentId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.filed = true;
        }
    }

    /// Notes whose members the lines of an alert from before a restart are, so that none counts
    /// twice.
    pub(crate) fn recall(&mut self, alert: &Alert) {
        let Some(id) = self.find(&alert.subject, alert.at) else { return };
        let Some(open) = self.open.get_mut(&id) else { return };
        for event in alert.earlier.iter().copied().chain([alert.event]) {
            open.remember(event);
        }
    }

    /// Number of open incidents and links.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.open.len(), self.links.len())
    }

    /// Joins an alert to its incident, or opens one.
    pub(crate) fn alert(&mut self, alert: &Alert, policy: &Policy) -> Joined {
        let known = self.find(&alert.subject, alert.at).or_else(|| self.campaign(alert));
        if known.is_none() && !alert.opens {
            return Joined::default();
        }
        let id = known.unwrap_or_else(|| self.begin(alert));
        for link in links(alert) {
            self.links.insert(link, (id, alert.at));
        }
        self.trim();
        let mut joined = Joined::default();
        let intel = self.reasons(alert);
        let Some(open) = self.open.get_mut(&id) else { return joined };
        for event in alert.earlier.iter().copied().chain([alert.event]) {
            if open.add_member(event) {
                joined.members.push((id, event));
            }
        }
        open.grow(alert, policy, intel);
        joined.file = open.due(policy.ticket_risk);
        joined.incident = Some(open.incident.clone());
        joined
    }

    /// Counts a line to an incident; false where it is counted already.
    pub(crate) fn member(&mut self, id: IncidentId, event: EventId, at: OffsetDateTime) -> bool {
        let Some(open) = self.open.get_mut(&id) else { return false };
        open.stretch(at);
        open.add_member(event)
    }

    /// Adds a line to an open incident's evidence and says how the incident stands.
    pub(crate) fn evidence(&mut self, id: IncidentId, line: EvidenceLine) {
        if let Some(open) = self.open.get_mut(&id) {
            open.add_evidence(line);
        }
    }

    /// Notes that the model answered about a member.
    pub(crate) fn model_answered(&mut self, event: EventId) -> Option<Incident> {
        let open = self.open.values_mut().find(|open| open.recent.contains(&event))?;
        open.incident.model_consulted = true;
        Some(open.incident.clone())
    }

    /// Settles what has been quiet: files it if it deserves that, and forgets what can grow no more. What
    /// lies ahead of a clock that was set back counts as long ago, else it would wait for that time.
    pub(crate) fn settle(&mut self, now: OffsetDateTime, policy: &Policy) -> Vec<IncidentId> {
        let quiet = Duration::seconds(i64::from(policy.settle_seconds));
        let mut file: Vec<IncidentId> = self
            .open
            .values_mut()
            .filter(|open| (now - open.last).abs() >= quiet)
            .filter_map(|open| open.due(policy.settled_risk))
            .collect();
        file.sort_unstable();
        self.open.retain(|_, open| (now - open.last).abs() < WINDOW);
        let open = &self.open;
        self.links.retain(|_, (id, _)| open.contains_key(id));
        file
    }

    fn begin(&mut self, alert: &Alert) -> IncidentId {
        let id = IncidentId(self.next);
        self.next += 1;
        let incident = Incident {
            id,
            first_seen: Some(alert.at),
            last_seen: Some(alert.at),
            ..Incident::default()
        };
        let open = Open {
            incident,
            circumstances: Circumstances::default(),
            recent: VecDeque::new(),
            last: alert.at,
            filed: false,
        };
        self.open.insert(id, open);
        id
    }

    /// The incident of an outside address that a line has to do with, however harmless it looks: all
    /// that an attacker's address does belongs to the story.
    pub(crate) fn contact(
        &self,
        subject: &Subject,
        at: OffsetDateTime,
        policy: &Policy,
    ) -> Option<IncidentId> {
        let outside = |address: &IpAddr| !policy.is_internal(*address);
        let source = subject.source.filter(outside);
        let mut addresses = [source, subject.outside].into_iter().flatten();
        addresses.find_map(|address| self.linked(&Link::Source(address), at, WINDOW))
    }

    fn linked(&self, link: &Link, at: OffsetDateTime, window: Duration) -> Option<IncidentId> {
        let (id, last) = self.links.get(link)?;
        ((at - *last).abs() <= window && self.open.contains_key(id)).then_some(*id)
    }

    /// The incident that a line with this subject belongs to.
    pub(crate) fn find(&self, subject: &Subject, at: OffsetDateTime) -> Option<IncidentId> {
        let mut candidates = Vec::new();
        if let Some(source) = subject.source {
            candidates.push((Link::Source(source), WINDOW));
        }
        if let Some(user) = &subject.user {
            candidates.push((Link::Target(user.clone()), WINDOW));
            candidates.push((Link::FallenUser(user.clone()), WINDOW));
        }
        if let (Some(host), None) = (&subject.host, subject.source) {
            candidates.push((Link::FallenHost(host.clone()), WINDOW));
            candidates.push((Link::Host(host.clone()), HOST_WINDOW));
        }
        for address in [subject.home, subject.outside].into_iter().flatten() {
            candidates.push((Link::Source(address), WINDOW));
        }
        candidates.into_iter().find_map(|(link, window)| self.linked(&link, at, window))
    }

    /// The incident of a neighbour that does the same to the same machine at the same time.
    fn campaign(&self, alert: &Alert) -> Option<IncidentId> {
        self.linked(&neighbours(alert)?, alert.at, CAMPAIGN_WINDOW)
    }

    fn reasons(&self, alert: &Alert) -> Vec<RiskReason> {
        entities(&alert.subject)
            .iter()
            .filter_map(|entity| self.intel.lookup(entity, alert.at))
            .collect()
    }

    /// Keeps both tables within their caps, the oldest leaving first.
    fn trim(&mut self) {
        while self.open.len() > OPEN_CAP {
            let oldest = self.open.iter().min_by_key(|(id, open)| (open.last, **id));
            let Some(id) = oldest.map(|(id, _)| *id) else { break };
            self.open.remove(&id);
        }
        if self.links.len() > LINKS_CAP {
            let mut times: Vec<_> = self.links.values().map(|(_, at)| *at).collect();
            let middle = times.len() / 2;
            let limit = *times.select_nth_unstable(middle).1;
            self.links.retain(|_, (_, at)| *at > limit);
        }
    }
}

impl Open {
    fn add_member(&mut self, event: EventId) -> bool {
        let new = self.remember(event);
        self.incident.members += u64::from(new);
        new
    }

    fn remember(&mut self, event: EventId) -> bool {
        if self.recent.contains(&event) {
            return false;
        }
        if self.recent.len() >= RECENT_CAP {
            self.recent.pop_front();
        }
        self.recent.push_back(event);
        true
    }

    fn add_evidence(&mut self, line: EvidenceLine) {
        let known = self.incident.evidence.iter().any(|known| known.event_id == line.event_id);
        if !known && self.incident.evidence.len() < EVIDENCE_CAP {
            self.incident.evidence.push(line);
        }
    }

    fn stretch(&mut self, at: OffsetDateTime) {
        self.last = self.last.max(at);
        let incident = &mut self.incident;
        incident.first_seen = Some(incident.first_seen.map_or(at, |first| first.min(at)));
        incident.last_seen = Some(incident.last_seen.map_or(at, |last| last.max(at)));
    }

    fn grow(&mut self, alert: &Alert, policy: &Policy, intel: Vec<RiskReason>) {
        self.stretch(alert.at);
        self.add_evidence(alert.evidence.clone());
        let incident = &mut self.incident;
        for technique in &alert.techniques {
            push_new(&mut incident.techniques, *technique, NAMES_CAP);
        }
        push_new(&mut incident.rules, alert.rule.clone().into_owned(), NAMES_CAP);
        for entity in entities(&alert.subject) {
            push_new(&mut incident.entities, entity, ENTITIES_CAP);
        }
        let graver = incident.severity.is_none_or(|severity| alert.severity > severity);
        if graver || incident.threat_class.is_none() {
            incident.threat_class = Some(alert.class);
        }
        incident.severity =
            Some(incident.severity.unwrap_or(Severity::Informational).max(alert.severity));
        incident.needs_human |= alert.undecided;
        let circumstances = &mut self.circumstances;
        circumstances.compromise |= alert.compromise;
        circumstances.precedents.add(alert.precedent.as_ref());
        push_new(&mut circumstances.stages, alert.class, ThreatClass::ALL.len());
        circumstances.from_inside |=
            alert.subject.source.is_some_and(|source| policy.is_internal(source));
        for reason in intel {
            // The age of the pack grows overnight; the finding stays the same.
            let finding = |reason: &RiskReason| reason.reason.split(" (").next().map(str::to_owned);
            if circumstances.intel.iter().all(|known| finding(known) != finding(&reason)) {
                push_new(&mut circumstances.intel, reason, NAMES_CAP);
            }
        }
        circumstances.critical_asset = critical_asset(incident, policy);
        assess(incident, circumstances);
        incident.title = title(incident, circumstances.compromise);
    }

    /// Its id, the first time its risk reaches `threshold`.
    fn due(&mut self, threshold: i32) -> Option<IncidentId> {
        let now = !self.filed && self.incident.risk >= threshold;
        self.filed |= now;
        now.then_some(self.incident.id)
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T, cap: usize) {
    if list.len() < cap && !list.contains(&item) {
        list.push(item);
    }
}

/// What ties later lines to the incident of this alert.
fn links(alert: &Alert) -> Vec<Link> {
    let subject = &alert.subject;
    let mut links = Vec::new();
    if let Some(source) = subject.source {
        links.push(Link::Source(source));
    }
    links.extend(neighbours(alert));
    links.extend(subject.home.map(Link::Source));
    if matches!(alert.class, ThreatClass::Exfiltration | ThreatClass::CommandAndControl) {
        links.extend(subject.outside.map(Link::Source));
    }
    if let Some(user) = &subject.user {
        if subject.by_user {
            links.push(Link::Target(user.clone()));
        }
        if alert.compromise {
            links.push(Link::FallenUser(user.clone()));
        }
    }
    if let Some(host) = &subject.host {
        if alert.compromise {
            links.push(Link::FallenHost(host.clone()));
        }
        if subject.source.is_none() {
            links.push(Link::Host(host.clone()));
        }
    }
    links
}

/// A source's network, what it does and to which machine: whoever rents a range of addresses takes
/// turns with them.
fn neighbours(alert: &Alert) -> Option<Link> {
    // What goes out is not aimed at a machine here: two uploads at one hour are two stories.
    let aimed = alert.opens && !alert.subject.by_user && alert.subject.outside.is_none();
    let network = match alert.subject.source.filter(|_| aimed)? {
        IpAddr::V4(source) => IpAddr::from((source.to_bits() & NETWORK_V4).to_be_bytes()),
        IpAddr::V6(source) => IpAddr::from((source.to_bits() & NETWORK_V6).to_be_bytes()),
    };
    Some(Link::Neighbours(network, alert.rule.clone(), alert.subject.host.clone()))
}

/// The links of an incident as far as it tells them itself.
fn links_of(incident: &Incident) -> Vec<Link> {
    let fell = is_break_in(incident);
    let named = |kind| incident.entities.iter().any(|entity: &Entity| entity.kind == kind);
    let sourceless = !named(EntityKind::SourceIp);
    let target = incident.entities.first().filter(|first| first.kind == EntityKind::User);
    let mut links: Vec<Link> =
        target.map(|user| Link::Target(user.value.clone())).into_iter().collect();
    for entity in &incident.entities {
        let value = || entity.value.clone();
        match entity.kind {
            EntityKind::SourceIp => links.extend(entity.value.parse().ok().map(Link::Source)),
            EntityKind::User if fell => links.push(Link::FallenUser(value())),
            EntityKind::Host if fell => links.push(Link::FallenHost(value())),
            EntityKind::Host if sourceless => links.push(Link::Host(value())),
            _ => {}
        }
    }
    links
}

fn is_break_in(incident: &Incident) -> bool {
    incident.rules.iter().any(|rule| rule == BREAK_IN)
}

fn critical_asset(incident: &Incident, policy: &Policy) -> Option<String> {
    let named = |entity: &&Entity| {
        policy.critical_assets.iter().any(|it| it.eq_ignore_ascii_case(&entity.value))
    };
    incident.entities.iter().find(named).map(|asset| asset.value.clone())
}

/// The class of a rule over one line or many.
fn class_of(name: &str) -> Option<ThreatClass> {
    let counter = COUNTERS.iter().find(|counter| counter.name == name);
    counter.map(|counter| counter.class).or_else(|| crate::rules::class_of(name))
}

/// What a subject names, root cause first.
fn entities(subject: &Subject) -> Vec<Entity> {
    let mut entities = Vec::new();
    let mut add = |kind: EntityKind, value: Option<String>| {
        if let Some(value) = value {
            let value = crate::clean::capped(&value, VALUE_CAP).to_owned();
            entities.push(Entity { kind, value });
        }
    };
    if subject.by_user {
        add(EntityKind::User, subject.user.clone());
    }
    add(EntityKind::SourceIp, subject.source.map(|ip| ip.to_string()));
    add(EntityKind::Host, subject.host.clone());
    if !subject.by_user {
        add(EntityKind::User, subject.user.clone());
    }
    add(EntityKind::DestinationIp, subject.destination.map(|ip| ip.to_string()));
    entities
}
