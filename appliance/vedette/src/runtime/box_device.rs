//! What the console asks of the box besides the store.

use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;
use vedette_console::Device;
use vedette_event::{Status, TechniqueId};
use vedette_kb::Kb;
use vedette_provisioning::{Claim, ClaimError};

use super::status::Sources;

pub(super) struct BoxDevice {
    shared: Arc<Sources>,
    claim: Mutex<Claim>,
    one_time_login: Mutex<Option<String>>,
}

impl BoxDevice {
    pub(super) fn new(shared: Arc<Sources>, claim: Claim, one_time_login: Option<String>) -> Self {
        Self { shared, claim: Mutex::new(claim), one_time_login: Mutex::new(one_time_login) }
    }
}

impl Device for BoxDevice {
    fn status(&self) -> Status {
        self.shared.status()
    }

    fn now(&self) -> OffsetDateTime {
        self.shared.clock.now()
    }

    fn technique(&self, id: TechniqueId) -> Option<(&'static str, &'static str)> {
        let technique = Kb::embedded().attack().get(&id.to_string())?;
        Some((technique.name, technique.tactic().name()))
    }

    fn claim(&self, code: &str) -> Result<bool, String> {
        let mut claim = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        match claim.consume(code) {
            Ok(()) => Ok(true),
            Err(ClaimError::Wrong { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn one_time_login(&self, code: &str) -> bool {
        let mut login = self.one_time_login.lock().unwrap_or_else(PoisonError::into_inner);
        // The code is 256 random bits and works once: how long a comparison takes tells nothing.
        if login.as_deref() == Some(code) {
            *login = None;
            return true;
        }
        false
    }
}
