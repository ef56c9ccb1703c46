use super::*;

#[test]
fn every_row_of_the_table_is_sound() {
    for (group, name) in &TABLE.rows {
        assert!(!name.is_empty());
        let parsed = scored(group.techniques, 1.0).len();
        assert_eq!(parsed, group.techniques.len(), "{name}: a technique id is wrong");
        let harmless = group.strength == Strength::Harmless;
        assert_eq!(harmless, group.class == ThreatClass::Benign, "{name}");
    }
}

/// Alternatives that are searched in every line: each costs time on each line, so there are few.
#[test]
fn nearly_every_alternative_needs_a_literal() {
    let unfiltered: Vec<&str> =
        TABLE.filter.candidates(b"").map(|part| TABLE.parts[part].1.as_str()).collect();
    assert!(unfiltered.len() <= 24, "{unfiltered:#?}");
}
