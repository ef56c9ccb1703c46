//! CEF and LEEF: a header of bars, then key=value.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use vedette_event::Fields;

use super::pairs::MAX_PAIRS;
use super::pattern::ascii;
use super::{Decoder, Line, NO_APP, SURELY};
use crate::fields::Offers;

pub(super) const CEF: Decoder =
    Decoder { dataset: "cef", app: NO_APP, marks: &[&["CEF:"]], sniff: SURELY, parse: cef };

pub(super) const LEEF: Decoder =
    Decoder { dataset: "leef", app: NO_APP, marks: &[&["LEEF:"]], sniff: SURELY, parse: leef };

static CEF_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r"(?:^|\s)([A-Za-z0-9_.\[\]-]{1,64})=")).expect("the pattern is constant")
});

fn cef(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(start) = line.message.find("CEF:") else {
        return false;
    };
    let columns = bars(&line.message[start..], 8);
    let &[_, vendor, product, _, id, name, severity, extension] = columns.as_slice() else {
        return false;
    };
    device(fields, [vendor, product, id]);
    fields.set("event.action", unescape(name));
    fields.set("rule.name", unescape(name));
    fields.set("event.severity", severity);
    let pairs = cef_pairs(extension);
    let mut offers = Offers::default();
    for (key, value) in &pairs {
        match key.strip_suffix("Label") {
            // `cs1Label=Policy cs1=x` means `Policy=x`.
            Some(labelled) => {
                let named = pairs.iter().find(|(other, _)| *other == labelled);
                if let Some((_, text)) = named {
                    offers.offer(&format!("custom {value}"), text);
                }
            }
            None if *key == "act" => fields.set("event.action", value.trim_matches('"')),
            None => offers.offer(key, value),
        }
    }
    offers.fill(fields);
    true
}

fn device(fields: &mut Fields, [vendor, product, code]: [&str; 3]) {
    fields.set("observer.vendor", unescape(vendor));
    fields.set("observer.product", unescape(product));
    fields.set("event.code", unescape(code));
}

/// Splits at bars that no backslash escapes, into at most `limit` columns.
fn bars(text: &str, limit: usize) -> Vec<&str> {
    let mut columns = Vec::with_capacity(limit);
    let (mut start, mut escaped) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'|' && !escaped && columns.len() + 1 < limit {
            columns.push(&text[start..at]);
            start = at + 1;
        }
        escaped = byte == b'\\' && !escaped;
    }
    columns.push(&text[start..]);
    columns
}

fn cef_pairs(extension: &str) -> Vec<(&str, Cow<'_, str>)> {
    let keys: Vec<_> = CEF_KEY
        .captures_iter(extension)
        .filter_map(|found| Some((found.get(1)?, found.get(0)?.end())))
        .take(MAX_PAIRS)
        .collect();
    let mut pairs = Vec::with_capacity(keys.len());
    for (index, (key, start)) in keys.iter().enumerate() {
        let end = keys.get(index + 1).map_or(extension.len(), |(next, _)| next.start());
        pairs.push((key.as_str(), unescape(extension[*start..end.max(*start)].trim())));
    }
    pairs
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let plain = text.replace("\\=", "=").replace("\\|", "|").replace("\\\\", "\\");
    Cow::Owned(plain)
}

fn leef(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(start) = line.message.find("LEEF:") else {
        return false;
    };
    let text = &line.message[start..];
    let newer = text.starts_with("LEEF:2");
    let columns = bars(text, if newer { 7 } else { 6 });
    let (Some(vendor), Some(product), Some(code), Some(rest)) =
        (columns.get(1), columns.get(2), columns.get(4), columns.get(5))
    else {
        return false;
    };
    device(fields, [vendor, product, code]);
    fields.set("event.action", *code);
    // Version 2 may name its delimiter in a column of its own; version 1 uses tabs.
    let (delimiter, attributes) = match columns.get(6) {
        Some(attributes) => (delimiter(rest), *attributes),
        None => ('\t', *rest),
    };
    let attributes = attributes.replace("#011", "\t");
    let mut offers = Offers::default();
    for pair in attributes.split(delimiter).take(MAX_PAIRS) {
        if let Some((key, value)) = pair.split_once('=') {
            offers.offer(key.trim(), value);
        }
    }
    offers.fill(fields);
    true
}

fn delimiter(column: &str) -> char {
    let hex = column.strip_prefix("0x").or_else(|| column.strip_prefix('x'));
    let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    code.or_else(|| column.chars().next()).unwrap_or('\t')
}
