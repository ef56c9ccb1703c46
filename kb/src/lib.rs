//! The knowledge base: ATT&CK facts, runbooks, dialects, intelligence.
//!
//! Everything is embedded in the binary and read once. The crate must not know the other crates of the
//! house: what it shares with them are ids as text. It does no I/O; a customer's imported runbooks
//! are parsed here and kept by the caller.
//!
//! Start reading at [`Kb`].

pub mod attack;
pub mod cues;
pub mod dialects;
pub mod imported;
pub mod intel;
mod lint;
pub mod runbook;

use std::sync::{LazyLock, Mutex, PoisonError};

pub use attack::Attack;
pub use imported::{ImportError, Imported};
pub use intel::Pack;
pub use lint::Finding;
pub use runbook::{Runbook, RunbookId};

/// Facts that an import brought, for the first use of the knowledge base to take.
static NEWER: Mutex<Option<Attack>> = Mutex::new(None);

/// All that the product knows by itself.
#[derive(Debug)]
pub struct Kb {
    attack: Attack,
    runbooks: Vec<Runbook>,
    intel: Pack,
}

impl Kb {
    /// The knowledge in this binary, read at the first call.
    pub fn embedded() -> &'static Self {
        static KB: LazyLock<Kb> = LazyLock::new(|| {
            Kb::read().expect("the embedded files do not change after the test that reads them")
        });
        &KB
    }

    /// Puts imported facts in the place of the embedded ones; to be called before the first
    /// [`Self::embedded`], which takes them.
    pub fn adopt(attack: Attack) {
        *NEWER.lock().unwrap_or_else(PoisonError::into_inner) = Some(attack);
    }

    fn read() -> Result<Self, String> {
        let newer = NEWER.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Self {
            attack: newer.map_or_else(Attack::embedded, Ok)?,
            runbooks: runbook::embedded()?,
            intel: Pack::embedded()?,
        })
    }

    /// ATT&CK facts.
    pub fn attack(&self) -> &Attack {
        &self.attack
    }

    /// Our own runbooks.
    pub fn runbooks(&self) -> &[Runbook] {
        &self.runbooks
    }

    /// The runbook with this id.
    pub fn runbook(&self, id: &str) -> Option<&Runbook> {
        self.runbooks.iter().find(|runbook| runbook.id.as_str() == id)
    }

    /// Indicators.
    pub fn intel(&self) -> &Pack {
        &self.intel
    }

    /// Every defect of the embedded knowledge, and of imported runbooks beside it; none is the aim.
    pub fn lint(&self, imported: &Imported) -> Vec<Finding> {
        lint::lint(self, imported)
    }
}
