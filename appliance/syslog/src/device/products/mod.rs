//! The products known by data alone, a table a kind of device. To add one: name it, say how its lines
//! are known, and give what the general tables of names and words cannot know. Field names were taken
//! from the makers' public log references.

use super::pattern::Pattern;
use super::product::{Columns, Product};

mod applications;
mod databases;
mod firewalls;
mod mail;
mod proxies;
mod remote;
mod services;
mod storage;

/// Asked in order.
pub(super) const TABLES: &[&[Product]] = &[
    firewalls::TABLE,
    remote::TABLE,
    storage::TABLE,
    mail::TABLE,
    databases::TABLE,
    applications::TABLE,
    proxies::TABLE,
    services::TABLE,
];

/// `event.category`, `event.action` and `event.outcome` of what most products report.
const LOGIN: [&str; 3] = ["authentication", "login", ""];
const LOGIN_FAILED: [&str; 3] = ["authentication", "login", "failure"];
const LOGIN_DONE: [&str; 3] = ["authentication", "login", "success"];
const REQUEST: [&str; 3] = ["web", "http_request", ""];
const CONNECTION: [&str; 3] = ["network", "connection", ""];
const PLAIN: [&str; 3] = ["", "", ""];

/// A form of text.
const fn form(needle: &'static str, regex: &'static str, event: [&'static str; 3]) -> Pattern {
    Pattern { needle, regex, event }
}
