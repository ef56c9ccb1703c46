//! Training and measuring: the screen, the baselines, the reports.
//!
//! Reads the labelled rows of the shared data folder, trains the linear screen that triage loads, and
//! says what it is worth beside naive Bayes and the majority class. Must not know the engine, sockets
//! or the store. No row is ever written to an output: weights, figures and hashes only.
//!
//! Start reading at [`judge::Linear::train`] for training, at [`evaluate`] for measuring any judge.

pub mod assemble;
pub mod auxiliary;
pub mod bayes;
pub mod combine;
pub mod corpus;
pub mod dataset;
pub mod evaluate;
pub mod family;
pub mod grades;
pub mod heads;
pub mod judge;
pub mod learnt;
pub mod linear;
pub mod metrics;
pub mod outcomes;
pub mod questions;
pub mod recipe;
pub mod report;
pub mod shipped;
pub mod validate;
pub mod vocabulary;
