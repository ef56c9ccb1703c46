//! The devices that are known, as one table: a decoder says whether a line is its own and reads it.

use std::cell::OnceCell;
use std::sync::LazyLock;

use vedette_event::Fields;

use self::json::Json;
use self::marks::{Marks, Set, Texts};
pub(crate) use self::product::Keys;
use self::product::Products;
use crate::fields::Offers;
use crate::header::Header;
use crate::search::Search;

mod delimited;
mod firewall;
mod json;
mod lease;
mod linux;
mod mail;
mod marks;
pub(crate) mod pairs;
mod pattern;
mod product;
mod products;
mod structured;
pub(crate) mod web;
mod windows;

/// Reads the lines of one kind of device. A line may be its own where the header names its program or
/// all texts of one set of marks occur (an empty set: any line); then it is asked.
pub(crate) struct Decoder {
    dataset: &'static str,
    app: fn(&str) -> bool,
    marks: &'static [&'static [&'static str]],
    /// Whether a line is this device's: cheap, and sure enough to stop looking.
    sniff: fn(&Line<'_>) -> bool,
    /// Reads the line into fields; false when what should be there is not.
    parse: fn(&Line<'_>, &mut Fields) -> bool,
}

/// For decoders that need no more than their marks or their program.
const NO_APP: fn(&str) -> bool = |_| false;
const SURELY: fn(&Line<'_>) -> bool = |_| true;

/// Formats that need more than a table, asked in order before the tables of `products`.
const SURE: &[Decoder] = &[
    delimited::CEF,
    delimited::LEEF,
    firewall::CISCO,
    firewall::FILTERLOG,
    linux::NETFILTER,
    linux::SSHD,
    linux::SUDO,
    windows::WINDOWS,
    structured::SURICATA,
    structured::ZEEK,
];

/// Shapes that many products share, asked in order behind the tables.
const SHAPES: &[Decoder] = &[
    structured::JSON,
    structured::FORTINET,
    web::ERROR,
    web::ACCESS,
    web::IIS,
    mail::MAIL,
    lease::LEASE,
    linux::PAM,
    structured::KEY_VALUE,
];

/// Datasets whose decoder names every part of the line: what else stands in it is the client's text.
const CLOSED: &[&str] = &["web.access", "iis", "pf.filterlog", "netfilter"];

/// What a decoder looks at.
pub(crate) struct Line<'t> {
    pub(crate) message: &'t str,
    pub(crate) app: Option<&'t str>,
    parameters: &'t [(String, String)],
    marks: Set,
    json: OnceCell<Option<Json<'t>>>,
}

/// Who knew a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoded {
    pub(crate) dataset: &'static str,
    pub(crate) complete: bool,
    /// What this product's own names mean.
    pub(crate) keys: Keys,
}

impl Decoded {
    /// Whether nothing is left to be found in the line.
    pub(crate) fn closed(self) -> bool {
        self.complete && CLOSED.contains(&self.dataset)
    }
}

impl<'t> Line<'t> {
    pub(crate) fn new(message: &'t str, header: &'t Header) -> Self {
        Self {
            message,
            app: header.app.as_deref(),
            parameters: &header.parameters,
            marks: marks::found(&TABLE.search, message),
            json: OnceCell::new(),
        }
    }

    /// Whether the text occurs in the message.
    pub(crate) fn has(&self, needle: &str) -> bool {
        memchr::memmem::find(self.message.as_bytes(), needle.as_bytes()).is_some()
    }

    /// The JSON object that the message is or ends with.
    pub(crate) fn json(&self) -> Option<&Json<'t>> {
        self.json.get_or_init(|| pairs::embedded_json(self.message)).as_ref()
    }

    /// What the line says in words: the message, or the text of that name in a JSON object.
    pub(crate) fn words(&self) -> &str {
        if !self.is_json() {
            return self.message;
        }
        let text = |key: &str| self.json()?.get(key)?.as_str();
        ["message", "msg", "log", "Message"].into_iter().find_map(text).unwrap_or(self.message)
    }

    /// Whether the message is a JSON object and nothing else.
    pub(crate) fn is_json(&self) -> bool {
        let text = self.message.trim_start();
        let text = text.strip_prefix("@cee:").unwrap_or(text);
        text.trim_start().starts_with('{') && self.json().is_some()
    }

    pub(crate) fn json_has(&self, key: &str) -> bool {
        self.json().is_some_and(|json| json.get(key).is_some())
    }

    /// Structured data of RFC 5424, embedded JSON and pairs, for whatever decoder did not come.
    pub(crate) fn offers(&self, keys: Keys) -> Offers {
        let mut offers = Offers::of(keys);
        for (name, value) in self.parameters {
            offers.offer(name, value);
        }
        if let Some(json) = self.json() {
            pairs::walk(json, &mut |path, text| offers.offer(path, text));
        } else {
            pairs::key_values(self.message, |key, value| offers.offer(key, value));
        }
        offers
    }
}

/// The line that a container runtime wrapped in JSON (Docker's `json-file`).
pub(crate) fn inside(message: &str) -> Option<String> {
    let text = message.trim_start();
    let wrapped = text.starts_with("{\"log\":\"") && text.contains("\"stream\":");
    let json = wrapped.then(|| pairs::embedded_json(text))??;
    Some(json.get("log")?.as_str()?.trim_end().to_owned())
}

struct Table {
    search: Search,
    sure: Vec<Known>,
    products: Products,
    shapes: Vec<Known>,
}

/// A decoder and the sets of marks it is known by.
struct Known {
    decoder: &'static Decoder,
    marks: Vec<Marks>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut texts = Texts::default();
    let mut known = |decoders: &'static [Decoder]| {
        let sets = |decoder: &Decoder| decoder.marks.iter().map(|set| texts.marks(set)).collect();
        decoders
            .iter()
            .map(sets)
            .zip(decoders)
            .map(|(marks, decoder)| Known { decoder, marks })
            .collect()
    };
    let [sure, shapes] = [known(SURE), known(SHAPES)];
    let products = Products::new(&mut texts);
    Table { search: texts.search(), sure, products, shapes }
});

/// Asks the tables.
pub(crate) fn decode(line: &Line<'_>, fields: &mut Fields) -> Option<Decoded> {
    if let Some(decoded) = by_code(&TABLE.sure, line, fields) {
        return Some(decoded);
    }
    if let Some(known) = TABLE.products.decode(line, fields) {
        return Some(Decoded { dataset: known.dataset, complete: true, keys: known.keys });
    }
    by_code(&TABLE.shapes, line, fields)
}

fn by_code(table: &[Known], line: &Line<'_>, fields: &mut Fields) -> Option<Decoded> {
    let may_be = |known: &&Known| {
        known.marks.iter().any(|marks| marks.occur(&line.marks, line.message))
            || line.app.is_some_and(known.decoder.app)
    };
    let known = table.iter().filter(may_be).find(|known| (known.decoder.sniff)(line))?;
    let decoder = known.decoder;
    let complete = (decoder.parse)(line, fields);
    // A bare web-like line that does not parse is nobody's.
    (complete || decoder.dataset != "web.access").then_some(Decoded {
        dataset: decoder.dataset,
        complete,
        keys: &[],
    })
}

/// The program's own name, where the header gives a path.
fn program(app: &str) -> &str {
    // By hand: the library's search is for long texts.
    app.bytes().rposition(|byte| byte == b'/').map_or(app, |slash| &app[slash + 1..])
}
