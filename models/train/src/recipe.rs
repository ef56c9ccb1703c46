//! Every number that training may turn.

use clap::Args;

use crate::corpus;
use crate::heads::Question;

/// How to train. The defaults come from a handful of trials of `validate` on held-out groups of the
/// training split with one seed, not from a search: differences of two or three points between
/// recipes there are noise.
#[derive(Clone, Debug, Args)]
pub struct Recipe {
    /// Seed of everything drawn by chance.
    #[arg(long, default_value_t = 20_261_121)]
    pub seed: u64,
    /// Lines drawn of our own corpus.
    #[arg(long, default_value_t = corpus::LINES)]
    pub lines: usize,
    /// Leave out naive Bayes and the majority class, for quick trials.
    #[arg(long)]
    pub without_baselines: bool,
    /// Passes over the rows.
    #[arg(long, default_value_t = 16)]
    pub epochs: usize,
    /// Passes over the rows for the techniques, which are many and slow.
    #[arg(long, default_value_t = 5)]
    pub technique_epochs: usize,
    /// First step of AdaGrad.
    #[arg(long, default_value_t = 0.5)]
    pub rate: f32,
    /// Squared gradient assumed before the first: keeps first steps of rare features small.
    #[arg(long, default_value_t = 1e-3)]
    pub caution: f32,
    /// L2 penalty.
    #[arg(long, default_value_t = 1e-5)]
    pub decay: f32,
    /// Groups that must know a feature.
    #[arg(long, default_value_t = 2)]
    pub min_groups: usize,
    /// Most features kept.
    #[arg(long, default_value_t = 100_000)]
    pub max_features: usize,
    /// Weight of a weak label beside a strong one.
    #[arg(long, default_value_t = 0.3)]
    pub weak: f32,
    /// Weight of a line of our own generator beside a labelled one.
    #[arg(long, default_value_t = 1.5)]
    pub synthetic: f32,
    /// Weight of a text about a rule beside a labelled line.
    #[arg(long, default_value_t = 0.3)]
    pub auxiliary: f32,
    /// The same for severities, which every author of rules grades by a scale of his own.
    #[arg(long, default_value_t = 0.05)]
    pub auxiliary_severity: f32,
    /// Power of the number of rows in a group by which each of them is divided: 0 lets big groups
    /// speak louder, 1 gives each group one voice.
    #[arg(long, default_value_t = 0.0)]
    pub group_power: f32,
    /// Power of a label's share by which its rows are divided, for malicious or not: 1 balances.
    #[arg(long, default_value_t = 1.0)]
    pub balance_malicious: f32,
    /// The same for the classes.
    #[arg(long, default_value_t = 0.25)]
    pub balance_class: f32,
    /// The same for severities and techniques.
    #[arg(long, default_value_t = 0.0)]
    pub balance_rest: f32,
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

impl Recipe {
    /// Passes over the rows for a question.
    pub fn passes(&self, question: Question) -> usize {
        if question == Question::Technique { self.technique_epochs } else { self.epochs }
    }

    /// Power by which a question's labels are balanced.
    pub fn balance(&self, question: Question) -> f32 {
        match question {
            Question::Malicious => self.balance_malicious,
            Question::Class => self.balance_class,
            Question::Severity | Question::Technique => self.balance_rest,
        }
    }

    /// Groups counted of a feature; enough to rank the common ones.
    pub fn group_cap(&self) -> usize {
        self.min_groups.max(16)
    }
}
