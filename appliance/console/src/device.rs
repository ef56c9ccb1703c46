use time::OffsetDateTime;
use vedette_event::{Status, TechniqueId};

/// What the console asks of the box, besides the store.
pub trait Device: Send + Sync {
    /// What the appliance says of itself.
    fn status(&self) -> Status;

    /// The time that log lines are stamped with.
    fn now(&self) -> OffsetDateTime;

    /// What ATT&CK calls a technique and the tactic it serves, if it is known:
    /// `("Password Guessing", "Credential Access")`.
    fn technique(&self, id: TechniqueId) -> Option<(&'static str, &'static str)>;

    /// Uses up the claim code of the first start; `false` when it is not the one.
    ///
    /// # Errors
    /// A sentence for the person, when no code is accepted any more or the box cannot note it.
    fn claim(&self, code: &str) -> Result<bool, String>;

    /// Uses up a one-time login, if one was given out and this is it.
    fn one_time_login(&self, code: &str) -> bool;
}
