//! Replayed files: into a running appliance, into a store at rest, and over a break.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;

use crate::appliance::{Appliance, NO_MODEL, PLAIN, json_lines, vedette};
use crate::lines::{guessing, harmless};

fn prepare() -> Appliance {
    Appliance::prepare(&format!("{PLAIN}{NO_MODEL}"))
}

fn printed(appliance: &Appliance, arguments: &[&str]) -> String {
    let arguments = [&["events", "import"], arguments].concat();
    String::from_utf8(appliance.ask(&arguments)).expect("text")
}

/// How often each line is stored, and how often marked as sent again.
pub(crate) fn stored_and_marked(appliance: &Appliance) -> BTreeMap<String, (usize, usize)> {
    let mut lines = BTreeMap::<String, (usize, usize)>::new();
    for row in json_lines(&appliance.ask(&["events", "export", "--format", "json"])) {
        let raw = row["raw"].as_str().expect("a line").to_owned();
        let (stored, marked) = lines.entry(raw).or_default();
        *stored += 1;
        let marks = row["defects"].as_array().into_iter().flatten();
        *marked += marks.filter(|defect| **defect == "repeated").count();
    }
    lines
}

#[test]
fn a_replayed_file_is_stored_and_judged_like_any_lines() {
    let mut appliance = prepare();
    let attack = guessing("203.0.113.50", 1);
    let file = appliance.folder().join("lines");
    let text = format!("{}\n\n{}", attack.join("\n"), "x".repeat(70_000));
    fs::write(&file, &text).expect("the file is written");
    let file = file.display().to_string();
    let all = attack.len() + 1;
    let told = format!(
        "{all} lines stored, 1 blank and left out, 1 longer than ingest.max-frame-bytes and cut there\n"
    );

    // At rest: judged after the next start.
    assert_eq!(printed(&appliance, &[&file]), told);
    assert_eq!(appliance.status()["store"]["events"], all);
    let mut stored = attack.join("\n").into_bytes();
    stored.extend_from_slice(format!("\n{}\n", "x".repeat(65_536)).as_bytes());
    assert!(appliance.export() == stored, "the export differs");

    appliance.launch();
    appliance.wait_triaged();
    assert_eq!(appliance.status()["open_incidents"], 1);
    // While it runs: counted as any other source's.
    assert_eq!(printed(&appliance, &["-", &file]), told);
    let status = appliance.status();
    assert_eq!(status["ingest"]["received"], all);
    assert_eq!(status["ingest"]["stored"], all);
    assert!(appliance.export() == stored.repeat(2), "the export differs");
    // The box cannot know that the first import had heard of all its lines.
    assert!(stored_and_marked(&appliance).values().all(|counts| *counts == (2, 1)));
    appliance.wait_triaged();
    assert_eq!(appliance.status()["open_incidents"], 1, "judged once");
    appliance.stop();
    assert!(!appliance.state().join("import.sock").exists());
}

#[test]
fn any_bytes_survive_an_export_and_an_import() {
    let mut source = prepare();
    source.launch();
    let lines: [&[u8]; 4] = [b"<13>two\nlines\r", b"\xff\xfe\x00", b"7 <13>x", b"<13>end"];
    let mut text = Vec::new();
    for line in lines {
        text.extend_from_slice(format!("{} ", line.len()).as_bytes());
        text.extend_from_slice(line);
    }
    let file = source.folder().join("octets");
    fs::write(&file, &text).expect("the file is written");
    let at_rest = prepare();
    let path = file.display().to_string();
    for appliance in [&source, &at_rest] {
        assert_eq!(printed(appliance, &["--format", "raw-octets", &path]), "4 lines stored\n");
        let exported = appliance.ask(&["events", "export", "--format", "raw-octets"]);
        assert!(exported == text, "{}", String::from_utf8_lossy(&exported));
        fs::write(&file, &exported).expect("it is ours");
    }
}

