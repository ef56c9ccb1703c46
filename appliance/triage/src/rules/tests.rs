use super::*;

#[test]
fn every_row_of_the_table_is_sound() {
    for (group, name, _) in RULES.iter() {
        assert!(!name.is_empty());
        let parsed = scored(group.techniques, 1.0).len();
        assert_eq!(parsed, group.techniques.len(), "{name}: a technique id is wrong");
        let harmless = group.strength == Strength::Harmless;
        assert_eq!(harmless, group.class == ThreatClass::Benign, "{name}");
    }
}
