//! Decides what a log line means: masking, templates, rules, screen, baselines, correlation, risk.
//!
//! Knows no socket, no file, no database, no runtime and no clock: records and the time are handed
//! in, actions come out. Log text is data everywhere; it never chooses an action. Every table is
//! bounded.
//!
//! Start reading at [`Engine`] for the whole, at [`Judge`] for the verdict on one line.

mod alert;
mod baseline;
mod behaviour;
mod clean;
mod company;
mod confirmed;
mod correlate;
mod digest;
mod engine;
mod ensemble;
mod facts;
mod flags;
mod intel;
mod machines;
mod mask;
mod neutral;
mod patterns;
mod policy;
mod risk;
pub mod rules;
pub mod screen;
mod sigma;
mod template;
mod title;
mod voices;
mod watch;

pub use clean::{Clean, TEXT_CAP, clean};
pub use confirmed::{CASES_CAP, Ending, Precedent};
pub use correlate::OPEN_CAP;
pub use digest::{DIGEST_CAP, digest};
pub use engine::{ANSWERS_CAP, Action, Engine, Memory, PENDING_CAP};
pub use ensemble::{Judge, Reading};
pub use facts::Facts;
pub use flags::flags;
pub use intel::{Intel, NoIntel};
pub use mask::{Masked, PLACEHOLDER, TEMPLATE_CAP, VALUES_CAP, mask};
pub use neutral::{neutralise, screened};
pub use policy::{Deciders, Policy};
pub use risk::RISK_CAP;
pub use sigma::{Refusal, Refused, SIGMA_FILE_CAP, SIGMA_RULES_CAP, Sigma};
pub use template::{Seen, TEMPLATES_CAP, Templates};
pub use watch::EVIDENCE_BYTES;
