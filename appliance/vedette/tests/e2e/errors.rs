//! What goes wrong is told once, clearly, with the way to mend it, and the exit code says its kind.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::appliance::{Appliance, NO_MODEL, PLAIN, run_on, vedette};
use crate::lines::harmless;

/// One message, in our name or the argument parser's, and the exit code.
fn check(name: &str, output: &Output, code: i32, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{name}: {error}");
    assert!(
        output.stdout.is_empty(),
        "{name} printed {:?}",
        String::from_utf8_lossy(&output.stdout)
    );
    let ours =
        error.lines().filter(|line| line.starts_with("vedette: ") || line.starts_with("error: "));
    assert_eq!(ours.count(), 1, "{name}: {error}");
    assert!(!error.contains("panicked"), "{name}: {error}");
    for word in words {
        assert!(error.contains(word), "{name}: no {word:?} in {error}");
    }
}

#[test]
fn a_bad_configuration_ends_with_78() {
    for (name, text, words) in [
        (
            "a wrong key",
            "[ingest.udp]\nlistn = [\"127.0.0.1:0\"]\n",
            &["`ingest.udp.listn`", "line 4", "`ingest.udp.listen`"][..],
        ),
        ("a wrong table", "[ingets]\n", &["`ingets`", "line 3", "`ingest`"]),
        ("a wrong type", "[ingest.udp]\nlisten = 5\n", &["line 4", "expected"]),
        ("a wrong address", "[console]\nlisten = \"here\"\n", &["line 4"]),
        ("no TOML", "[ingest\n", &["line 3"]),
    ] {
        let appliance = Appliance::prepare(text);
        for command in [&["serve"][..], &["config", "check"], &["status"], &["triage", "-"]] {
            check(name, &appliance.run(command), 78, words);
        }
    }
    let appliance = Appliance::prepare("");
    fs::remove_file(appliance.config()).expect("it is there");
    check("no file", &appliance.run(&["serve"]), 78, &["vedette.toml", "No such file"]);
}

#[test]
fn a_taken_port_is_named_with_the_mend() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken_tcp = tcp.local_addr().expect("it is bound").to_string();
    let taken_udp = udp.local_addr().expect("it is bound").to_string();
    for (name, place, address, mend) in [
        ("TCP", "[ingest.tcp]\nlisten = [\"127.0.0.1:0\"]", &taken_tcp, "[ingest.tcp]"),
        ("UDP", "[ingest.udp]\nlisten = [\"127.0.0.1:0\"]", &taken_udp, "[ingest.udp]"),
        ("console", "[console]\nlisten = \"127.0.0.1:0\"", &taken_tcp, "console.listen"),
    ] {
        let settings = PLAIN.replace(place, &place.replace("127.0.0.1:0", address));
        assert_ne!(settings, PLAIN, "{name}");
        let appliance = Appliance::prepare(&format!("{settings}{NO_MODEL}"));
        check(name, &appliance.run(&["serve"]), 1, &[address, mend, "in use"]);
    }
}

#[test]
fn an_unusable_state_folder_is_named() {
    let appliance = Appliance::prepare(&format!("{PLAIN}{NO_MODEL}"));
    fs::write(appliance.state(), "a file in its place").expect("it is written");
    check("a file", &appliance.run(&["serve"]), 1, &["state folder", "paths.state"]);
    let text = format!("[paths]\nstate = \"/proc/no-such-folder\"\n{PLAIN}");
    fs::write(appliance.config(), text).expect("it is written");
    check("no place", &appliance.run(&["serve"]), 1, &["/proc/no-such-folder", "paths.state"]);
}

#[test]
fn a_second_appliance_on_the_same_state_is_refused() {
    let mut appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}"));
    let state = appliance.state().display().to_string();
    check("a second serve", &appliance.run(&["serve"]), 1, &[&state]);
    appliance.send_tcp([harmless(1).as_bytes()]);
    appliance.wait_stored(1);
    appliance.stop();
}

#[test]
fn missing_input_and_bad_usage_have_their_own_codes() {
    let appliance = Appliance::prepare(NO_MODEL);
    for (command, code, words) in [
        (&["triage", "/no/such/file"][..], 1, &["/no/such/file"][..]),
        (&["resolve", "--incident", "/no/such/file"], 1, &["/no/such/file"]),
        (&["incidents", "from", "/no/such/file"], 1, &["/no/such/file"]),
        (&["kb", "import", "/no/such/file"], 1, &["/no/such/file"]),
        (&["restore", "/no/such/file"], 1, &["/no/such/file"]),
        (&["events", "export"], 1, &["vedette serve", "paths.state"]),
        (&["incidents", "list"], 1, &["vedette serve", "paths.state"]),
        (&["status"], 1, &["vedette serve", "paths.state"]),
        (&["triage", "--no-such-option"], 2, &["--no-such-option"]),
        (&["triage", "--engine", "oracle"], 2, &["oracle"]),
        (&["incidents", "close", "INC-1", "--code", "solved"], 2, &["solved"]),
    ] {
        check(&command.join(" "), &appliance.run(command), code, words);
    }
    let queries: &[(&[&str], i32, &[&str])] = &[
        (&["query", "--language", "klingon", "--intent", "failed logins"], 2, &["klingon"]),
        (&["query", "--language", "aql"], 1, &["intent", "incident"]),
        (&["query"], 2, &["--language"]),
        (&["query", "--language", "aql", "--incident", "/no/such/file"], 1, &["/no/such/file"]),
    ];
    for (command, code, words) in queries {
        check(&command.join(" "), &run_on(vedette().args(*command), b""), *code, words);
    }
}

