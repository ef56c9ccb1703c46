//! Which names devices give to what Elastic Common Schema calls `source.ip`, `user.name` and so on:
//! one table for JSON, key=value, CEF, LEEF, Windows event data and structured data alike.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use time::OffsetDateTime;
use vedette_event::Fields;

pub(crate) use self::values::{
    Side, address, address_text, bounded, ip, is_method, outcome, set_absent, set_address,
    set_checked,
};
use self::values::{checked, name_processes};
use crate::device::Keys;
use crate::stamp;

mod values;

/// Stands in the table for the time of the event, which is no field of the record.
const TIME: &str = "@timestamp";

/// Field, and the keys that mean it: lower case, letters and digits only, the surest first. A key of
/// two words also matches as parent and child (`client.ip`, `id.orig_h`).
const ALIASES: &[(&str, &str)] = &[
    (
        "source.ip",
        "sourceip srcip src sip sourceipaddress sourceaddress srcaddr srcaddress sourcenetworkaddress idorigh clientip clientipaddress clientaddress clientaddr clienthost networkclientip callingstationid calleripaddress callerip remoteip remoteipaddress remoteaddress remoteaddr remip rhost rip oip userhostaddress actoripaddress actorip userip attackerip attackeraddress httprequestclientip requestip requestclientip ipaddress ipaddr fromip peerip peeraddr viewer vieweraddress downstreamremoteaddress remotehost remote client addr ip peer from hostname xrealip realip xforwardedfor srchost",
    ),
    (
        "source.port",
        "sourceport srcport spt sport idorigp clientport remoteport remport rport ipport sourceportnumber",
    ),
    (
        "destination.ip",
        "destinationip dstip dst dip dest destip destinationaddress destinationipaddress dstaddr dstaddress idresph serverip serveraddress serveraddr targetip localip locip localaddress localaddr lip laddr",
    ),
    (
        "destination.port",
        "destinationport dstport dpt dport destport idrespp serverport localport lport locport targetport",
    ),
    ("source.domain", "workstationname workstation sourcehostname sourcehost shost"),
    (
        "destination.domain",
        "destinationhostname dhost dsthost targetservername tlssni servername sni",
    ),
    ("source.mac", "srcmac sourcemac smac"),
    ("source.bytes", "sentbyte bytesout origbytes bytestoserver out"),
    ("destination.bytes", "rcvdbyte bytesin respbytes bytestoclient in"),
    ("network.bytes", "bytes totalbytes networkbytes"),
    ("network.transport", "proto protocol transport ipprotocol"),
    ("network.protocol", "appproto service networkprotocol"),
    ("network.direction", "direction dir ifdir"),
    (
        "user.name",
        "targetusername username usrname user suser loginname login account accountname acct principalname userprincipalname principal operator srcuser sourceusername sourceuser useridentityusername unauthuser uname remoteuser dstuser duser targetuser destinationusername subjectusername saslusername requestusername clientusername ruser useridentityarn userid email useremail emailaddress actor actoremail actoralternateid actorlogin identity identifier",
    ),
    ("user.target.name", "membername samaccountname"),
    ("user.domain", "targetdomainname subjectdomainname userdomain domainname"),
    ("user.id", "targetusersid usersid"),
    ("group.name", "groupname"),
    ("event.code", "eventid eventcode winlogeventid logid messageid msgid sigid eventnumber"),
    (
        "event.action",
        "action act eventname eventaction eventtype event operation activity operationname kind logdesc verb",
    ),
    (
        "event.outcome",
        "outcome result status success authresult authenticationresult eventoutcome resulttype state disposition",
    ),
    ("event.provider", "providername sourcename eventsource provider eventprovider"),
    ("event.reason", "reason failurereason errormessage error errorcode"),
    ("winlog.channel", "channel logname winlogchannel"),
    ("winlog.logon.type", "logontype"),
    (
        "process.command_line",
        "commandline processcommandline cmdline command cmd processcmdline execcommand",
    ),
    (
        "process.executable",
        "newprocessname image processexecutable exe processpath processname applicationpath application",
    ),
    ("process.name", "comm process processfilename"),
    ("process.pid", "newprocessid processid pid processpid"),
    (
        "process.parent.executable",
        "parentimage parentprocessname parentprocesspath processparentexecutable parentname",
    ),
    (
        "process.parent.command_line",
        "parentcommandline parentprocesscommandline processparentcommandline",
    ),
    ("process.hash.sha256", "processhashsha256"),
    (
        "file.path",
        "targetfilename filepath filename fname objectname file imageloaded relativetargetname path fullpath",
    ),
    ("file.hash.sha256", "sha256 filehashsha256 filehash sha256hash"),
    ("file.hash.sha1", "sha1 filehashsha1"),
    ("file.hash.md5", "md5 filehashmd5"),
    ("registry.path", "targetobject registrykey registrypath"),
    ("service.name", "servicename"),
    ("powershell.file.script_block_text", "scriptblocktext"),
    (
        "rule.name",
        "signature rulename alertsignature policyname attack signaturename attackname threatname virus virusname",
    ),
    ("rule.id", "signatureid alertsignatureid ruleid policyid attackid fwruleid"),
    (
        "http.request.method",
        "method httpmethod requestmethod httprequestmethod cshttpmethod verbhttp",
    ),
    ("http.request.referrer", "referer referrer httpreferer httprefer httprequestreferrer"),
    (
        "http.response.status_code",
        "statuscode httpstatus httpstatuscode responsecode scstatus downstreamstatus httpresponsestatuscode httpcode responsestatuscode responsestatus code",
    ),
    (
        "url.original",
        "url uri requesturi requesturl httpurl requestpath request urloriginal requrl requesturlpath",
    ),
    ("url.domain", "httphost httphostname vhost requesthost urldomain host"),
    (
        "user_agent.original",
        "useragent httpuseragent useragentoriginal csuseragent requestclientapplication httprequestuseragent",
    ),
    (
        "dns.question.name",
        "queryname rrname dnsrrname dnsqueryname dnsquestionname qname question query",
    ),
    (
        "host.name",
        "computer hostname computername devname dvchost machinename hostidentifier winsystemcomputer agentname devicename",
    ),
    ("host.ip", "hostip deviceip agentip dvc"),
    ("observer.name", "observername sensor sensorname"),
    ("email.from.address", "mailfrom sender fromaddress emailfrom"),
    ("email.to.address", "rcptto recipient emailto toaddress"),
    ("email.subject", "subject emailsubject"),
    ("cloud.account.id", "recipientaccountid accountid"),
    (
        TIME,
        "timestamp eventtime time ts systemtime tdate datetime utctime createdat creationtime timecreated eventcreatedtime start date rt timegenerated",
    ),
];

