//! The thread that brings questions to the model's process and answers back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use tokio_util::sync::CancellationToken;
use vedette_event::{LanguageModel as _, ModelSay, Question};
use vedette_telemetry::{Counter, Metric, Registry};

use crate::model::worker::{WorkerClient, WorkerState};

/// Questions that may wait: the model answers a few a second, so what is behind these is judged by
/// screen and rules before its turn would come.
const WAITING: usize = 64;
/// Questions put to the worker in one go: a second of its work.
const BATCH: usize = 8;
/// How often an idle worker is looked after.
const TEND: Duration = Duration::from_millis(500);

/// Whether a question was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Taken,
    Full,
}

/// Triage's end of the thread.
pub(super) struct Channel {
    questions: Sender<Question>,
    pub(super) answers: Receiver<ModelSay>,
    available: Arc<AtomicBool>,
}

impl Channel {
    /// Whether the model answers at present.
    pub(super) fn is_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    /// Hands a question over, unless too many wait.
    pub(super) fn ask(&self, question: Question) -> Asked {
        match self.questions.try_send(question) {
            Ok(()) => Asked::Taken,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Asked::Full,
        }
    }
}

pub(super) struct Questions {
    pub(super) channel: Channel,
    /// Absent when the model is switched off.
    pub(super) thread: Option<JoinHandle<()>>,
}

pub(super) fn spawn(
    worker: Option<WorkerClient>,
    registry: &Registry,
    stop: &CancellationToken,
) -> Result<Questions> {
    let (questions, asked) = bounded(WAITING);
    // Triage empties this channel between two batches of lines; a full one makes the model wait.
    let (answered, answers) = bounded(WAITING);
    let available = Arc::new(AtomicBool::new(false));
    let channel = Channel { questions, answers, available: available.clone() };
    let Some(worker) = worker else { return Ok(Questions { channel, thread: None }) };
    let mut thread = Thread {
        worker,
        asked,
        answered,
        available,
        answered_total: registry.counter(Metric::ModelQuestions, ""),
        restarts: registry.counter(Metric::ModelRestarts, ""),
        starts: 0,
        told: None,
        stop: stop.clone(),
    };
    let handle = Builder::new()
        .name("vedette-model".to_owned())
        .spawn(move || thread.run())
        .context("cannot start a thread")?;
    Ok(Questions { channel, thread: Some(handle) })
}

struct Thread {
    worker: WorkerClient,
    asked: Receiver<Question>,
    answered: Sender<ModelSay>,
    available: Arc<AtomicBool>,
    answered_total: Counter,
    restarts: Counter,
    /// How often the worker has come up.
    starts: u64,
    /// What the log was told last.
    told: Option<WorkerState>,
    stop: CancellationToken,
}

impl Thread {
    fn run(&mut self) {
        while !self.stop.is_cancelled() {
            // What is wrong stands in the worker's state, which log, status and console show.
            let _ = self.worker.tend();
            self.note_availability();
            match self.asked.recv_timeout(TEND) {
                Ok(first) => self.put(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn put(&mut self, first: Question) {
        let mut batch = vec![first];
        batch.extend(self.asked.try_iter().take(BATCH - 1));
        // A failed batch is not asked again: its lines have the verdict of screen and rules.
        if let Ok(says) = self.worker.ask(&batch) {
            self.answered_total.add(says.len() as u64);
            for say in says {
                if self.answered.send(say).is_err() {
                    return;
                }
            }
        }
        self.note_availability();
    }

    fn note_availability(&mut self) {
        let state = self.worker.status().get();
        let up = matches!(state, WorkerState::Up { .. });
        self.tell(state);
        if up && !self.available.swap(up, Ordering::Relaxed) {
            self.restarts.add(u64::from(self.starts > 0));
            self.starts += 1;
        }
        self.available.store(up, Ordering::Relaxed);
    }

    /// Logs how the model is when that has changed: what is tried again every second is told once.
    fn tell(&mut self, state: WorkerState) {
        if self.told.as_ref() == Some(&state) {
            return;
        }
        match &state {
            WorkerState::Starting => return,
            WorkerState::Up { bundle, without } => {
                tracing::info!(bundle, "the language model answers");
                for wall in without {
                    tracing::warn!(wall, "the model's process runs without it: the system refused");
                }
            }
            WorkerState::Missing(why) | WorkerState::Down { reason: why } => {
                tracing::warn!(why, "no language model: screen and rules answer");
            }
        }
        self.told = Some(state);
    }
}
