//! The worker as a process: what it answers, what it refuses, how it ends.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod tiny;

use std::io::{ErrorKind, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use vedette_engine::worker::{enclose, read_frame, write_frame};
use vedette_event::worker::{
    EXIT_DAMAGED, EXIT_UNREADABLE, MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request,
};
use vedette_event::{Question, QuestionId};

fn start(model: &Path) -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_vedette-worker"))
        .args(["serve", "--stdin"])
        .arg(model)
        .stdin(OwnedFd::from(theirs))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, ours)
}

fn exchange(stream: &mut UnixStream, request: &Request) -> Reply {
    write_frame(stream, request).unwrap();
    read_frame(stream).unwrap().unwrap()
}

fn questions(count: usize, bytes: usize) -> Request {
    let question = |id: usize| Question { id: QuestionId(id as u64), text: "x".repeat(bytes) };
    let questions = (0..count).map(question).collect();
    Request::Ask { questions, within_ms: 60_000 }
}

/// The same for nobody who waits.
fn too_late(request: Request) -> Request {
    match request {
        Request::Ask { questions, .. } => Request::Ask { questions, within_ms: 0 },
        other => other,
    }
}

#[test]
fn it_answers_refuses_what_is_too_much_and_ends_with_its_connection() {
    let file = tiny::write();
    let (mut child, mut stream) = start(file.path());
    assert!(matches!(exchange(&mut stream, &Request::Hello), Reply::Ready { .. }));
    for (request, answers) in [
        (questions(2, 10), Some(2)),
        (questions(0, 0), Some(0)),
        (questions(MAX_QUESTIONS + 1, 1), None),
        (questions(1, MAX_QUESTION_BYTES + 1), None),
        (questions(1, MAX_QUESTION_BYTES), Some(1)),
        (too_late(questions(1, 10)), None),
    ] {
        let found = match exchange(&mut stream, &request) {
            Reply::Says { says } => Some(says.len()),
            Reply::Failed { .. } => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, answers);
    }
    stream.write_all(&[0, 0, 0, 1, b'!']).unwrap();
    let reply: Option<Reply> = read_frame(&mut stream).unwrap();
    assert!(matches!(reply, Some(Reply::Failed { .. })), "{reply:?}");
    assert!(matches!(exchange(&mut stream, &Request::Hello), Reply::Ready { .. }));
    drop(stream);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_frame_without_end_ends_the_connection() {
    let file = tiny::write();
    let (mut child, mut stream) = start(file.path());
    stream.write_all(&[0xff; 4]).unwrap();
    assert!(read_frame::<Reply>(&mut stream).is_ok_and(|reply| reply.is_none()));
    assert!(!child.wait().unwrap().success());
}

#[test]
fn it_is_shut_in_and_yields() {
    let file = tiny::write();
    let (mut child, mut stream) = start(file.path());
    let Reply::Ready { without, .. } = exchange(&mut stream, &Request::Hello) else {
        panic!("no greeting");
    };
    // Whether the kernel has Landlock is the machine's; all else must stand.
    assert!(without.iter().all(|wall| wall == "Landlock"), "{without:?}");
    let read =
        |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
    let status = read("status");
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line} not in {status}");
    }
    // The fields behind the name in brackets: nice is the 19th of all, the policy the 41st.
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!((fields[16], fields[38]), ("19", "5"), "nice 19, SCHED_IDLE");
    drop(stream);
    child.wait().unwrap();
}

/// Names the folder that may be read to the process behind the walls.
const READABLE: &str = "VEDETTE_TEST_READABLE";

/// Runs itself in a process of its own, for walls are for good.
#[test]
fn behind_the_walls_other_files_sockets_and_programs_are_refused() {
    if let Some(folder) = std::env::var_os(READABLE) {
        return try_what_is_refused(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model"), "weights").unwrap();
    let test = "behind_the_walls_other_files_sockets_and_programs_are_refused";
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(READABLE, folder.path())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("all refused"));
}

fn try_what_is_refused(folder: &Path) {
    let own = std::env::current_exe().unwrap();
    let walls = enclose(&[folder], 512 << 20);
    let refused = |why: std::io::Error| why.kind() == ErrorKind::PermissionDenied;
    assert_eq!(std::fs::read(folder.join("model")).unwrap(), b"weights");
    // Whether the kernel has Landlock is the machine's; all else must stand.
    if walls.landlock {
        assert!(refused(std::fs::read(&own).unwrap_err()), "another file");
        assert!(refused(std::fs::write(folder.join("new"), "").unwrap_err()), "writing");
    }
    assert!(refused(UdpSocket::bind("127.0.0.1:0").unwrap_err()), "a socket that listens");
    assert!(refused(TcpStream::connect("127.0.0.1:9").unwrap_err()), "a socket that connects");
    assert!(refused(UnixStream::connect(folder.join("none")).unwrap_err()), "a socket on the box");
    assert!(refused(Command::new(&own).spawn().unwrap_err()), "a program");
    println!("all refused");
}

#[test]
fn how_it_ends_tells_why() {
    let file = tiny::write();
    let sound = std::fs::read(file.path()).unwrap();
    let damaged = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(damaged.path(), &sound[..sound.len() / 2]).unwrap();
    for (path, code, complaint) in [
        (damaged.path(), EXIT_DAMAGED, "damaged"),
        (Path::new("/nonexistent/model.gguf"), EXIT_UNREADABLE, "cannot read"),
    ] {
        for action in ["inspect", "bench", "classify"] {
            let worker = env!("CARGO_BIN_EXE_vedette-worker");
            let ended = Command::new(worker).arg(action).arg(path).stdin(Stdio::null()).output();
            let ended = ended.unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(i32::from(code)), "{action}: {said}");
            assert!(said.contains(complaint) && !said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn a_sentence_model_is_read_only_when_it_is_the_one_that_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let wrong = "00".repeat(32);
    let manifest = |beside: &str| {
        format!(
            r#"{{"file": "m.safetensors", "sha256": "{wrong}", "bytes": 1, "beside": [{beside}]}}"#
        )
    };
    let words = format!(r#"{{"file": "vocab.txt", "sha256": "{wrong}"}}"#);
    write("m.safetensors", "no weights");
    write("vocab.txt", "no words");
    for (text, code, complaint) in [
        (None, EXIT_UNREADABLE, "cannot read"),
        (Some("{".to_owned()), EXIT_DAMAGED, "manifest.json"),
        (Some(manifest("")), EXIT_DAMAGED, "no vocabulary"),
        (Some(manifest(&words)), EXIT_DAMAGED, "SHA-256"),
        (Some(manifest(&words.replace("vocab", "../vocab"))), EXIT_DAMAGED, "plain name"),
    ] {
        if let Some(text) = &text {
            write("manifest.json", text);
        }
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_vedette-worker"))
            .arg("embed")
            .arg(folder.path())
            .stdin(OwnedFd::from(theirs))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(i32::from(code)), "{text:?}: {said}");
        assert!(said.contains(complaint) && !said.contains("panicked"), "{said}");
    }
}
