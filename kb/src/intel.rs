//! The offline pack of indicators: addresses, networks, domains and hashes that are known for something.
//!
//! Lookups take constant time: exact values by hash map, networks by one map per prefix length,
//! domains by one step per label.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;
use time::{Date, Duration, OffsetDateTime};

const PACK: &str = include_str!("../intel/pack.toml");

/// How sure the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Often seen in harmless traffic too.
    Low,
    /// Seldom harmless.
    Medium,
    /// Known fact.
    High,
}

/// Something that is known for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// The value that was matched.
    pub value: Key,
    /// What it is known for, in words for a person.
    pub what: String,
    /// Who says so.
    pub source: String,
    /// How sure they are.
    pub confidence: Confidence,
    /// When it came into the pack.
    pub added: Date,
    /// Whether it is only for exercises: an address that can't occur on the real internet.
    pub exercise: bool,
}

/// What an indicator matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// One address.
    Address(IpAddr),
    /// All addresses that share the first bits; the other bits are zero.
    Network(IpAddr, u8),
    /// A domain and all below it, lower case, without a dot at the end.
    Domain(String),
    /// A file hash (MD5, SHA-1 or SHA-256), lower-case hexadecimal.
    Hash(String),
}

/// The pack.
#[derive(Debug)]
pub struct Pack {
    date: Date,
    indicators: Vec<Indicator>,
    by_key: HashMap<Key, usize>,
    /// Prefix lengths that occur, longest first; at most 33 and 129.
    prefixes_v4: Vec<u8>,
    prefixes_v6: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    date: String,
    indicator: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: Kind,
    value: String,
    what: String,
    source: String,
    confidence: Confidence,
    added: String,
    #[serde(default)]
    exercise: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ip,
    Network,
    Domain,
    Hash,
}

