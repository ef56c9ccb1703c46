//! Files of the state folder that are deleted or cut short while the appliance is down: it starts again by
//! itself, says what was lost, and loses nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::appliance::{Appliance, PLAIN};
use crate::lines::harmless;

/// Lines that come in each life.
const LINES: usize = 20;

/// Follows an empty journal that has one entry.
const JOURNAL: &str = "\
#!/bin/sh
case \"$*\" in *--version*) exit 0 ;; *--after-cursor*) ;; *) echo '{\"__CURSOR\":\"s=1;i=1\",\"MESSAGE\":\"x\"}' ;; esac
exec sleep 1000
";

#[derive(Clone, Copy, Debug)]
enum Damage {
    Deleted,
    Emptied,
    Halved,
}

impl Damage {
    const ALL: [Self; 3] = [Self::Deleted, Self::Emptied, Self::Halved];

    fn inflict(self, path: &Path) {
        match self {
            Self::Deleted => fs::remove_file(path).expect("it is there"),
            Self::Emptied => cut(path, 0),
            Self::Halved => cut(path, fs::metadata(path).expect("it is there").len() / 2),
        }
    }
}

fn cut(path: &Path, length: u64) {
    let file = fs::File::options().write(true).open(path).expect("it is there");
    file.set_len(length).expect("it is a file");
}

/// How often each file is damaged in each way; `VEDETTE_DAMAGES` asks for more.
fn rounds() -> usize {
    std::env::var("VEDETTE_DAMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The files of a folder, further down too; no sockets.
fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("it is there");
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.insert(entry.path());
        }
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a plain name")
}

/// Whether log lines, or what is known of them, lie in it.
fn is_store(path: &Path) -> bool {
    let in_segments = path.components().any(|part| part.as_os_str() == "segments");
    in_segments || (name(path).starts_with("store.") && name(path) != "store.lock")
}

/// Whether losing it loses something that the log has to name.
fn is_told(path: &Path, damage: Damage) -> bool {
    match name(path) {
        "device.key" | "console.pem" => true,
        "claim.json" | "journal.cursor" => !matches!(damage, Damage::Deleted),
        "runbooks.jsonl" => matches!(damage, Damage::Halved),
        _ => false,
    }
}

/// An appliance with everything that can lie in its state folder.
fn furnished() -> Appliance {
    let mut appliance = Appliance::prepare("");
    let journal = appliance.folder().join("journalctl");
    fs::write(&journal, JOURNAL).expect("it is written");
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o755)).expect("it is ours");
    appliance
        .configure(&format!("{PLAIN}[ingest.journal]\nenabled = true\nprogram = {journal:?}\n"));
    let runbooks = appliance.folder().join("runbooks.jsonl");
    let row = "{\"id\": \"own\", \"title\": \"Ours\", \"technique_ids\": [], \"text\": \"Telephone the night watch.\"}\n";
    fs::write(&runbooks, row).expect("it is written");
    appliance.launch();
    appliance.wait_stored(1);
    appliance.stop();
    appliance.ask(&["kb", "import", &runbooks.display().to_string()]);
    let models = appliance.state().join("models");
    fs::create_dir_all(models.join("base")).expect("a folder");
    fs::write(models.join("active.json"), "{\"active\": \"base\"}").expect("it is written");
    fs::write(models.join("base/manifest.json"), "{\"file\": \"m.gguf\"}").expect("it is written");
    fs::write(models.join("base/m.gguf"), "GGUF and more").expect("it is written");
    appliance
}

/// One life with new lines, a damage, and the next start; how long that took.
fn check(appliance: &mut Appliance, path: &Path, damage: Damage) -> Duration {
    let file = name(path).to_owned();
    let before = appliance.export();
    let log = appliance.log_text().len();
    damage.inflict(path);
    let begin = Instant::now();
    appliance.launch();
    let took = begin.elapsed();
    let told = appliance.log_text().get(log..).unwrap_or_default().to_owned();
    if is_told(path, damage) {
        assert!(told.contains(&file), "{file} {damage:?}: not in the log:\n{told}");
    }
    assert!(!told.contains("panicked"), "{file} {damage:?}: {told}");
    if !is_store(path) {
        assert!(appliance.export().starts_with(&before), "{file} {damage:?} took lines with it");
    }
    let lines: Vec<String> = (0..LINES).map(harmless).collect();
    appliance.send_tcp(lines.iter().map(String::as_bytes));
    let status = appliance.wait_until("the lines", |status| {
        status["ingest"]["stored"].as_u64() >= Some(LINES as u64)
    });
    assert_eq!(status["ingest"]["received"], status["ingest"]["stored"], "{file} {damage:?}");
    took
}

#[test]
fn each_damaged_file_is_told_and_takes_nothing_with_it() {
    let mut appliance = furnished();
    let mut names = BTreeSet::new();
    let (mut starts, mut longest) = (0, Duration::ZERO);
    for round in 0..rounds() {
        let mut found = BTreeSet::new();
        files(&appliance.state(), &mut found);
        found.retain(|path| !path.to_string_lossy().contains("damaged"));
        for path in &found {
            for damage in Damage::ALL {
                if !path.exists() {
                    // A deleted one that need not come back.
                    continue;
                }
                longest = longest.max(check(&mut appliance, path, damage));
                starts += 1;
                names.insert(name(path).to_owned());
                // Half of the times without a chance to tidy up.
                if (starts + round) % 2 == 0 { appliance.kill() } else { appliance.stop() }
            }
        }
    }
    println!("{starts} starts after damage to {names:?}, the longest {longest:?}");
    for name in ["device.key", "console.pem", "claim.json", "journal.cursor", "runbooks.jsonl"] {
        assert!(names.contains(name), "{name} was not damaged");
    }
}
