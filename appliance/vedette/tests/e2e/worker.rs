//! The language model's process may die, be absent or be damaged: the appliance goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::appliance::{Appliance, PLAIN, signal};
use crate::lines::guessing;

/// The state folder with the pulled base model, or why there is none.
fn pulled() -> Result<PathBuf, String> {
    let named = std::env::var_os("VEDETTE_TEST_MODEL").map(PathBuf::from);
    let default = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-state");
    let base = named.unwrap_or(default).join("models").join("base");
    if base.join("manifest.json").is_file() {
        return Ok(base);
    }
    Err(format!(
        "no model in {}: VEDETTE_STATE=target/test-state vedette model pull",
        base.display()
    ))
}

fn model(status: &Value) -> (&str, &str) {
    let text = |key: &str| status["model"][key].as_str().unwrap_or_default();
    (text("state"), text("detail"))
}

/// Processes of a program that a process started.
fn children(parent: u32, program: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux has one").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |id: &u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        field("PPid:") == Some(&parent.to_string()) && field("Name:") == Some(program)
    };
    ids.filter(is_child).collect()
}

/// Sends an attack and waits until it has become an incident; says who decided its lines.
fn attack(appliance: &Appliance) {
    let lines = guessing("203.0.113.77", 1);
    appliance.send_tcp(lines.iter().map(String::as_bytes));
    appliance.wait_stored(lines.len() as u64);
    appliance.wait_triaged();
    appliance.wait_until("an incident", |status| status["open_incidents"] != 0);
}

#[test]
fn a_killed_worker_comes_back() {
    let base = match pulled() {
        Ok(base) => base,
        Err(why) => return println!("skipped: a_killed_worker_comes_back: {why}"),
    };
    let mut appliance = Appliance::prepare(PLAIN);
    let models = appliance.state().join("models");
    fs::create_dir_all(&models).expect("a folder");
    symlink(base, models.join("base")).expect("a link");
    appliance.launch();
    appliance.wait_until("the model", |status| model(status).0 == "up");
    let workers = children(appliance.pid(), "vedette-worker");
    assert_eq!(workers.len(), 1, "{workers:?}");
    signal("KILL", workers[0]);
    attack(&appliance);
    let status = appliance.wait_until("the model again", |status| {
        model(status).0 == "up" && status["model"]["restarts"] == 1
    });
    assert!(status["model"]["bundle"].is_string(), "{status:#}");
    let again = children(appliance.pid(), "vedette-worker");
    assert_eq!(again.len(), 1, "{again:?}");
    assert_ne!(workers, again);
    appliance.stop();
    assert!(!Path::new(&format!("/proc/{}", again[0])).exists(), "the worker outlives us");
}