impl Pack {
    pub(crate) fn embedded() -> Result<Self, String> {
        Self::parse(PACK).map_err(|why| format!("intel/pack.toml: {why}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut pack = Self {
            date: parse_date(&file.date)?,
            indicators: Vec::new(),
            by_key: HashMap::new(),
            prefixes_v4: Vec::new(),
            prefixes_v6: Vec::new(),
        };
        for row in file.indicator {
            pack.add(read_row(row)?)?;
        }
        for prefixes in [&mut pack.prefixes_v4, &mut pack.prefixes_v6] {
            prefixes.sort_unstable_by(|a, b| b.cmp(a));
            prefixes.dedup();
        }
        Ok(pack)
    }

    fn add(&mut self, indicator: Indicator) -> Result<(), String> {
        match indicator.value {
            Key::Network(IpAddr::V4(_), length) => self.prefixes_v4.push(length),
            Key::Network(IpAddr::V6(_), length) => self.prefixes_v6.push(length),
            _ => {}
        }
        let at = self.indicators.len();
        if self.by_key.insert(indicator.value.clone(), at).is_some() {
            return Err(format!("{:?} occurs twice", indicator.value));
        }
        self.indicators.push(indicator);
        Ok(())
    }

    /// The day the pack was made.
    pub fn date(&self) -> Date {
        self.date
    }

    /// How old the pack is; zero when the clock is behind its date.
    pub fn age(&self, now: OffsetDateTime) -> Duration {
        (now - self.date.midnight().assume_utc()).max(Duration::ZERO)
    }

    /// All indicators, in the order of the file.
    pub fn indicators(&self) -> &[Indicator] {
        &self.indicators
    }

    /// What is known of an address: of itself, else of the smallest network around it.
    pub fn address(&self, address: IpAddr) -> Option<&Indicator> {
        let address = address.to_canonical();
        let prefixes = if address.is_ipv4() { &self.prefixes_v4 } else { &self.prefixes_v6 };
        self.find(&Key::Address(address)).or_else(|| {
            prefixes
                .iter()
                .find_map(|length| self.find(&Key::Network(mask(address, *length), *length)))
        })
    }

    /// What is known of a domain or of one above it.
    pub fn domain(&self, name: &str) -> Option<&Indicator> {
        let name = domain_key(name)?;
        let mut rest = name.as_str();
        loop {
            if let Some(found) = self.find(&Key::Domain(rest.to_owned())) {
                return Some(found);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// What is known of a file hash.
    pub fn hash(&self, hash: &str) -> Option<&Indicator> {
        self.find(&Key::Hash(hash_key(hash)?))
    }

    fn find(&self, key: &Key) -> Option<&Indicator> {
        self.by_key.get(key).map(|at| &self.indicators[*at])
    }
}

fn parse_date(text: &str) -> Result<Date, String> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(text, format).map_err(|_| format!("{text:?} is not a date like 2026-01-31"))
}

fn read_row(row: Row) -> Result<Indicator, String> {
    let value = read_key(row.kind, &row.value)
        .ok_or_else(|| format!("{:?} is not of the kind {:?}", row.value, row.kind))?;
    Ok(Indicator {
        value,
        what: row.what,
        source: row.source,
        confidence: row.confidence,
        added: parse_date(&row.added)?,
        exercise: row.exercise,
    })
}

fn read_key(kind: Kind, value: &str) -> Option<Key> {
    match kind {
        Kind::Ip => value.parse().ok().map(Key::Address),
        Kind::Domain => domain_key(value).map(Key::Domain),
        Kind::Hash => hash_key(value).map(Key::Hash),
        Kind::Network => {
            let (address, length) = value.split_once('/')?;
            let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
            let most = if address.is_ipv4() { 32 } else { 128 };
            let whole = length <= most && mask(address, length) == address;
            whole.then_some(Key::Network(address, length))
        }
    }
}

/// Lower case, no dot at the end; `None` for what is longer than a domain can be (RFC 1035, 2.3.4).
fn domain_key(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    (name.len() <= 253 && name.contains('.')).then(|| name.to_ascii_lowercase())
}

/// Lower case; `None` for what is not as long as an MD5, SHA-1 or SHA-256 in hexadecimal.
fn hash_key(hash: &str) -> Option<String> {
    let valid =
        matches!(hash.len(), 32 | 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| hash.to_ascii_lowercase())
}

fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & bits).into()
        }
        IpAddr::V6(v6) => {
            let bits = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & bits).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn pack() -> Pack {
        let row = |kind: &str, value: &str| {
            format!(
                "[[indicator]]\nkind = \"{kind}\"\nvalue = \"{value}\"\nwhat = \"{value}\"\n\
                 source = \"test\"\nconfidence = \"high\"\nadded = \"2026-01-02\"\n"
            )
        };
        let rows = [
            ("ip", "192.0.2.7"),
            ("network", "192.0.2.0/24"),
            ("network", "192.0.0.0/16"),
            ("network", "2001:db8::/32"),
            ("domain", "bad.example"),
            ("hash", "44D88612FEA8A8F36DE82E1278ABB02F"),
        ];
        let rows: String = rows.iter().map(|(kind, value)| row(kind, value)).collect();
        Pack::parse(&format!("date = \"2026-11-01\"\n{rows}")).unwrap()
    }

    #[test]
    fn addresses_match_the_narrowest_entry() {
        let pack = pack();
        for (address, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.8", Some("192.0.2.0/24")),
            ("192.0.3.8", Some("192.0.0.0/16")),
            ("192.1.0.1", None),
            ("2001:db8:1::1", Some("2001:db8::/32")),
            ("2001:db9::1", None),
        ] {
            let found = pack.address(address.parse().unwrap()).map(|known| known.what.as_str());
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn names_and_hashes_match_in_any_case() {
        let pack = pack();
        for (name, known) in [
            ("bad.example", true),
            ("BAD.Example.", true),
            ("a.b.bad.example", true),
            ("notbad.example", false),
            ("example", false),
            ("", false),
        ] {
            assert_eq!(pack.domain(name).is_some(), known, "{name:?}");
        }
        assert!(pack.hash("44d88612fea8a8f36de82e1278abb02f").is_some());
        assert!(pack.hash("44d88612").is_none());
    }

    #[test]
    fn age_counts_from_the_date_of_the_pack() {
        let pack = pack();
        assert_eq!(pack.age(datetime!(2026-11-03 0:00 UTC)), Duration::days(2));
        assert_eq!(pack.age(datetime!(2020-01-01 0:00 UTC)), Duration::ZERO);
    }

    #[test]
    fn the_zero_prefix_covers_everything() {
        assert_eq!(mask("203.0.113.9".parse().unwrap(), 0), "0.0.0.0".parse::<IpAddr>().unwrap());
        assert_eq!(mask("2001:db8::9".parse().unwrap(), 0), "::".parse::<IpAddr>().unwrap());
    }
}
