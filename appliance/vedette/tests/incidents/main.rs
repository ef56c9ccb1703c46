//! `vedette incidents from`, run as a command over days and sessions that no rule was written on, held
//! against the truth and beside what everybody could do: one group for a source address and an hour.
//! `cargo test -p vedette --test incidents -- --nocapture` shows the tables.

mod command;
mod days;
mod sessions;
