//! Small stories with a known end: what an appliance would show of them, and how they ended.
//!
//! The halves were fixed before the rules were written: what stands in `BUILT_ON` was looked at while
//! building, `HELD_BACK` comes from other products with other words. Titles and classes say nothing of
//! the end; only the lines do.

mod blind;
mod halves;
mod last;
mod later;

use vedette_event::ResolutionCode::{
    self, BenignExpected as Expected, BenignMisconfiguration as Faulty, NeedsHuman as Human,
    TruePositiveActionNeeded as Act, TruePositiveContained as Contained,
};
use vedette_event::ThreatClass;

pub(crate) use blind::BLIND;
pub(crate) use halves::{BUILT_ON, HELD_BACK};
pub(crate) use last::{LAST, STEMS};
pub(crate) use later::{FRESH, WRITTEN_AFTER};

/// How it ended, its class, and its lines, with open places in braces.
pub(crate) type Story = (ResolutionCode, ThreatClass, &'static [&'static str]);
