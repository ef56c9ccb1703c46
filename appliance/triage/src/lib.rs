//! Decides what a log line means: masking, templates, rules, screen, baselines, correlation, risk.
//!
//! Knows no socket, no file, no database, no runtime and no clock: records and the time are handed
//! in, actions come out. Log text is data everywhere; it never chooses an action.
//!
//! Start reading at [`mask()`].

mod clean;
mod mask;
pub mod screen;

pub use clean::{Clean, TEXT_CAP, clean};
pub use mask::{Masked, PLACEHOLDER, TEMPLATE_CAP, VALUES_CAP, mask};
