//! The clock jumps while the appliance runs: by libfaketime, which shifts the wall clock of one process.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::appliance::{Appliance, NO_MODEL, PLAIN, vedette};
use crate::desk::Desk;
use crate::lines::guessing;
use crate::packages::unpack;

/// How far the clock is off, one after the other: an hour and ten years, both ways.
const JUMPS: [&str; 6] = ["+1h", "-1h", "+10y", "-10y", "+10y", "+0"];

/// Sets how far the clock is off; a reader finds the old text or the new one.
fn set(folder: &Path, jump: &str) {
    let fresh = folder.join("time.new");
    fs::write(&fresh, format!("{jump}\n")).expect("it is written");
    fs::rename(fresh, folder.join("time")).expect("it is ours");
}

/// Starts the appliance with a clock that the file `time` sets. Whoever waits by the steady clock is not
/// deceived, as in a real jump.
fn launch(appliance: &mut Appliance, library: &Path) {
    let mut command = Command::new(vedette().get_program());
    command.arg("serve").arg("--config").arg(appliance.config()).env_remove("VEDETTE_STATE");
    command.env("LD_PRELOAD", library);
    command.env("FAKETIME_TIMESTAMP_FILE", appliance.folder().join("time"));
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    appliance.launch_as(command);
}

#[test]
fn a_clock_that_jumps_stops_nothing_and_stores_nothing_twice() {
    let root = match unpack("faketime", &["libfaketime"]) {
        Ok(root) => root,
        Err(why) => return println!("skipped: a clock that jumps: {why}"),
    };
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    let library = root.join("usr/lib").join(triple).join("faketime/libfaketime.so.1");
    let desk = Desk::open(0);
    let mut appliance = Appliance::prepare("");
    let tickets = desk.settings(appliance.folder());
    appliance.configure(&format!("{PLAIN}{NO_MODEL}[triage]\nticket-risk = 20\n{tickets}"));
    set(appliance.folder(), "+0");
    launch(&mut appliance, &library);
    let mut sent = Vec::new();
    for (number, jump) in JUMPS.iter().enumerate() {
        set(appliance.folder(), jump);
        let attack = guessing(&format!("203.0.113.{}", number + 1), (number + 1) * 1_000);
        // Neither the machine nor the account of another attack, or they would be one incident.
        let (host, user) = (format!("gate{number}"), format!("user{number}"));
        sent.extend(attack.iter().map(|line| line.replace("gate", &host).replace("root", &user)));
        let from = sent.len() - attack.len();
        appliance.send_tcp(sent[from..].iter().map(String::as_bytes));
        appliance.wait_stored(sent.len() as u64);
        appliance.wait_triaged();
        let incidents = number + 1;
        let status = appliance.wait_until(&format!("a ticket after {jump}"), |status| {
            status["tickets"]["delivered"].as_u64() >= Some(incidents as u64)
        });
        let told = status["hardware"].to_string();
        assert!(told.contains("while running: check the time source"), "{jump}: {told}");
        assert_eq!(status["reasons"], serde_json::json!([]), "{jump}");
        assert_eq!(status["open_incidents"], incidents, "{jump}");
        assert_eq!(status["tickets"]["failed"], 0, "{jump}");
    }
    let expected = sent.join("\n") + "\n";
    assert_eq!(String::from_utf8_lossy(&appliance.export()), expected);
    let incidents: BTreeSet<String> =
        appliance.incidents().iter().map(|incident| incident["id"].to_string()).collect();
    assert_eq!(incidents.len(), JUMPS.len());
    appliance.stop();

    // A start in the future: the clock's battery is empty the other way round.
    set(appliance.folder(), "+10y");
    launch(&mut appliance, &library);
    appliance.wait_triaged();
    let kept = String::from_utf8_lossy(&appliance.export()).lines().count();
    println!("after a start ten years ahead {kept} of {} lines are kept", sent.len());
    assert_eq!(kept, sent.len(), "retention believed a clock that leapt");
    appliance.stop();
}
