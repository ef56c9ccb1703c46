use super::*;

#[test]
fn every_line_of_the_table_is_sound() {
    let table = Table::read(TEXTS).map_err(|(line, wrong)| format!("{line}: {wrong}"));
    let table = table.unwrap_or_else(|wrong| panic!("{wrong}"));
    for meaning in table.meanings() {
        assert!(!meaning.name.is_empty());
        let harmless = meaning.strength == Strength::Harmless;
        assert_eq!(harmless, meaning.class == ThreatClass::Benign, "{}", meaning.name);
        assert!(!harmless || meaning.techniques.is_empty(), "{}", meaning.name);
    }
}
