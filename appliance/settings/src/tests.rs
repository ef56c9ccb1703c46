use std::fs;
use std::path::Path;

use crate::{Settings, SettingsError, load, reference};

/// A configuration with fragments beside it.
fn folder(main: &str, fragments: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vedette.toml"), main).unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    for (name, text) in fragments {
        fs::write(folder.path().join("conf.d").join(name), text).unwrap();
    }
    folder
}

fn message(main: &str) -> String {
    let folder = folder(main, &[]);
    load(&folder.path().join("vedette.toml")).unwrap_err().to_string()
}

#[test]
fn mistakes_name_the_key_the_line_and_the_mend() {
    for (text, parts) in [
        (
            "[ingest.udp]\nlisten = []\nlissten = []\n",
            &["`ingest.udp.lissten`", "line 3", "`ingest.udp.listen`"][..],
        ),
        ("[retentoin]\ndays = 3\n", &["`retentoin`", "line 1", "`retention`"]),
        ("[console]\n\nlisten = 7\n", &["line 3"]),
        ("[model]\ndevice = \"gpu\"\n", &["line 2", "cuda"]),
        ("[retention]\ndays = \"many\"\n", &["line 2"]),
        ("nonsense\n", &["line 1"]),
        (
            "[[tickets]]\nkind = \"webhook\"\nurl = \"https://x\"\nsecret-file = \"s\"\nsecret = \"inline\"\n",
            &["`tickets.secret`", "line 5"],
        ),
        ("[[tickets]]\nkind = \"carrier-pigeon\"\n", &["line 2", "request-tracker"]),
    ] {
        let message = message(text);
        for part in parts {
            assert!(message.contains(part), "{part:?} in {message:?}");
        }
    }
}

#[test]
fn fragments_merge_in_name_order_and_origins_tell_who_set_what() {
    let folder = folder(
        "[retention]\ndays = 10\nmax-bytes = 1000\n",
        &[
            ("20-b.toml", "[retention]\ndays = 30\n"),
            ("10-a.toml", "[retention]\ndays = 20\n"),
            ("notes.txt", "x"),
        ],
    );
    let loaded = load(&folder.path().join("vedette.toml")).unwrap();
    assert_eq!((loaded.settings.retention.days, loaded.settings.retention.max_bytes), (30, 1000));
    let origin = |key: &str| {
        let origin = &loaded.origins[key];
        (origin.file.file_name().unwrap().to_str().unwrap().to_owned(), origin.line)
    };
    assert_eq!(origin("retention.days"), ("20-b.toml".to_owned(), 2));
    assert_eq!(origin("retention.max-bytes"), ("vedette.toml".to_owned(), 3));
}

#[test]
fn a_missing_file_is_told_as_such() {
    let error = load(Path::new("/nowhere/vedette.toml")).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable { .. }), "{error}");
}

#[test]
fn every_key_of_the_reference_is_documented_and_can_be_set() {
    let keys = crate::keys::known();
    for expected in [
        "paths.state",
        "ingest.allow",
        "ingest.udp.listen",
        "console.listen",
        "model.device",
        "retention.max-bytes",
        "tickets[].kind",
        "tickets[].url",
        "triage.scanners",
    ] {
        assert!(keys.iter().any(|key| key.path == expected), "{expected} is missing");
    }
    for key in &keys {
        let documented = !key.text.is_empty() || key.path == "tickets[].kind";
        assert!(documented, "{} has no documentation", key.path);
    }
    assert!(reference().contains("| `listen` |"));
}

#[test]
fn the_shipped_sample_is_good() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../image/vedette.toml");
    load(&sample).unwrap();
}

#[test]
fn nothing_configured_is_the_embedded_default() {
    let folder = folder("", &[]);
    let loaded = load(&folder.path().join("vedette.toml")).unwrap();
    let listen = &loaded.settings.ingest.udp.listen;
    assert_eq!(*listen, Settings::default().ingest.udp.listen);
    assert!(loaded.origins.is_empty());
}
