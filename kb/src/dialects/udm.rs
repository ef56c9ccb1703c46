//! The Unified Data Model of Google SecOps: which paths there are and what they name.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::{lines, rows};

/// What a UDM path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdmType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// One of these.
    Enumeration(&'static [String]),
    /// A message or a map with fields of its own.
    Message,
    /// Time, bytes and whatever else.
    Other,
}

/// What a UDM path such as `principal.process.file.md5` names, or `None` where it names nothing.
pub fn udm_type(path: &str) -> Option<UdmType> {
    let mut owner = "event";
    let mut kind = owner;
    for part in path.split('.') {
        if matches!(owner, "additional" | "google.protobuf.struct") {
            return Some(UdmType::Other);
        }
        kind = udm_fields().get(&(owner, part)).copied()?;
        owner = kind.trim_start_matches('@').trim_start_matches("enum:");
    }
    let bare = kind.trim_start_matches('@').trim_start_matches("enum:");
    Some(match bare {
        "string" => UdmType::Text,
        "int32" | "int64" | "uint32" | "uint64" | "float" | "double" => UdmType::Number,
        "bool" => UdmType::Bool,
        _ => match udm_enumerations().get(bare) {
            Some(values) => UdmType::Enumeration(values),
            None if udm_owners().contains(bare) => UdmType::Message,
            None => UdmType::Other,
        },
    })
}

fn udm_fields() -> &'static HashMap<(&'static str, &'static str), &'static str> {
    static ALL: OnceLock<HashMap<(&'static str, &'static str), &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../../dialects/yara-l/udm.tsv"))
            .map(|[owner, field, kind]| ((owner, field), kind))
            .collect()
    })
}

fn udm_owners() -> &'static HashSet<&'static str> {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| udm_fields().keys().map(|(owner, _)| *owner).collect())
}

fn udm_enumerations() -> &'static HashMap<&'static str, Vec<String>> {
    static ALL: OnceLock<HashMap<&'static str, Vec<String>>> = OnceLock::new();
    ALL.get_or_init(|| {
        lines(include_str!("../../dialects/yara-l/enums.tsv"))
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, values)| (name, values.split(',').map(str::to_owned).collect()))
            .collect()
    })
}
