//! The typed query that intents and incidents become before any dialect is written, and that the
//! store compiles for the local one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::ParseTaxonomyError;
use crate::taxonomy::fixed_list;

fixed_list! {
    /// A query language of a SIEM, or the box's own.
    Language, "query language",
    /// YARA-L 2.0 (Google SecOps, UDM).
    YaraL = "yara-l",
    /// AQL (IBM QRadar, Ariel).
    Aql = "aql",
    /// KQL (Microsoft Sentinel and Defender).
    Kql = "kql",
    /// SPL (Splunk).
    Spl = "spl",
    /// ES|QL (Elastic).
    Esql = "esql",
    /// EQL (Elastic).
    Eql = "eql",
    /// Lucene query string (Elastic, OpenSearch).
    Lucene = "lucene",
    /// Kibana Query Language.
    Kuery = "kuery",
    /// Sigma rule.
    Sigma = "sigma",
    /// LogScale (CrowdStrike).
    LogScale = "logscale",
    /// The box's own store.
    Local = "local",
}

fixed_list! {
    /// How a field is compared with a value.
    Operator, "operator",
    /// Equal; text without regard to case.
    Equal = "=",
    /// Not equal.
    NotEqual = "!=",
    /// Numbers: less.
    Less = "<",
    /// Numbers: less or equal.
    LessEqual = "<=",
    /// Numbers: greater.
    Greater = ">",
    /// Numbers: greater or equal.
    GreaterEqual = ">=",
    /// Text: holds the value somewhere.
    Contains = "contains",
    /// Text: begins with the value.
    StartsWith = "startswith",
    /// Text: ends with the value.
    EndsWith = "endswith",
    /// Address: inside the network (CIDR).
    InNetwork = "in",
}

/// A literal in a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// An ECS field name, such as `source.ip`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldName(pub String);

/// What a line must satisfy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// All of them; empty means every line.
    And(Vec<Predicate>),
    /// One of them; empty means no line.
    Or(Vec<Predicate>),
    /// Not this one.
    Not(Box<Predicate>),
    /// A field against a value.
    Compare {
        /// The field.
        field: FieldName,
        /// How.
        operator: Operator,
        /// With what.
        value: Value,
    },
    /// The field is there.
    Exists(FieldName),
}

/// The time a query looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeRange {
    /// From here to there.
    Absolute {
        /// Inclusive.
        #[serde(with = "time::serde::rfc3339")]
        from: OffsetDateTime,
        /// Exclusive.
        #[serde(with = "time::serde::rfc3339")]
        to: OffsetDateTime,
    },
    /// This long before the query runs.
    Last(Duration),
}

/// Counting by group with a threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregation {
    /// Group by these.
    pub by: Vec<FieldName>,
    /// Count distinct values of this field; lines where absent.
    pub distinct: Option<FieldName>,
    /// At least so many.
    pub at_least: u64,
    /// Within this long.
    pub window: Duration,
}

/// A question to a store of log lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Which lines.
    pub filter: Predicate,
    /// Counted how, if at all.
    pub aggregation: Option<Aggregation>,
    /// Which fields to show; empty means the dialect's usual ones.
    pub projection: Vec<FieldName>,
    /// When.
    pub time: TimeRange,
    /// At most so many rows.
    pub limit: u32,
}

/// The window of a query whose dialect has no syntax for time, or of any other, for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Inclusive.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Exclusive.
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
}

/// A query in a dialect. Serialises as the body of a `vedette query --jsonl` output line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedQuery {
    /// The dialect.
    pub language: Language,
    /// The text; absent when it cannot be expressed.
    pub query: Option<String>,
    /// Whether the dialect's own checker accepts the text.
    pub valid: bool,
    /// The window in absolute time; absent for a relative one that stands in the text.
    pub time_range: Option<Window>,
    /// What the reader should know: `not supported: …`, refused values, approximations.
    pub notes: Vec<String>,
}
