//! Tunes a model of the Llama family with low-rank changes (LoRA) of its upper layers and four heads:
//! malicious or not, class, severity, technique. Reads examples as `vedette-train examples` writes them,
//! cut into tokens as the product cuts them, and writes what `vedette model build` takes: an adapter as
//! PEFT writes it, and heads. The same seed, files and machine give the same bits, after a stop too.
//!
//! Knows nothing of lines, rules or the appliance: only tokens and what is true of them. Start reading at
//! [`Tuner`].

mod adam;
mod chance;
mod example;
mod frozen;
mod heads;
mod llama;
mod tuner;

use clap::Args;

pub use example::Lesson;
pub use tuner::{Progress, Tuner};

/// Every number that tuning may turn. The defaults are those the shipped adapter was made with.
#[derive(Clone, Debug, Args)]
pub struct Recipe {
    /// Seed of everything drawn by chance.
    #[arg(long, default_value_t = 20_261_122)]
    pub seed: u64,
    /// Rank of the changes.
    #[arg(long, default_value_t = 16)]
    pub rank: usize,
    /// What a change is multiplied with, times its rank.
    #[arg(long, default_value_t = 32.0)]
    pub alpha: f64,
    /// Layers from the top that are changed.
    #[arg(long, default_value_t = 14)]
    pub upper: usize,
    /// Tokens of a line that are read.
    #[arg(long, default_value_t = 129)]
    pub length: usize,
    /// Tokens in a step, padding among them.
    #[arg(long, default_value_t = 2048)]
    pub batch: usize,
    /// Rate of learning of the changes.
    #[arg(long, default_value_t = 6e-4)]
    pub rate: f64,
    /// The same for the heads.
    #[arg(long, default_value_t = 3e-4)]
    pub head_rate: f64,
    /// How far weights are pulled to zero at each step, times the rate.
    #[arg(long, default_value_t = 0.01)]
    pub decay: f64,
    /// Share of the states that heads must do without while learning.
    #[arg(long, default_value_t = 0.1)]
    pub dropout: f32,
    /// Times that all is read.
    #[arg(long, default_value_t = 1)]
    pub epochs: usize,
    /// Times that each labelled line is read in an epoch.
    #[arg(long, default_value_t = 1)]
    pub real: usize,
    /// Lines of our own corpus in an epoch; 0: all.
    #[arg(long, default_value_t = 0)]
    pub synthetic_rows: usize,
    /// Texts about rules in an epoch; 0: all.
    #[arg(long, default_value_t = 0)]
    pub prose_rows: usize,
    /// Weight of a weak label beside a strong one.
    #[arg(long, default_value_t = 0.3)]
    pub weak: f32,
    /// Weight of a line of our own corpus.
    #[arg(long, default_value_t = 1.0)]
    pub synthetic: f32,
    /// Weight of a text about a rule.
    #[arg(long, default_value_t = 0.7)]
    pub prose: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Nothing {
            #[command(flatten)]
            recipe: Recipe,
        }
        <Nothing as clap::Parser>::parse_from(["recipe"]).recipe
    }
}