/// Parents under which `ip`, `name` and the like belong to the machine or to the other side.
const NOT_THE_ACTOR: &[&str] = &[
    "host",
    "server",
    "destination",
    "dest",
    "dst",
    "target",
    "agent",
    "node",
    "observer",
    "manager",
    "process",
    "file",
    "rule",
    "service",
    "container",
    "kubernetes",
    "os",
    "geo",
    "cluster",
    "device",
];

/// A constant table by name.
pub(crate) type Table<T> = HashMap<&'static [u8], T, BuildHasherDefault<Quick>>;

static KEYS: LazyLock<Table<Vec<(usize, &'static str)>>> = LazyLock::new(|| {
    let mut keys: Table<Vec<_>> = HashMap::default();
    for (field, aliases) in ALIASES {
        for (rank, alias) in aliases.split(' ').enumerate() {
            keys.entry(alias.as_bytes()).or_default().push((rank, *field));
        }
    }
    keys
});

static SCHEMA: LazyLock<Table<&'static str>> =
    LazyLock::new(|| ALIASES.iter().map(|(field, _)| (field.as_bytes(), *field)).collect());

/// Eight bytes a step. The tables are constant, so nobody can make their names collide.
#[derive(Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ (mixed >> 32);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Rank of a port that came with an address: behind all that have a name of their own.
const BROUGHT_ALONG: usize = 1000;

/// A value offered for a field, and how sure its name is: less is surer.
struct Offer {
    field: &'static str,
    rank: usize,
    /// Where among the values it stands.
    value: Range<usize>,
}

/// Fields that most lines' offers stay below, so that the list grows once, and bytes of their values.
const USUAL_OFFERS: usize = 16;
const USUAL_BYTES: usize = 256;

/// The best value offered so far for each field.
#[derive(Default)]
pub(crate) struct Offers {
    /// The names of the product at hand, before those of all.
    own: Keys,
    best: Vec<Offer>,
    /// The values, one behind the other: one allocation instead of one each.
    values: String,
    time_text: Option<(usize, String)>,
}

impl Offers {
    /// None yet; `own` names mean what they say there.
    pub(crate) fn of(own: Keys) -> Self {
        Self { own, ..Self::default() }
    }

