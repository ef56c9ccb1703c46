//! SIEM queries from intents and incidents, valid by construction.
//!
//! An incident ([`from_incident`]) or a question in plain words ([`from_intent`]) becomes the typed
//! [`Query`](vedette_event::query::Query) of `vedette-event`; [`render`] writes it in a dialect and
//! lets that dialect's own [`check`] judge the text. A dialect is a folder with files of the same
//! names: `mod` (what it can say), `write` (tree to text, with the escaping), `grammar` (text to syntax
//! tree, wider than what we write), `read` (syntax tree back to the query, used to prove that nothing
//! changed on the way) and `check` (names, types, bounds). `syntax` holds what their grammars share,
//! `terms` what Lucene and Kibana do; `dialect` lists them.
//! Fields and activities are facts of `vedette-kb`.
//!
//! The crate does no I/O and knows no clock: now is passed in. Log text reaches a query only as the
//! value of an incident's entity, and only as one escaped literal.
//!
//! Start reading at [`render`]; the flow is `incident`/`intent` -> `lower` -> `<dialect>::write`.

mod aql;
mod check;
mod dialect;
mod eql;
mod esql;
mod explain;
mod incident;
mod intent;
mod kql;
mod kuery;
mod local;
mod logscale;
mod lower;
mod lucene;
mod render;
mod scan;
mod schema;
mod shape;
mod sigma;
mod spl;
mod syntax;
mod terms;
mod text;
mod yara_l;

pub use check::{CheckError, check, check_grammar};
pub use explain::explain;
pub use incident::from_incident;
pub use intent::{
    FEATURES, KINDS, Subject, counts, features, from_intent, from_intent_about, subject,
    understands, written,
};
pub use local::parse_local;
pub use render::{read_back, render};
pub use scan::ParseError;
pub use schema::{Schema, SchemaError};
pub use shape::DEFAULT_LIMIT;