#[test]
fn what_cannot_be_read_is_told_by_file_and_line_and_the_rest_stored() {
    let appliance = prepare();
    let (good, bad) = (appliance.folder().join("good"), appliance.folder().join("bad"));
    fs::write(&good, "<13>one\n<13>two\n").expect("the file is written");
    fs::write(&bad, "5 <13>a5 <13").expect("the file is written");
    let [good, bad] = [good, bad].map(|path| path.display().to_string());
    let command = ["events", "import", "--format", "raw-octets", &bad, "/no/such/file", &bad];
    let output = appliance.run(&command);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert_eq!(
        complaint.matches("line 2: the file ends inside the frame").count(),
        2,
        "{complaint}"
    );
    assert!(complaint.contains("/no/such/file: No such file"), "{complaint}");
    assert_eq!(output.stdout, b"2 lines stored\n");
    assert_eq!(printed(&appliance, &["--skip", "1", &good]), "1 lines stored, 1 skipped\n");
    assert_eq!(appliance.export(), b"<13>a\n<13>a\n<13>two\n");
}

#[test]
fn an_import_goes_on_after_the_appliance_was_killed() {
    const LINES: usize = 20_000;
    let mut appliance = prepare();
    appliance.launch();
    let text: String = (0..LINES).map(|number| harmless(number) + "\n").collect();
    let mut command = vedette();
    command.args(["events", "import", "--format", "raw", "-", "--config"]).arg(appliance.config());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut import = pipes.spawn().expect("it starts");
    let mut input = import.stdin.take().expect("a pipe");
    let half = text.len() / 2;
    input.write_all(&text.as_bytes()[..half]).expect("it reads");
    appliance.wait_stored(LINES as u64 / 4);
    appliance.kill();
    let _ = input.write_all(&text.as_bytes()[half..]);
    drop(input);
    let output = import.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let skip = complaint.split("--skip ").nth(1).and_then(|rest| rest.split(':').next());
    let skip = skip.unwrap_or_else(|| panic!("{complaint}")).trim().to_owned();

    appliance.launch();
    let file = appliance.folder().join("lines");
    fs::write(&file, &text).expect("the file is written");
    printed(&appliance, &["--skip", &skip, &file.display().to_string()]);
    let lines = stored_and_marked(&appliance);
    assert_eq!(lines.len(), LINES, "lines are missing");
    assert!(lines.values().all(|(stored, marked)| stored - 1 == *marked), "unmarked repeats");
    let repeated = lines.values().filter(|(stored, _)| *stored > 1).count();
    println!("{skip} acknowledged before the kill, {repeated} stored twice and marked");
}

/// What a RELP sender writes that reads no answer: a session's beginning, and the lines of a range.
fn relp(lines: std::ops::Range<usize>) -> Vec<u8> {
    let mut text = b"1 open 14 relp_version=0\n".to_vec();
    for (line, transaction) in lines.map(harmless).zip(2..) {
        text.extend_from_slice(format!("{transaction} syslog {} {line}\n", line.len()).as_bytes());
    }
    text
}

#[test]
fn what_a_relp_sender_repeats_is_stored_and_marked_and_judged_once() {
    let settings = format!("{PLAIN}{NO_MODEL}[ingest.relp]\nlisten = [\"127.0.0.1:0\"]\n");
    let mut appliance = Appliance::start(&settings);
    // Each session breaks before it has read an answer; before the last one the box is killed too.
    let mut stored = 0;
    for (lines, kill) in [(0..10, false), (5..15, false), (12..20, true), (17..25, false)] {
        stored += lines.len() as u64;
        let mut stream = TcpStream::connect(appliance.address("relp")).expect("it listens");
        stream.write_all(&relp(lines)).expect("it reads");
        appliance.wait_until("the lines", |status| status["store"]["events"] == stored);
        drop(stream);
        if kill {
            appliance.kill();
            appliance.launch();
        }
    }
    let twice = [5..10, 12..15, 17..20];
    let counts = stored_and_marked(&appliance);
    for number in 0..25 {
        let line = harmless(number);
        let expected =
            if twice.iter().any(|range| range.contains(&number)) { (2, 1) } else { (1, 0) };
        assert_eq!(counts[&line], expected, "line {number}");
    }
    appliance.wait_triaged();
    appliance.stop();
}
