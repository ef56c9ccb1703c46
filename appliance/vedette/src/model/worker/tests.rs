use std::os::unix::net::UnixListener;

use vedette_event::QuestionId;

use super::super::bundle::{Entry, Manifest};
use super::*;

fn question(id: u64, text: &str) -> Question {
    Question { id: QuestionId(id), text: text.to_owned() }
}

fn settings() -> WorkerSettings {
    WorkerSettings {
        program: None,
        socket: None,
        threads: 1,
        first_pause: Duration::ZERO,
        max_resident_bytes: MAX_RESIDENT_BYTES,
    }
}

/// A state folder with a bundle of a few bytes.
fn small_bundle() -> (tempfile::TempDir, Bundles) {
    let state = tempfile::tempdir().unwrap();
    let bundles = Bundles::of(state.path());
    let folder = bundles.folder().join("base");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("m.gguf"), "GGUF").unwrap();
    let model = Entry { file: "m.gguf".into(), sha256: "00".into(), bytes: 4 };
    let manifest =
        Manifest { model, beside: Vec::new(), source: "test".into(), built: None, card: None };
    manifest.write(&folder).unwrap();
    (state, bundles)
}

/// What a scripted worker does with its next request.
enum Line {
    Ready,
    Answer,
    AnswerAnother,
    Garbage,
    HangUp,
}

/// A worker that plays a script on a socket: one list for each connection.
fn scripted(path: &Path, scripts: Vec<Vec<Line>>) -> std::thread::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for script in scripts {
            let (mut stream, _) = listener.accept().unwrap();
            script.into_iter().for_each(|line| play(&mut stream, line));
        }
    })
}

fn play(stream: &mut UnixStream, line: Line) {
    let request: Request = receive(stream, Instant::now() + ANSWER_TIME).unwrap();
    let says = |off: u64| match &request {
        Request::Ask { questions, .. } => Reply::Says { says: says(questions, off) },
        other => panic!("{other:?} in the middle"),
    };
    let reply = match line {
        Line::HangUp => return stream.shutdown(std::net::Shutdown::Both).unwrap(),
        Line::Garbage => return stream.write_all(&[0xff; 8]).unwrap(),
        Line::Ready => Reply::Ready { bundle: "b".into(), without: vec![] },
        Line::Answer => says(0),
        Line::AnswerAnother => says(1),
    };
    let body = serde_json::to_vec(&reply).unwrap();
    stream.write_all(&frame_header(body.len()).unwrap()).unwrap();
    stream.write_all(&body).unwrap();
}

fn says(questions: &[Question], off: u64) -> Vec<ModelSay> {
    let say = |question: &Question| ModelSay {
        id: QuestionId(question.id.0 + off),
        malicious: 0.5,
        classes: vec![],
        severities: vec![],
        techniques: vec![],
        bundle: "b".into(),
    };
    questions.iter().map(say).collect()
}

#[test]
fn a_broken_conversation_is_told_and_taken_up_again() {
    for (name, broken, complaint) in [
        ("hang up", Line::HangUp, "connection broke"),
        ("garbage", Line::Garbage, "connection broke"),
        ("other answers", Line::AnswerAnother, "other questions"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("worker.sock");
        let scripts =
            vec![vec![Line::Ready, Line::Answer, broken], vec![Line::Ready, Line::Answer]];
        let worker = scripted(&socket, scripts);
        let bundles = Bundles::of(folder.path());
        let settings = WorkerSettings { socket: Some(socket), ..settings() };
        let mut client = WorkerClient::new(bundles, settings);
        let status = client.status();
        let ask = [question(7, "a line")];
        assert_eq!(client.ask(&ask).unwrap()[0].id, QuestionId(7), "{name}");
        assert_eq!(status.get(), WorkerState::Up { bundle: "b".into(), without: vec![] });
        let why = client.ask(&ask).unwrap_err();
        assert!(why.to_string().contains(complaint), "{name}: {why}");
        assert!(matches!(status.get(), WorkerState::Down { .. }), "{name}");
        assert_eq!(client.ask(&ask).unwrap().len(), 1, "{name}: it comes back");
        drop(client);
        worker.join().unwrap();
    }
}

#[test]
fn a_worker_that_cannot_start_is_told_and_not_tried_at_once() {
    let (_state, bundles) = small_bundle();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("worker");
    std::fs::write(&script, format!("#!/bin/sh\nexit {EXIT_DAMAGED}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    for (program, complaint) in [
        (PathBuf::from("/bin/false"), "connection broke"),
        (script, "damaged"),
        (folder.path().join("none"), "cannot start"),
    ] {
        let settings =
            WorkerSettings { program: Some(program), first_pause: LONGEST_PAUSE, ..settings() };
        let mut client = WorkerClient::new(bundles.clone(), settings);
        let mut tried = None;
        for _ in 0..2 {
            let why = client.ask(&[question(1, "a line")]).unwrap_err().to_string();
            assert!(why.contains(complaint), "{why}");
            assert_eq!(*tried.get_or_insert(client.failures), client.failures, "tried once");
        }
        assert!(client.connection.is_none());
    }
}

#[test]
fn what_is_missing_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let (_state, small) = small_bundle();
    for (bundles, way_out) in [(Bundles::of(empty.path()), "vedette model pull"), (small, PROGRAM)]
    {
        let mut client = WorkerClient::new(bundles, settings());
        let why = client.tend().unwrap_err();
        assert!(matches!(&why, ModelError::Missing(text) if text.contains(way_out)), "{why}");
        assert!(matches!(client.status().get(), WorkerState::Missing(_)));
    }
}

#[test]
fn long_questions_are_cut_to_what_the_worker_takes() {
    for text in ["short".to_owned(), "é".repeat(MAX_QUESTION_BYTES)] {
        let cut = shortened(&question(1, &text));
        assert!(cut.text.len() <= MAX_QUESTION_BYTES);
        assert!(cut.text.len() >= text.len().min(MAX_QUESTION_BYTES - 4));
    }
}

/// The real worker with the real model, where both are there.
#[test]
fn the_real_worker_comes_back_after_a_kill() {
    let target = std::env::current_exe().unwrap();
    let program = target.ancestors().nth(2).unwrap().join(PROGRAM);
    let state = std::env::var_os("VEDETTE_TEST_MODEL").map(PathBuf::from);
    let bundles = state.map(|state| Bundles::of(&state));
    let Some(bundles) = bundles.filter(|bundles| bundles.find().is_ok() && program.is_file())
    else {
        println!(
            "not applicable: no pulled model in $VEDETTE_TEST_MODEL, or the worker is not built"
        );
        return;
    };
    let settings = WorkerSettings { program: Some(program), ..settings() };
    let mut client = WorkerClient::new(bundles, settings);
    let ask = [question(1, "Failed password for root from 203.0.113.7 port 22 ssh2")];
    let first = client.ask(&ask).unwrap();
    let child = client.connection.as_mut().unwrap().child.as_mut().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(client.ask(&ask).is_err());
    assert_eq!(client.ask(&ask).unwrap(), first, "the same line, the same answer");
    client.settings.max_resident_bytes = 1;
    assert!(client.ask(&ask).unwrap_err().to_string().contains("memory"));
}