#[test]
fn another_bundle_is_built_activated_and_taken_back() {
    let base = match pulled() {
        Ok(base) => base,
        Err(why) => return println!("skipped: another_bundle: {why}"),
    };
    let mut appliance = Appliance::prepare(PLAIN);
    let models = appliance.state().join("models");
    fs::create_dir_all(&models).expect("a folder");
    symlink(base, models.join("base")).expect("a link");
    let complaint = appliance.fail(&["model", "rollback"]);
    assert!(complaint.contains("the only bundle so far"), "{complaint}");
    appliance.ask(&["model", "build", "--name", "eight"]);
    let complaint = appliance.fail(&["model", "build", "--name", "eight"]);
    assert!(complaint.contains("there is a bundle \"eight\" already"), "{complaint}");
    appliance.launch();
    let bundle = |status: &Value| status["model"]["bundle"].as_str().unwrap_or_default().to_owned();
    let first = bundle(&appliance.wait_until("the model", |status| model(status).0 == "up"));
    attack(&appliance);

    let told = String::from_utf8(appliance.ask(&["model", "activate", "eight"])).expect("text");
    assert!(told.contains("base and eight judge") && told.contains("eight answers"), "{told}");
    let is_other = |status: &Value| model(status).0 == "up" && bundle(status) != first;
    let second = bundle(&appliance.wait_until("the other model", is_other));
    let manifest = fs::read(models.join("eight/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let hash = manifest["sha256"].as_str().expect("a hash");
    assert!(second.ends_with(&hash[..8]), "{second} is not {hash}");

    // A bundle that cannot answer is not activated.
    let broken = models.join("broken");
    fs::create_dir(&broken).expect("a folder");
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let manifest = json!({"file": "m.gguf", "sha256": sha256, "bytes": 5, "source": "test"});
    fs::write(broken.join("manifest.json"), manifest.to_string()).expect("a manifest");
    fs::write(broken.join("m.gguf"), "hello").expect("a file");
    let complaint = appliance.fail(&["model", "activate", "broken"]);
    assert!(complaint.contains("bundle broken"), "{complaint}");
    assert_eq!(bundle(&appliance.status()), second);

    appliance.ask(&["model", "rollback"]);
    appliance.wait_until("the first model", |status| bundle(status) == first);
    appliance.stop();
}

#[test]
fn several_adapters_answer_together_and_tell_what_they_are() {
    let base = match pulled() {
        Ok(base) => base,
        Err(why) => return println!("skipped: several_adapters: {why}"),
    };
    let appliance = Appliance::prepare(PLAIN);
    let models = appliance.state().join("models");
    fs::create_dir_all(&models).expect("a folder");
    symlink(base, models.join("base")).expect("a link");
    let tuned = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/tuned");
    let copies = ["alike", "headless", "foreign"].map(|name| {
        let copy = appliance.folder().join(name);
        fs::create_dir(&copy).expect("a folder");
        for file in ["adapter_config.json", "adapter_model.safetensors", "heads.safetensors"] {
            fs::copy(tuned.join(file), copy.join(file)).expect("a copy");
        }
        copy
    });
    fs::remove_file(copies[1].join("heads.safetensors")).expect("it was there");
    fs::write(copies[2].join("base.sha256"), "0".repeat(64)).expect("a hash");
    let report = appliance.folder().join("report.json");
    let figures = json!({"strong": {"auc": 0.75, "kappa": null}});
    let judges = json!([{"judge": "model", "figures": figures}]);
    let slices = json!([{"lines": 9, "groups": 3, "judges": judges}]);
    fs::write(&report, json!({"slices": slices}).to_string()).expect("a report");

    let [tuned, alike, headless, foreign, report] =
        [&tuned, &copies[0], &copies[1], &copies[2], &report].map(|path| path.to_str().unwrap());
    let build = ["model", "build", "--name", "pair", "--adapter", tuned, "--adapter"];
    for (more, complaint) in [
        (vec![alike, "--adapter", headless], "has no heads.safetensors"),
        (vec![foreign], "is of another base"),
        (vec![alike, "--metrics", tuned], "cannot read what is told in"),
    ] {
        let told = appliance.fail(&[&build[..], &more].concat());
        assert!(told.contains(complaint), "{told}");
    }
    assert!(!models.join("pair").exists(), "nothing half-built stays");
    appliance.ask(&[&build[..], &[alike, "--metrics", report]].concat());
    appliance.ask(&["model", "activate", "pair"]);
    let told: Value = serde_json::from_slice(&appliance.ask(&["model", "inspect"])).expect("JSON");
    assert_eq!((&told["bundle"], &told["built"]["ensemble"]), (&json!("pair"), &json!(true)));
    assert_eq!(told["built"]["adapters"][1]["name"], "alike");
    let card = &told["card"];
    assert_eq!((&card["base_licence"], &card["prior"]), (&json!("Apache-2.0"), &json!(0.5)));
    assert!(card["training_data"].as_array().is_some_and(|data| data.len() > 2), "{card}");
    assert_eq!(card["metrics"]["judges"]["model"], json!({"strong.auc": 0.75}));

    // Another member beside the same base is another bundle, and a damaged one is none.
    let line = appliance.folder().join("line");
    fs::write(&line, "Failed password for root from 203.0.113.7 port 51514 ssh2\n")
        .expect("a line");
    let triage = ["triage", "--engine", "model", line.to_str().unwrap()];
    let said: Value = serde_json::from_slice(&appliance.ask(&triage)).expect("JSON");
    assert!(said["bundle"].as_str().is_some_and(|name| name.contains("pair:")), "{said}");
    let together = models.join("pair/ensemble.safetensors");
    let mut bytes = fs::read(&together).expect("a file");
    *bytes.last_mut().expect("it is long") ^= 1;
    fs::write(&together, bytes).expect("it is ours");
    let complaint = appliance.fail(&triage);
    assert!(complaint.contains("damaged"), "{complaint}");
}

/// How the model's folder is damaged, the state that follows, and what the status tells.
type Damage = (&'static str, fn(&Path), &'static str, &'static str);

fn no_bundle(_: &Path) {}

/// A file of the right size whose content is not what the manifest says.
fn wrong_content(base: &Path) {
    let manifest = json!({
        "file": "m.gguf",
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "bytes": 5,
        "source": "test",
    });
    fs::create_dir_all(base).expect("a folder");
    fs::write(base.join("m.gguf"), "jello").expect("a file");
    fs::write(base.join("manifest.json"), manifest.to_string()).expect("a manifest");
}

/// A download that broke off.
fn half_a_file(base: &Path) {
    wrong_content(base);
    fs::write(base.join("m.gguf"), "jel").expect("a file");
}

fn unreadable_manifest(base: &Path) {
    wrong_content(base);
    fs::write(base.join("manifest.json"), b"\xff{").expect("a manifest");
}

const DAMAGES: &[Damage] = &[
    ("no bundle", no_bundle, "missing", "no language model in"),
    ("wrong content", wrong_content, "down", "is damaged"),
    ("half a file", half_a_file, "missing", "is damaged"),
    ("unreadable manifest", unreadable_manifest, "missing", "is damaged"),
];

#[test]
fn without_a_usable_model_screen_and_rules_answer() {
    for (name, damage, state, told) in DAMAGES {
        let mut appliance = Appliance::prepare(PLAIN);
        damage(&appliance.state().join("models").join("base"));
        appliance.launch();
        attack(&appliance);
        let status = appliance.wait_until(name, |status| model(status).0 == *state);
        let detail = model(&status).1;
        assert!(detail.contains(told) && detail.contains("vedette model pull"), "{name}: {detail}");
        let reasons = status["reasons"].to_string();
        assert!(!reasons.contains("model"), "{name}: the model made it unhealthy: {reasons}");
        assert_eq!(status["model"]["answered"], 0, "{name}");
        let log = appliance.log_text();
        let told = log.lines().filter(|line| line.contains("no language model: "));
        assert_eq!(told.count(), 1, "{name}: {log}");
        let alone = appliance.run_on(&["triage", "--engine", "model"], b"a line\n");
        assert_eq!(alone.status.code(), Some(1), "{name}");
        let error = String::from_utf8_lossy(&alone.stderr);
        assert!(error.contains("vedette model pull"), "{name}: {error}");
        appliance.stop();
    }
}