    /// Considers a value under the name a device gave it; `path` may be dotted.
    pub(crate) fn offer(&mut self, path: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() || value == "-" {
            return;
        }
        let own = self.own.iter().find(|(key, _)| path_ends(path, key));
        if let Some((_, field)) = own {
            if !field.is_empty() {
                self.consider(field, 0, value);
            }
            return;
        }
        let dot_in = |path: &str| path.bytes().rposition(|byte| byte == b'.');
        let dot = dot_in(path);
        let schematic = dot.is_some() || path.starts_with('@');
        if let Some(field) = schematic.then(|| SCHEMA.get(path.as_bytes())).flatten() {
            return self.consider(field, 0, value);
        }
        let (parent, last) = dot.map_or(("", path), |dot| (&path[..dot], &path[dot + 1..]));
        let above = dot_in(parent).map_or(0, |dot| dot + 1);
        let mut joined = NormalKey::of(&parent[above..]);
        let parent = joined.length;
        joined.push(last);
        // A name that is known with its parent says more than the last word alone.
        if let Some(meanings) = KEYS.get(joined.part(0..joined.length)) {
            self.consider_all(meanings, 0, value);
        }
        if parent == 0 {
            return;
        }
        if let Some(meanings) = KEYS.get(joined.part(parent..joined.length)) {
            let foreign =
                NOT_THE_ACTOR.iter().any(|name| name.as_bytes() == joined.part(0..parent));
            if !foreign || joined.length - parent > 8 {
                self.consider_all(meanings, 100, value);
            }
        }
    }

    fn consider_all(&mut self, meanings: &[(usize, &'static str)], penalty: usize, value: &str) {
        for (rank, field) in meanings {
            self.consider(field, rank + penalty, value);
        }
    }

    fn consider(&mut self, field: &'static str, rank: usize, text: &str) {
        if field == TIME {
            if self.time_text.as_ref().is_none_or(|(best, _)| rank < *best) {
                self.time_text = Some((rank, text.to_owned()));
            }
            return;
        }
        let known = self.best.iter().position(|offer| offer.field == field);
        if known.is_some_and(|index| self.best[index].rank <= rank) {
            return;
        }
        let Some(value) = checked(field, text) else { return };
        if self.best.capacity() == 0 {
            self.best.reserve(USUAL_OFFERS);
            self.values.reserve(USUAL_BYTES);
        }
        let start = self.values.len();
        self.values.push_str(&value);
        let offer = Offer { field, rank, value: start..self.values.len() };
        // An address as it is written itself brings none.
        if value != text {
            self.consider_port(field, text);
        }
        match known {
            Some(index) => self.best[index] = offer,
            None => self.best.push(offer),
        }
    }

    /// The port that an address brings, where no name gives one.
    fn consider_port(&mut self, field: &'static str, text: &str) {
        if let Some(side) = Side::of(field)
            && let Some((_, Some(port))) = address(text)
        {
            self.consider(side.fields().1, BROUGHT_ALONG, &port.to_string());
        }
    }

    /// Writes what was found into the fields that are still empty.
    pub(crate) fn fill(self, fields: &mut Fields) {
        for Offer { field, value, .. } in self.best {
            if fields.get(field).is_none() {
                fields.set(field, &self.values[value]);
            }
        }
        name_processes(fields);
    }

    /// The time among the values.
    pub(crate) fn time(&self, received_at: OffsetDateTime) -> Option<OffsetDateTime> {
        let text = &self.time_text.as_ref()?.1;
        match text.parse::<f64>() {
            Ok(number) => stamp::from_epoch(number),
            Err(_) => stamp::at_start(text, received_at).map(|stamp| stamp.time),
        }
    }
}

/// Whether a dotted path is the key or ends with it.
fn path_ends(path: &str, key: &str) -> bool {
    path.strip_suffix(key).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// A parent and a name, each as long as the longest in the tables, with room.
const MAX_KEY_BYTES: usize = 64;

/// A name in lower case, letters and digits only. Reads as empty where it is longer than any known.
pub(crate) struct NormalKey {
    bytes: [u8; MAX_KEY_BYTES],
    length: usize,
}

impl NormalKey {
    pub(crate) fn of(key: &str) -> Self {
        let mut normal = Self { bytes: [0; MAX_KEY_BYTES], length: 0 };
        normal.push(key);
        normal
    }

    /// Puts another name behind.
    fn push(&mut self, key: &str) {
        for byte in key.bytes().filter(u8::is_ascii_alphanumeric) {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte.to_ascii_lowercase();
            }
            self.length += 1;
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.part(0..self.length)).unwrap_or_default()
    }

    fn part(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }
}

/// What a bare word before an address means, if it is a key for one.
pub(crate) fn address_field(word: &str) -> Option<&'static str> {
    let word = NormalKey::of(word);
    let meanings = KEYS.get(word.part(0..word.length))?;
    meanings
        .iter()
        .map(|(_, field)| *field)
        .find(|field| matches!(*field, "source.ip" | "destination.ip"))
}
