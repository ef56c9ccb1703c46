//! What each command promises: its rows, its order, its exit code.

use std::fs;

use serde_json::{Value, json};

use crate::appliance::{Appliance, NO_MODEL, PLAIN, json_lines, run_on, vedette};
use crate::lines::{guessing, harmless};

const ATTACKER: &str = "203.0.113.50";

/// An appliance without a model that has never run.
fn idle() -> Appliance {
    Appliance::prepare(&format!("{PLAIN}{NO_MODEL}"))
}

/// Runs a command with an input; its exit code, what it printed and what it complained of.
fn run(appliance: &Appliance, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = appliance.run_on(arguments, input.as_bytes());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The same for `query`, which needs no configuration.
fn query(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run_on(vedette().arg("query").args(arguments), input.as_bytes());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn triage_answers_each_row_in_its_place() {
    let failed = "Failed password for root from 203.0.113.7 port 4 ssh2";
    let rows = json!({"id": {"any": ["thing"]}, "raw": failed, "more": 1});
    let several = json!({"id": null, "raw": format!("{failed}\n{failed}")});
    let jsonl = format!("{rows}\nno JSON\n\n{{\"id\": 4}}\n{several}\n");
    // Options, input, exit code, and the id of each answer or of each error.
    type Answers = &'static [Result<&'static str, &'static str>];
    let cases: &[(&[&str], &str, i32, Answers)] = &[
        (&[], &jsonl, 1, &[Ok(r#"{"any":["thing"]}"#), Err("2"), Err("4"), Ok("null")]),
        (&["--format", "jsonl"], "{\"id\": 1}\n", 1, &[Err("1")]),
        (&["--format", "text"], &jsonl, 0, &[Ok("1"), Ok("2"), Ok("4"), Ok("5")]),
        (&[], "plain\n\nwords\n{\"id\": 9, \"raw\": \"x\"}\n", 0, &[Ok("1"), Ok("3"), Ok("4")]),
        (&[], "\n\n{\"id\": 9, \"raw\": \"x\"}\n", 0, &[Ok("9")]),
        (&[], "{\"raw\": 5}\n", 0, &[Ok("1")]),
        (&["--engine", "rules"], failed, 0, &[Ok("1")]),
        (&["--engine", "screen"], failed, 0, &[Ok("1")]),
        (&["--engine", "ensemble"], failed, 0, &[Ok("1")]),
        (&["--engine", "model"], failed, 1, &[]),
        (&[], "", 0, &[]),
    ];
    let appliance = idle();
    for (options, input, code, expected) in cases {
        let arguments = [&["triage"], *options].concat();
        let (ended, printed, complaint) = run(&appliance, &arguments, input);
        assert_eq!(ended, Some(*code), "{options:?} {input:?}: {complaint}");
        let answers = json_lines(printed.as_bytes());
        let ids: Vec<(String, bool)> = answers
            .iter()
            .map(|answer| (answer["id"].to_string(), answer["error"].is_null()))
            .collect();
        let wanted: Vec<(String, bool)> = expected
            .iter()
            .map(|id| id.map_or_else(|id| (id.to_owned(), false), |id| (id.to_owned(), true)))
            .collect();
        assert_eq!(ids, wanted, "{options:?} {input:?}");
        for answer in answers.iter().filter(|answer| answer["error"].is_null()) {
            check_answer(answer);
        }
    }
    let (_, _, complaint) = run(&appliance, &["triage", "--engine", "model"], failed);
    assert!(complaint.contains("vedette model pull"), "{complaint}");
}

fn check_answer(answer: &Value) {
    assert!(
        ["benign", "suspicious", "malicious"]
            .contains(&answer["verdict"].as_str().unwrap_or_default())
    );
    assert!(answer["score"].as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)), "{answer}");
    for (key, is_right) in [
        ("threat_class", answer["threat_class"].is_string()),
        ("severity", answer["severity"].is_string()),
        ("techniques", answer["techniques"].is_array()),
        ("abstained", answer["abstained"].is_boolean()),
        ("decided_by", answer["decided_by"].is_string()),
        ("template", answer["template"].is_string()),
        ("evidence", answer["evidence"].is_array()),
        ("flags", answer["flags"].is_array()),
    ] {
        assert!(is_right, "{key} of {answer}");
    }
}

#[test]
fn the_order_of_the_input_changes_no_answer() {
    let mut rows: Vec<String> = guessing(ATTACKER, 1)
        .into_iter()
        .chain((0..40).map(harmless))
        .chain(["GET /../../etc/passwd HTTP/1.1".to_owned(), "ok".to_owned()])
        .enumerate()
        .map(|(id, raw)| json!({"id": id, "raw": raw}).to_string())
        .collect();
    let appliance = idle();
    let answer = |rows: &[String]| -> Vec<Value> {
        let (code, printed, complaint) = run(&appliance, &["triage"], &rows.join("\n"));
        assert_eq!(code, Some(0), "{complaint}");
        json_lines(printed.as_bytes())
    };
    let forth = answer(&rows);
    rows.reverse();
    let mut back = answer(&rows);
    back.reverse();
    assert_eq!(forth, back);
    let alone: Vec<Value> =
        rows.iter().rev().take(3).flat_map(|row| answer(std::slice::from_ref(row))).collect();
    assert_eq!(alone, forth[..3]);
}

#[test]
fn query_writes_every_dialect_and_says_what_one_cannot_say() {
    for (language, intent, fragment) in [
        ("aql", "failed logins from 203.0.113.7 in the last 2 hours", Some("LAST 2 HOURS")),
        ("yara-l", "failed logins from 203.0.113.7", Some("203.0.113.7")),
        ("local", "failed logins from 203.0.113.7", Some("source.ip = 203.0.113.7")),
        ("kql", "failed logins from 203.0.113.7", Some("== 203.0.113.7")),
        ("spl", "failed logins from 203.0.113.7", Some("src=203.0.113.7")),
        ("sigma", "ids alerts", None),
    ] {
        let (code, printed, complaint) = query(&["--language", language, "--intent", intent], "");
        match fragment {
            Some(fragment) => {
                assert_eq!(code, Some(0), "{language}: {complaint}");
                assert!(printed.replace('"', "").contains(fragment), "{language}: {printed}");
            }
            None => {
                assert_eq!((code, printed.as_str()), (Some(1), ""), "{language}");
                assert!(complaint.contains("not supported: "), "{language}: {complaint}");
            }
        }
    }
    let incident = json!({"threat_class": "brute_force", "entities": [{"type": "source_ip", "value": ATTACKER}],
        "first_seen": "2026-11-20T10:00:00Z", "last_seen": "2026-11-20T11:00:00Z"});
    let (code, printed, complaint) =
        query(&["--language", "aql", "--incident", "-"], &incident.to_string());
    assert_eq!(code, Some(0), "{complaint}");
    for part in [ATTACKER, "2026-11-20 09:00", "2026-11-20 12:0"] {
        assert!(printed.contains(part), "no {part} in {printed}");
    }
    let rows = [
        json!({"id": 1, "language": "aql", "intent": "failed logins"}),
        json!({"id": 2, "language": "sigma", "intent": "ids alerts"}),
        json!({"id": 3, "language": "local", "incident": incident}),
        json!({"id": 4, "language": "aql"}),
    ];
    let rows = rows.map(|row| row.to_string()).join("\n");
    let (code, printed, _) = query(&["--jsonl"], &rows);
    let answers = json_lines(printed.as_bytes());
    assert_eq!(code, Some(1), "row 4 asks for nothing");
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(
        ids,
        [1, 2, 3, 4].iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    for (answer, valid) in answers.iter().zip([true, false, true]) {
        assert_eq!(answer["valid"], valid, "{answer}");
        assert_eq!(answer["query"].is_string(), valid, "{answer}");
        assert!(answer["notes"].is_array(), "{answer}");
    }
    assert!(answers[1]["notes"].to_string().contains("not supported: "));
    assert!(answers[3]["error"].is_string());
    let good = rows.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_eq!(
        query(&["--jsonl", "-"], &good).0,
        Some(0),
        "what a dialect cannot say is no failure of a row"
    );
}

#[test]
fn resolve_ranks_runbooks_and_cites_its_steps() {
    let appliance = idle();
    let imported = json!({"id": "own-ssh", "title": "Our bastion", "technique_ids": ["T1110.001"],
        "text": "Telephone the night watch about the bastion password guessing."});
    let file = appliance.folder().join("own.jsonl");
    fs::write(&file, format!("{imported}\n")).expect("it is written");
    let file = file.display().to_string();
    assert_eq!(run(&appliance, &["kb", "import", &file], "").0, Some(0));
    assert_eq!(run(&appliance, &["kb", "lint"], "").0, Some(0));
    let (_, listed, _) = run(&appliance, &["kb", "list"], "");
    assert!(listed.lines().any(|line| line == "own-ssh\tOur bastion\timported"), "{listed}");
    assert!(listed.lines().any(|line| line.starts_with("brute_force\t")), "{listed}");

    let incident = json!({"threat_class": "brute_force", "techniques": ["T1110.001"], "title": "bastion password guessing"});
    let (code, printed, complaint) =
        run(&appliance, &["resolve", "--incident", "-"], &incident.to_string());
    assert_eq!(code, Some(0), "{complaint}");
    let answer: Value = serde_json::from_str(&printed).expect("JSON");
    check_resolution(&answer);
    assert!(answer["runbooks"].to_string().contains("own-ssh"), "{answer:#}");

    let rows = format!(
        "{}\nno JSON\n{}\n",
        json!({"id": "a", "incident": incident}),
        json!({"id": 2, "incident": {"threat_class": "phishing"}})
    );
    let (code, printed, _) = run(&appliance, &["resolve", "--jsonl", "-"], &rows);
    assert_eq!(code, Some(1));
    let answers = json_lines(printed.as_bytes());
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!("a"), &json!(2), &json!(2)]);
    check_resolution(&answers[0]);
    assert!(answers[1]["error"].is_string());
    check_resolution(&answers[2]);

    fs::write(appliance.folder().join("bad.jsonl"), "{\"id\": \"x\"}\n").expect("it is written");
    let bad = appliance.folder().join("bad.jsonl").display().to_string();
    let (code, _, complaint) = run(&appliance, &["kb", "import", &bad], "");
    assert_eq!(code, Some(1));
    assert!(complaint.contains("line 1"), "{complaint}");
}

fn check_resolution(answer: &Value) {
    assert!(answer["resolution_code"].is_string(), "{answer:#}");
    let runbooks = answer["runbooks"].as_array().expect("a list");
    let scores: Vec<f64> =
        runbooks.iter().filter_map(|runbook| runbook["score"].as_f64()).collect();
    assert!(!scores.is_empty() && scores.is_sorted_by(|left, right| left >= right), "{scores:?}");
    let steps = answer["steps"].as_array().expect("a list");
    assert!(!steps.is_empty(), "{answer:#}");
    let cited = |step: &Value| {
        let source = step["source"].as_str().unwrap_or_default();
        runbooks
            .iter()
            .filter_map(|runbook| runbook["id"].as_str())
            .any(|id| source.starts_with(id))
    };
    assert!(steps.iter().all(cited), "a step without a source: {steps:#?}");
}

#[test]
fn attack_facts_come_from_a_newer_bundle() {
    let technique = json!({"type": "attack-pattern", "id": "attack-pattern--1", "name": "Newest way",
        "external_references": [{"source_name": "mitre-attack", "external_id": "T9001"}],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "impact"}]});
    let version = json!({"type": "x-mitre-collection", "id": "c", "x_mitre_version": "19.1"});
    let bundle = json!({"type": "bundle", "id": "b", "objects": [technique, version]});
    let appliance = idle();
    let file = appliance.folder().join("bundle.json");
    let path = file.display().to_string();
    let listed = || run(&appliance, &["kb", "list"], "").1;
    assert!(listed().contains("ATT&CK Enterprise 18.1"), "{}", listed());

    for damaged in ["", "{}", "no JSON", "{\"type\": \"bundle\", \"objects\": []}"] {
        fs::write(&file, damaged).expect("it is written");
        let (code, _, complaint) = run(&appliance, &["kb", "import-attack", &path], "");
        assert_eq!(code, Some(1), "{damaged}");
        assert!(
            complaint.contains("enterprise") || complaint.contains("Enterprise"),
            "{complaint}"
        );
    }
    fs::write(&file, bundle.to_string()).expect("it is written");
    let (code, printed, complaint) = run(&appliance, &["kb", "import-attack", &path], "");
    assert_eq!(code, Some(0), "{complaint}");
    assert!(printed.contains("19.1") && printed.contains("sha256"), "{printed}");
    let listed = listed();
    assert!(listed.contains("ATT&CK Enterprise 19.1, 1 techniques\tsha256 "), "{listed}");
}

