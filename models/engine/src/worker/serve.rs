use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vedette_event::worker::{MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request};
use vedette_event::{LanguageModel, ModelSay, Question};

use super::frame::{FrameError, read_frame, write_frame};
use crate::{Embedder, Judge};

/// Most connections at once: the appliance and a command or two beside it.
const MAX_CONNECTIONS: usize = 4;

/// How long to wait after a failed accept, which a full descriptor table would repeat at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Questions calculated before the clock is looked at again: a pass takes several of them anyway.
const QUESTIONS_A_LOOK: usize = 4;

/// What is loaded, with what its process lacks.
pub struct Service {
    judge: Option<Mutex<Judge>>,
    sentences: Option<Embedder>,
    without: Vec<String>,
}

impl Service {
    /// A service by the models there are, in a process around which some walls could not be raised.
    pub fn new(judge: Option<Judge>, sentences: Option<Embedder>, without: Vec<String>) -> Self {
        Self { judge: judge.map(Mutex::new), sentences, without }
    }

    fn judge(&self) -> Result<MutexGuard<'_, Judge>, String> {
        let judge = self.judge.as_ref().ok_or("no language model runs here")?;
        Ok(judge.lock().unwrap_or_else(PoisonError::into_inner))
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
    let late = |within_ms| asked.elapsed() >= Duration::from_millis(within_ms);
    let answered = match request {
        Request::Hello => {
            // Answered when the judge is free: whoever greets wants to ask it.
            let judged_by = service.judge().ok().map(|judge| judge.bundle().to_owned());
            let read_by = service.sentences.as_ref().map(|model| model.name().to_owned());
            let bundle = judged_by.or(read_by).unwrap_or_default();
            Ok(Reply::Ready { bundle, without: service.without.clone() })
        }
        Request::Ask { questions, within_ms } => {
            let texts = questions.iter().map(|question| question.text.as_str());
            check(texts).and_then(|()| service.judge()).and_then(|mut judge| {
                let says = says(&mut judge, &questions, || late(within_ms))?;
                Ok(Reply::Says { says })
            })
        }
        Request::Embed { texts, within_ms } => check(texts.iter().map(String::as_str))
            .and_then(|()| vectors(service, &texts, || late(within_ms)))
            .map(|vectors| Reply::Vectors { vectors }),
    };
    answered.unwrap_or_else(|why| Reply::Failed { why })
}

/// A vector of each text, unless it gets late.
fn vectors(
    service: &Service,
    texts: &[String],
    late: impl Fn() -> bool,
) -> Result<Vec<Vec<f32>>, String> {
    let model = service.sentences.as_ref().ok_or("no sentence model runs here")?;
    let mut vectors = Vec::with_capacity(texts.len());
    for text in texts {
        if late() {
            let count = texts.len();
            return Err(format!("{} of {count} texts when the time was up", vectors.len()));
        }
        vectors.push(model.embed(text));
    }
    Ok(vectors)
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

fn check<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> Result<(), String> {
    if texts.len() > MAX_QUESTIONS {
        return Err(format!("{} questions at once, at most {MAX_QUESTIONS}", texts.len()));
    }
    match texts.map(str::len).max() {
        Some(longest) if longest > MAX_QUESTION_BYTES => {
            Err(format!("a question of {longest} bytes, at most {MAX_QUESTION_BYTES}"))
        }
        _ => Ok(()),
    }
}
