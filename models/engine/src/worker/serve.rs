use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vedette_event::worker::{MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request};
use vedette_event::{LanguageModel, ModelSay, Question};

use super::frame::{FrameError, read_frame, write_frame};
use crate::Judge;

/// Most connections at once: the appliance and a command or two beside it.
const MAX_CONNECTIONS: usize = 4;

/// How long to wait after a failed accept, which a full descriptor table would repeat at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Questions calculated before the clock is looked at again: a pass takes several of them anyway.
const QUESTIONS_A_LOOK: usize = 4;

/// A loaded model with what its process lacks.
pub struct Service {
    judge: Mutex<Judge>,
    without: Vec<String>,
}

impl Service {
    /// A service by a model, in a process around which some walls could not be raised.
    pub fn new(judge: Judge, without: Vec<String>) -> Self {
        Self { judge: Mutex::new(judge), without }
    }
}

/// Answers one connection until the other side closes it. A request that makes no sense is answered
/// with a reason; one that cannot even be told apart from the next ends the connection.
///
/// # Errors
/// When the connection fails or the other side breaks the protocol.
pub fn serve_connection(
    stream: &mut (impl Read + Write),
    service: &Service,
) -> Result<(), FrameError> {
    loop {
        let reply = match read_frame(stream) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => answer(request, service),
            Err(FrameError::Content(why)) => Reply::Failed { why: why.to_string() },
            Err(why) => return Err(why),
        };
        write_frame(stream, &reply)?;
    }
}

/// Answers connections on a listener until `is_stale` says that another model is wanted; what exceeds
/// [`MAX_CONNECTIONS`] is closed at once.
pub fn serve_listener(listener: &UnixListener, service: &Service, is_stale: impl Fn() -> bool) {
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
                if let Err(why) = serve_connection(&mut stream, service) {
                    eprintln!("vedette-worker: a connection ended: {why}");
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

fn answer(request: Request, service: &Service) -> Reply {
    let asked = Instant::now();
    let mut judge = match service.judge.lock() {
        Ok(judge) => judge,
        Err(poisoned) => poisoned.into_inner(),
    };
    match request {
        Request::Hello => {
            Reply::Ready { bundle: judge.bundle().to_owned(), without: service.without.clone() }
        }
        Request::Ask { questions, within_ms } => {
            let late = || asked.elapsed() >= Duration::from_millis(within_ms);
            let says = check(&questions).and_then(|()| says(&mut judge, &questions, late));
            says.map_or_else(|why| Reply::Failed { why }, |says| Reply::Says { says })
        }
    }
}

/// The answers, unless it gets late.
fn says(
    judge: &mut Judge,
    questions: &[Question],
    late: impl Fn() -> bool,
) -> Result<Vec<ModelSay>, String> {
    let mut says = Vec::with_capacity(questions.len());
    for some in questions.chunks(QUESTIONS_A_LOOK) {
        if late() {
            let count = questions.len();
            return Err(format!("{} of {count} answers when the time was up", says.len()));
        }
        says.extend(judge.ask(some).map_err(|why| why.to_string())?);
    }
    Ok(says)
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