const OWN_RULE: &str = "\
title: Payroll program asks for a shell\n\
logsource: {product: windows, category: process_creation}\n\
detection:\n  selection:\n    ParentImage|endswith: '\\payroll.exe'\n    Image|endswith: '\\cmd.exe'\n  condition: selection\n\
level: high\ntags: [attack.execution, attack.t1059.003]\n";

#[test]
fn a_rule_dropped_in_names_itself_in_the_verdict() {
    let event = json!({"Event": {
        "System": {"Provider": {"Name": "Microsoft-Windows-Sysmon"}, "EventID": 1,
            "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "pc7"},
        "EventData": {"Image": "C:\\Windows\\System32\\cmd.exe", "CommandLine": "cmd.exe",
            "ParentImage": "C:\\Programs\\payroll.exe", "User": "CORP\\ann"}}});
    let row = json!({"id": 1, "raw": event.to_string()}).to_string();
    let appliance = idle();
    let verdict = || {
        let (code, printed, complaint) = run(&appliance, &["triage"], &row);
        assert_eq!(code, Some(0), "{complaint}");
        (json_lines(printed.as_bytes()).remove(0), complaint)
    };
    let names = |verdict: &Value| verdict["rules"].to_string();
    assert!(!names(&verdict().0).contains("Payroll"));

    let folder = appliance.state().join("kb").join("sigma");
    fs::create_dir_all(folder.join("own")).expect("a folder");
    fs::write(folder.join("own").join("shell.yml"), OWN_RULE).expect("it is written");
    fs::write(folder.join("damaged.yml"), "title: [").expect("it is written");
    let (found, complaint) = verdict();
    assert!(names(&found).contains("Payroll program asks for a shell"), "{found:#}");
    assert_eq!(found["severity"], "high");
    assert_eq!(found["techniques"][0]["id"], "T1059.003");
    assert_ne!(found["verdict"], "benign");
    assert!(complaint.contains("1 Sigma files are left out"), "{complaint}");

    let (code, linted, _) = run(&appliance, &["kb", "lint"], "");
    assert_eq!(code, Some(1));
    assert!(linted.contains("sigma/damaged.yml: no YAML"), "{linted}");
    let (_, listed, _) = run(&appliance, &["kb", "list"], "");
    assert!(listed.contains("sigma\tPayroll program asks for a shell\timported"), "{listed}");

    let (code, printed, _) = run(&appliance, &["incidents", "from", "-", "--json"], &row);
    assert_eq!(code, Some(0));
    let incident = &json_lines(printed.as_bytes())[0];
    assert!(incident.to_string().contains("Payroll program asks for a shell"), "{incident:#}");
}

#[test]
fn incidents_come_out_of_a_file_with_their_members() {
    let appliance = idle();
    let mut rows = Vec::new();
    for (number, raw) in guessing(ATTACKER, 1).into_iter().enumerate() {
        let at = format!("2026-11-20T10:00:{number:02}Z");
        rows.push(
            json!({"id": format!("attack-{number}"), "raw": raw, "received_at": at}).to_string(),
        );
        let quiet =
            json!({"id": format!("quiet-{number}"), "raw": harmless(number), "received_at": at});
        rows.push(quiet.to_string());
    }
    let (code, printed, complaint) =
        run(&appliance, &["incidents", "from", "-", "--json"], &rows.join("\n"));
    assert_eq!(code, Some(0), "{complaint}");
    let incidents = json_lines(printed.as_bytes());
    let [incident] = incidents.as_slice() else { panic!("{printed}") };
    assert_eq!(incident["threat_class"], "brute_force");
    assert!(incident["first_seen"].as_str().is_some_and(|at| at.starts_with("2026-11-20T10:00:")));
    let members: Vec<&str> =
        incident["member_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(members.len() >= 20, "{members:?}");
    assert!(members.iter().all(|id| id.starts_with("attack-")), "{members:?}");
    let again = run(&appliance, &["incidents", "from", "-", "--json"], &rows.join("\n"));
    assert_eq!(again.1, printed, "the same lines, another answer");
    let (code, _, complaint) = run(&appliance, &["incidents", "from", "-"], "no JSON\n");
    assert_eq!(code, Some(1));
    assert!(complaint.contains("row 1"), "{complaint}");
}

#[test]
fn lines_without_a_year_keep_their_order_over_gaps_and_the_turn_of_a_year() {
    let appliance = idle();
    let dates = ["Nov 20", "Nov 29", "Jan  3"];
    let lines = dates.iter().zip(1..).flat_map(|(date, host)| {
        let lines = guessing(&format!("203.0.113.{host}"), 1000);
        lines.into_iter().map(move |line| {
            let line = line.replace("Nov 20", date).replace("gate", &format!("gate{host}"));
            json!({"id": 0, "raw": line}).to_string()
        })
    });
    let rows: Vec<String> = lines.collect();
    let (code, found, _) = run(&appliance, &["incidents", "from", "-", "--json"], &rows.join("\n"));
    assert_eq!(code, Some(0));
    let incidents = json_lines(found.as_bytes());
    let begun: Vec<&str> = incidents
        .iter()
        .filter_map(|incident| incident["first_seen"].as_str()?.get(..10))
        .collect();
    assert_eq!(begun, ["1970-11-20", "1970-11-29", "1971-01-03"]);
}

#[test]
fn what_is_stored_is_found_closed_kept_and_put_back() {
    let mut appliance = idle();
    appliance.launch();
    let elsewhere = guessing("198.51.100.9", 900);
    let elsewhere =
        elsewhere.iter().map(|line| line.replace("gate", "vault").replace("root", "mia"));
    let attacks: Vec<String> = guessing(ATTACKER, 1).into_iter().chain(elsewhere).collect();
    appliance.send_tcp(attacks.iter().map(String::as_bytes));
    appliance.wait_stored(attacks.len() as u64);
    appliance.wait_triaged();
    appliance.wait_until("two incidents", |status| status["open_incidents"] == 2);
    let running = appliance.status();
    assert_eq!(
        (&running["running"], &running["store"]["events"]),
        (&json!(true), &json!(attacks.len()))
    );

    let search = [
        "events",
        "search",
        "source.ip = 203.0.113.50 and event.outcome = success since 400d",
        "--json",
    ];
    let found = json_lines(&appliance.ask(&search));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("Accepted password"), "{found:?}");
    let (code, _, complaint) = run(&appliance, &["events", "search", "source.ip >"], "");
    assert_eq!(code, Some(1), "{complaint}");

    // Through the running appliance, then past a stopped one.
    close(&appliance, "INC-1", "true_positive_contained");
    appliance.stop();
    assert!(!appliance.state().join("control.sock").exists());
    close(&appliance, "2", "benign_expected");
    let stopped = appliance.status();
    for (key, value) in [
        ("running", json!(false)),
        ("open_incidents", json!(0)),
        ("version", running["version"].clone()),
    ] {
        assert_eq!(stopped[key], value, "{key}");
    }
    let (code, _, complaint) = run(&appliance, &["incidents", "show", "INC-77"], "");
    assert_eq!(code, Some(1));
    assert!(complaint.contains("INC-77"), "{complaint}");
    let (_, verified, _) = run(&appliance, &["audit", "verify"], "");
    assert!(verified.contains("none changed or missing"), "{verified}");
    assert!(!verified.starts_with("0 "), "closing leaves a trace: {verified}");
    put_back(&mut appliance);
}

fn close(appliance: &Appliance, id: &str, code: &str) {
    appliance.ask(&["incidents", "close", id, "--code", code, "--note", "by telephone"]);
    let shown = appliance.ask(&["incidents", "show", id, "--json"]);
    let shown: Value = serde_json::from_slice(&shown).expect("JSON");
    assert_eq!(shown["status"], "closed", "{shown:#}");
    assert_eq!(shown["outcome"]["code"], code, "{shown:#}");
    assert_eq!(shown["outcome"]["note"], "by telephone", "{shown:#}");
    assert!(shown["outcome"]["author"].is_string(), "{shown:#}");
}

/// Takes a copy, loses lines to it, and puts it back.
fn put_back(appliance: &mut Appliance) {
    let copy = appliance.folder().join("copy.db").display().to_string();
    let before = (appliance.export(), appliance.incidents());
    appliance.launch();
    appliance.ask(&["backup", &copy]);
    appliance.send_tcp([harmless(1).as_bytes()]);
    appliance.wait_until("one more line", |status| status["ingest"]["stored"] == 1);
    let (code, _, complaint) = run(appliance, &["restore", &copy], "");
    assert_eq!(code, Some(1), "a running appliance keeps its store: {complaint}");
    appliance.stop();
    assert_ne!(appliance.export(), before.0);
    appliance.ask(&["restore", &copy]);
    assert_eq!((appliance.export(), appliance.incidents()), before);
    fs::write(&copy, "no store").expect("it is written");
    let (code, _, complaint) = run(appliance, &["restore", &copy], "");
    assert_eq!(code, Some(1), "{complaint}");
    assert_eq!(appliance.export(), before.0, "a bad copy leaves the store alone");
}

#[test]
fn the_configuration_says_where_it_comes_from() {
    let appliance = idle();
    let fragments = appliance.folder().join("conf.d");
    fs::create_dir(&fragments).expect("a folder");
    fs::write(fragments.join("10-days.toml"), "[retention]\ndays = 7\n").expect("it is written");
    let (code, printed, complaint) = run(&appliance, &["config", "check"], "");
    assert_eq!(code, Some(0), "{complaint}");
    for (key, file) in
        [("retention.days", "conf.d/10-days.toml:2"), ("paths.state", "vedette.toml:2")]
    {
        let told = printed.lines().any(|line| line.starts_with(key) && line.ends_with(file));
        assert!(told, "no {key} from {file} in {printed}");
    }
    let reference = run_on(vedette().args(["config", "reference"]), b"");
    let reference = String::from_utf8(reference.stdout).expect("text");
    for key in ["[ingest.tcp]", "`listen`", "[retention]", "`max-bytes`", "[model]"] {
        assert!(reference.contains(key), "no {key} in the reference");
    }
    // Whoever reads only the beginning of what we print has not made us fail.
    let mut cut = vedette();
    cut.args(["config", "reference"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = cut.spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn deciders_are_measured_on_labelled_lines() {
    let line = |id: usize, raw: &str, malicious: bool, split: &str| {
        let class = if malicious { "BRUTE FORCE" } else { "NO THREAT" };
        json!({
            "id": format!("l{id}"), "raw": raw, "group": format!("g{}", id / 2), "split": split,
            "label_malicious": malicious, "label_strength": "strong", "threat_class": class,
            "technique_ids": if malicious { vec!["T1110.001"] } else { vec![] },
            "severity": "low",
        })
        .to_string()
    };
    let mut data = Vec::new();
    for id in 0..20 {
        let split = if id < 10 { "train" } else { "dev" };
        let user = if id < 10 { "anna" } else { "root" };
        let attack =
            format!("sshd[4]: Failed password for {user} from 203.0.113.{id} port 4{id} ssh2");
        data.push(line(2 * id, &attack, true, split));
        data.push(line(
            2 * id + 1,
            &format!("CRON[{id}]: session opened for {user}"),
            false,
            split,
        ));
    }
    let appliance = idle();
    let file = appliance.state().with_file_name("labelled.jsonl");
    fs::write(&file, data.join("\n")).expect("a file");
    let out = appliance.state().with_file_name("report");
    let rows = appliance.state().with_file_name("rows.jsonl");
    let text = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    let (file, folder, answers) = (text(&file), text(&out), text(&rows));
    let command = ["model", "eval", &file, "--no-model", "--out", &folder, "--rows", &answers];
    let (code, printed, complaint) = run(&appliance, &command, "");
    assert_eq!(code, Some(0), "{complaint}");
    for judge in ["ensemble", "screen", "rules", "naive Bayes", "majority", "format probe"] {
        assert!(printed.contains(judge), "{judge} is missing:\n{printed}");
    }
    let report: Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(report["slices"][0]["lines"], 20, "{report:#}");
    let answers = json_lines(&fs::read(&rows).expect("rows"));
    assert_eq!(answers.len(), 20);
    let right = answers.iter().filter(|row| {
        let flagged = row["said"]["ensemble"]["verdict"] != "benign";
        row["malicious"] == flagged
    });
    assert!(right.count() >= 18, "{answers:#?}");
    let (code, _, complaint) = run(&appliance, &["model", "eval", &file], "");
    assert_eq!(code, Some(1));
    assert!(complaint.contains("--no-model"), "{complaint}");
}