/// Bytes of the small disk that the state lies on.
const DISK_BYTES: u64 = 160 << 20;
/// Bytes of one write of the file that fills it up.
const BALLAST_CHUNK: usize = 1 << 20;
/// Lines sent at a time while the disk is full, and how many times at most: far more than are kept
/// waiting.
const BURST: usize = 20_000;
const BURSTS: usize = 20;

#[test]
fn a_full_disk_degrades_and_heals_by_itself() {
    let mut appliance = Appliance::prepare(&format!("{PLAIN}{NO_MODEL}"));
    let Some(disk) = appliance.launch_on_a_disk(DISK_BYTES) else {
        return println!("not applicable: this system permits no mount of one's own");
    };
    let ballast = disk.join("ballast");
    let mut sent = 0;
    let mut send = |appliance: &Appliance, lines: usize| {
        let text: Vec<String> = (sent..sent + lines).map(harmless).collect();
        sent += lines;
        appliance.send_tcp(text.iter().map(String::as_bytes));
        sent as u64
    };
    let stored = send(&appliance, 1_000);
    appliance.wait_stored(stored);
    fill(&ballast);
    let is_dropping = |status: &Value| status["ingest"]["dropped"]["disk_full"].as_u64() > Some(0);
    for _ in 0..BURSTS {
        if is_dropping(&appliance.status()) {
            break;
        }
        let all = send(&appliance, BURST);
        // Else a busy machine holds more in its sockets than the disk has room for afterwards.
        appliance.wait_until("the burst", |status| {
            is_dropping(status) || status["ingest"]["received"].as_u64() >= Some(all)
        });
    }
    let status = appliance.wait_until("a full disk", is_dropping);
    assert_eq!(status["healthy"], false);
    assert!(status["reasons"].to_string().contains("cannot write"), "{:#}", status["reasons"]);
    let accepted = appliance.export();

    fs::remove_file(&ballast).expect("the ballast is ours");
    appliance.wait_until("recovery", |status| {
        !status["reasons"].to_string().contains("the store cannot write")
    });
    let all = send(&appliance, 100);
    let status = appliance.wait_until("every line's account", |status| {
        let of = |key: &str| status["ingest"][key].as_u64().unwrap_or_default();
        let dropped = status["ingest"]["dropped"]["disk_full"].as_u64().unwrap_or_default();
        of("received") == all && of("stored") + dropped == all
    });
    let exported = appliance.export();
    assert!(exported.starts_with(&accepted), "an accepted line is gone");
    let last = harmless(usize::try_from(all).expect("it was one") - 1);
    let lines: Vec<&[u8]> = exported.split(|byte| *byte == b'\n').collect();
    assert!(lines.contains(&last.as_bytes()), "what came after recovery is not stored");
    assert_eq!(status["ingest"]["stored"], lines.len() - 1);
    assert_eq!(status["ingest"]["dropped"].as_object().map(|reasons| reasons.len()), Some(1));
    appliance.stop();
}

/// Writes until next to nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("there is room for a name");
    let chunk = vec![0; BALLAST_CHUNK];
    while file.write_all(&chunk).is_ok() {}
}

/// Bytes of the disk that fills up again and again, and of the log lines kept on it.
const SMALL_DISK_BYTES: u64 = 64 << 20;
/// Lines that come while it is full: fewer than are kept waiting, so none may be lost.
const MEANWHILE: usize = 500;

/// A number from the environment: long runs ask for more of the same.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn a_disk_that_fills_up_again_and_again_loses_nothing_that_can_wait() {
    let disk_bytes = asked("VEDETTE_DISK_BYTES", SMALL_DISK_BYTES);
    let rounds = usize::try_from(asked("VEDETTE_FULL_DISKS", 2)).expect("a small number");
    let retention = format!("[retention]\nmax-bytes = {}\n", disk_bytes / 4);
    let mut appliance = Appliance::prepare(&format!("{PLAIN}{NO_MODEL}{retention}"));
    let Some(disk) = appliance.launch_on_a_disk(disk_bytes) else {
        return println!("not applicable: this system permits no mount of one's own");
    };
    let is_stuck =
        |status: &Value| status["reasons"].to_string().contains("the store cannot write");
    let mut stuck = 0;
    for round in 0..rounds {
        fill(&disk.join("ballast"));
        let lines: Vec<String> =
            (round * MEANWHILE..(round + 1) * MEANWHILE).map(harmless).collect();
        appliance.send_tcp(lines.iter().map(String::as_bytes));
        let all = (round + 1) * MEANWHILE;
        let is_stored = |status: &Value| status["ingest"]["stored"].as_u64() >= Some(all as u64);
        // Room that the store holds already may do for them.
        let status =
            appliance.wait_until("an answer", |status| is_stuck(status) || is_stored(status));
        stuck += usize::from(!is_stored(&status));
        fs::remove_file(disk.join("ballast")).expect("the ballast is ours");
        let status =
            appliance.wait_until("recovery", |status| !is_stuck(status) && is_stored(status));
        assert_eq!(status["ingest"]["received"], all, "round {round}");
        assert_eq!(status["ingest"]["stored"], all, "round {round}");
        assert_eq!(status["ingest"]["dropped"], serde_json::json!({}), "round {round}");
        let exported = appliance.export();
        let ending = lines.join("\n") + "\n";
        assert!(exported.ends_with(ending.as_bytes()), "round {round}: the newest are not there");
    }
    let lines = rounds * MEANWHILE;
    println!(
        "{rounds} times full on {disk_bytes} bytes, stuck {stuck} times: {lines} lines, none lost"
    );
    assert!(stuck > 0, "the disk was never full");
    appliance.stop();
}
