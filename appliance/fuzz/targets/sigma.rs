//! Any text is a Sigma rule that judges, or is refused with a reason.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette_triage::Sigma;

fuzz_target!(|text: &str| {
    let (sigma, refused) = Sigma::read([("rule.yml".to_owned(), text.to_owned())]);
    assert_eq!(sigma.titles().count(), sigma.len(), "each has a title");
    assert!(refused.iter().all(|refused| refused.file == "rule.yml"), "the file is named");
});
