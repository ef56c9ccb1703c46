//! Killed at any moment, the appliance forgets nothing that it had taken, and opens no ticket twice.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use crate::appliance::{Appliance, NO_MODEL, PLAIN, signal, vedette};
use crate::desk::Desk;
use crate::lines::{guessing, harmless};

/// How often the appliance is killed in one life.
const KILLS: usize = 4;
/// Lines that must have come through before it is killed, each time.
const LINES_PER_LIFE: u64 = 600;
/// Most lines sent in one life; the connection mostly breaks before.
const MAX_LINES: usize = 8_000;
/// Answers that the service desk loses.
const LOST_ANSWERS: usize = 2;

/// Sends attacks among harmless lines until the connection breaks.
fn stream(address: SocketAddr, life: usize) {
    const STORY: usize = 200;
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    for story in life * MAX_LINES / STORY..(life + 1) * MAX_LINES / STORY {
        let mut lines = guessing(&format!("203.0.113.{}", story + 1), story * STORY);
        lines.extend((story * STORY + lines.len()..(story + 1) * STORY).map(harmless));
        if stream.write_all((lines.join("\n") + "\n").as_bytes()).is_err() {
            return;
        }
        // The pace of a busy network: unpaced, all would be in before the first look.
        std::thread::sleep(Duration::from_millis(40));
    }
}

fn with_desk(desk: &Desk) -> Appliance {
    let appliance = Appliance::prepare("");
    let tickets = desk.settings(appliance.folder());
    appliance.configure(&format!("{PLAIN}{NO_MODEL}[triage]\nticket-risk = 20\n{tickets}"));
    appliance
}

#[test]
fn a_killed_appliance_keeps_what_it_had_and_opens_each_ticket_once() {
    let desk = Desk::open(LOST_ANSWERS);
    let mut appliance = with_desk(&desk);
    for life in 0..KILLS {
        appliance.launch();
        let before = appliance.status()["store"]["events"].as_u64().expect("a number");
        let address = appliance.address("tcp");
        let sender = std::thread::spawn(move || stream(address, life));
        appliance.wait_stored(before + LINES_PER_LIFE);
        if life + 1 == KILLS {
            appliance.wait_until("a ticket", |_| !desk.calls().is_empty());
        }
        let seen = appliance.export();
        appliance.kill();
        sender.join().expect("the sender ends with the connection");
        assert!(appliance.export().starts_with(&seen), "a line is gone after kill {life}");
    }
    appliance.launch();
    appliance.wait_triaged();
    let status = appliance.wait_until("every ticket", |status| {
        status["tickets"]["pending"] == 0 && status["tickets"]["delivered"] != 0
    });
    assert_eq!(status["tickets"]["failed"], 0);
    check_lines(&appliance);
    check_tickets(&appliance, &desk);
    appliance.stop();
}

fn check_lines(appliance: &Appliance) {
    let exported = String::from_utf8(appliance.export()).expect("the lines are text");
    let lines: Vec<&str> = exported.lines().collect();
    let distinct: BTreeSet<&str> = lines.iter().copied().collect();
    assert_eq!(distinct.len(), lines.len(), "a line is stored twice");
    assert_eq!(appliance.status()["store"]["events"], lines.len());
}

fn check_tickets(appliance: &Appliance, desk: &Desk) {
    let calls = desk.calls();
    let mut incidents = BTreeSet::new();
    for (id, bodies) in &calls {
        let told: BTreeSet<&str> =
            bodies.iter().filter_map(|body| body.pointer("/data/incident/id")?.as_str()).collect();
        assert_eq!(told.len(), 1, "{id} tells of {told:?}");
        assert!(incidents.insert(told), "{id} opens a second ticket for its incident");
        assert!(bodies.iter().all(|body| body["data"]["correlation_id"] == id.as_str()));
    }
    assert_eq!(appliance.status()["tickets"]["delivered"], calls.len());
    let repeats: usize = calls.values().map(|bodies| bodies.len() - 1).sum();
    assert!(repeats >= 1, "the lost answers led to no second call");
    let listed: BTreeSet<String> =
        appliance.incidents().iter().filter_map(|i| Some(i["id"].as_str()?.to_owned())).collect();
    assert!(incidents.iter().flatten().all(|id| listed.contains(*id)), "a ticket without incident");
}

#[test]
fn a_polite_stop_loses_nothing_that_tcp_had_sent() {
    const CONNECTIONS: usize = 6;
    const LINES: usize = 4_000;
    let mut appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}"));
    let address = appliance.address("tcp");
    let mut open = Vec::new();
    for connection in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).expect("it listens");
        let lines = (0..LINES).map(|number| harmless(connection * LINES + number) + "\n");
        stream.write_all(lines.collect::<String>().as_bytes()).expect("it reads");
        // Every second one stays open: a sender does not know that we stop.
        if connection % 2 == 0 {
            open.push(stream);
        }
    }
    appliance.stop();
    let stored: BTreeSet<String> =
        String::from_utf8_lossy(&appliance.export()).lines().map(str::to_owned).collect();
    let sent: BTreeSet<String> = (0..CONNECTIONS * LINES).map(harmless).collect();
    let missing: Vec<&String> = sent.difference(&stored).collect();
    assert!(missing.is_empty(), "{} lines are gone, the first is {:?}", missing.len(), missing[0]);
    assert_eq!(stored.len(), sent.len());
    appliance.launch();
    appliance.wait_triaged();
    appliance.stop();
}

#[test]
fn a_killed_demonstration_goes_on_and_ends_well() {
    let appliance = Appliance::prepare(&format!("{PLAIN}{NO_MODEL}"));
    let demo = || {
        let mut command = vedette();
        command.args(["demo", "--once", "--seconds", "15", "--config"]).arg(appliance.config());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command
    };
    let mut killed = demo().spawn().expect("the demonstration starts");
    let mut printed = BufReader::new(killed.stdout.take().expect("a pipe")).lines();
    let seen = printed.by_ref().map_while(Result::ok).any(|line| line.contains("new INC-"));
    assert!(seen, "it ended without an incident");
    signal("KILL", killed.id());
    killed.wait().expect("it ends");

    let output = demo().output().expect("the demonstration runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", output.status);
    let last = text.lines().last().unwrap_or_default();
    let (incidents, rest) = last.split_once(" incidents, ").expect("it ends with a summary");
    let (tickets, _) = rest.split_once(" tickets").expect("it ends with a summary");
    for count in [incidents, tickets] {
        assert!(count.parse::<usize>().is_ok_and(|count| count > 0), "{last}");
    }
}
