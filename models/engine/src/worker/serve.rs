use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vedette_event::worker::{MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request};
use vedette_event::{LanguageModel, Question};

use super::frame::{FrameError, read_frame, write_frame};
use crate::Judge;

/// Most connections at once: the appliance and a command or two beside it.
const MAX_CONNECTIONS: usize = 4;

/// How long to wait after a failed accept, which a full descriptor table would repeat at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers one connection until the other side closes it. A request that makes no sense is answered
/// with a reason; one that cannot even be told apart from the next ends the connection.
///
/// # Errors
/// When the connection fails or the other side breaks the protocol.
pub fn serve_connection(
    stream: &mut (impl Read + Write),
    judge: &Mutex<Judge>,
) -> Result<(), FrameError> {
    loop {
        let reply = match read_frame(stream) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => answer(request, judge),
            Err(FrameError::Content(why)) => Reply::Failed { why: why.to_string() },
            Err(why) => return Err(why),
        };
        write_frame(stream, &reply)?;
    }
}

/// Answers connections on a listener until `is_stale` says that another model is wanted; what exceeds
/// [`MAX_CONNECTIONS`] is closed at once.
pub fn serve_listener(listener: &UnixListener, judge: &Mutex<Judge>, is_stale: impl Fn() -> bool) {
    let open = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        loop {
            let Ok((mut stream, _)) = listener.accept() else {
                std::thread::sleep(ACCEPT_PAUSE);
                continue;
            };
            if is_stale() {
                // Whoever asked finds the connection closed and a new worker behind the next one.
                std::process::exit(0);
            }
            if open.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
                open.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let open = &open;
            scope.spawn(move || {
                if let Err(why) = serve_connection(&mut stream, judge) {
                    eprintln!("vedette-worker: a connection ended: {why}");
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

fn answer(request: Request, judge: &Mutex<Judge>) -> Reply {
    let mut judge = match judge.lock() {
        Ok(judge) => judge,
        Err(poisoned) => poisoned.into_inner(),
    };
    match request {
        Request::Hello => Reply::Ready { bundle: judge.bundle().to_owned() },
        Request::Ask { questions } => match check(&questions) {
            Err(why) => Reply::Failed { why },
            Ok(()) => match judge.ask(&questions) {
                Ok(says) => Reply::Says { says },
                Err(why) => Reply::Failed { why: why.to_string() },
            },
        },
    }
}

fn check(questions: &[Question]) -> Result<(), String> {
    if questions.len() > MAX_QUESTIONS {
        return Err(format!("{} questions at once, at most {MAX_QUESTIONS}", questions.len()));
    }
    match questions.iter().map(|question| question.text.len()).max() {
        Some(longest) if longest > MAX_QUESTION_BYTES => {
            Err(format!("a question of {longest} bytes, at most {MAX_QUESTION_BYTES}"))
        }
        _ => Ok(()),
    }
}
