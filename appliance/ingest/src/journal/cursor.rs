use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest cursor believed; journald's have about 130 bytes.
const CURSOR_MAX: usize = 1_024;

/// How far the journal has been read, and how far that is committed.
pub(super) struct Position {
    handed_on: Option<String>,
    committed: Arc<Mutex<Option<String>>>,
}

impl Position {
    pub(super) fn new(start: Option<String>) -> Self {
        Self { handed_on: start, committed: Arc::default() }
    }

    /// The last entry that was handed on.
    pub(super) fn handed_on(&self) -> Option<&str> {
        self.handed_on.as_deref()
    }

    /// Notes an entry that is handed on; to be called when it is committed.
    pub(super) fn hand_on(&mut self, cursor: Option<String>) -> impl FnOnce() + Send + 'static {
        let committed = self.committed.clone();
        if cursor.is_some() {
            self.handed_on.clone_from(&cursor);
        }
        move || {
            if cursor.is_some() {
                *committed.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
            }
        }
    }

    /// The last entry committed since this was asked before.
    fn news(&self) -> Option<String> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The file in which the position outlives the process: the cursor and an LF.
#[derive(Clone)]
pub(super) struct CursorFile(pub(super) PathBuf);

impl CursorFile {
    /// The position, if there is one that can be believed.
    pub(super) fn read(&self) -> Option<String> {
        let path = self.0.display();
        match fs::read_to_string(&self.0) {
            Ok(text) => {
                let cursor = cursor(&text);
                if cursor.is_none() {
                    tracing::error!(%path, "the place in the journal is damaged; reading goes on from the newest entry, what came while nobody read is left out");
                }
                cursor
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::info!(%path, "no place in the journal yet; reading begins with the newest entry");
                None
            }
            Err(error) => {
                tracing::error!(%path, %error, "the place in the journal cannot be read; reading goes on from the newest entry");
                None
            }
        }
    }

    /// Writes down what is new, so that a reader finds the old position or the new one, whole.
    pub(super) async fn note(&self, position: &Position) {
        let Some(cursor) = position.news() else { return };
        let file = self.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&cursor)).await;
        if let Ok(Err(error)) = written {
            // What is read again after a restart is marked.
            tracing::warn!(path = %self.0.display(), %error, "the place in the journal cannot be noted");
        }
    }

    fn write(&self, cursor: &str) -> io::Result<()> {
        let new = self.0.with_extension("new");
        let mut file = fs::File::create(&new)?;
        file.write_all(format!("{cursor}\n").as_bytes())?;
        file.sync_data()?;
        fs::rename(new, &self.0)
    }
}

/// A whole cursor: journald takes no half of one, and its LF shows that the end is there.
fn cursor(text: &str) -> Option<String> {
    let cursor = text.strip_suffix('\n')?;
    let whole = (1..=CURSOR_MAX).contains(&cursor.len())
        && cursor.contains('=')
        && cursor.bytes().all(|byte| byte.is_ascii_graphic());
    whole.then(|| cursor.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_cursor_is_believed() {
        for (text, expected) in [
            ("s=7a;i=4ec;b=6c\n", Some("s=7a;i=4ec;b=6c")),
            ("s=7a;i=4ec;b=6", None),
            ("", None),
            ("\n", None),
            ("s=7a\u{0};i=1\n", None),
            ("s=7a\ns=8\n", None),
        ] {
            assert_eq!(cursor(text).as_deref(), expected, "{text:?}");
        }
    }
}
