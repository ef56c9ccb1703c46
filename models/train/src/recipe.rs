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
    /// Most steps of the solver, each a pass over the rows.
    #[arg(long, default_value_t = 30)]
    pub rounds: usize,
    /// The same for the techniques, which are many; 0 leaves them out, for quick trials.
    #[arg(long, default_value_t = 30)]
    pub technique_rounds: usize,
    /// L2 penalty against a loss of one per row.
    #[arg(long, default_value_t = 1.0)]
    pub penalty: f32,
    /// The same for the techniques.
    #[arg(long, default_value_t = 0.3)]
    pub technique_penalty: f32,
    /// Learn techniques from words alone, as their weights are most of the file.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub technique_words: bool,
    /// Groups that must know a feature.
    #[arg(long, default_value_t = 2)]
    pub min_groups: usize,
    /// Most features kept.
    #[arg(long, default_value_t = 100_000)]
    pub max_features: usize,
    /// Weight of a weak label beside a strong one.
    #[arg(long, default_value_t = 0.3)]
    pub weak: f32,
    /// The same for the classes: what a line is like is known better than whether it is malice.
    #[arg(long, default_value_t = 1.0)]
    pub weak_class: f32,
    /// Weight of a line that a rule's author wants to hear of, or not, beside a strong label.
    #[arg(long, default_value_t = 0.6)]
    pub alert: f32,
    /// Weight of a line of our own generator beside a labelled one, for malicious or not.
    #[arg(long, default_value_t = 0.04)]
    pub synthetic_malicious: f32,
    /// The same for the classes.
    #[arg(long, default_value_t = 0.02)]
    pub synthetic_class: f32,
    /// The same for severities.
    #[arg(long, default_value_t = 0.05)]
    pub synthetic_severity: f32,
    /// The same for techniques.
    #[arg(long, default_value_t = 0.5)]
    pub synthetic_technique: f32,
    /// Weight of a text about a rule beside a labelled line.
    #[arg(long, default_value_t = 0.3)]
    pub auxiliary: f32,
    /// The same for severities, which every author of rules grades by a scale of his own.
    #[arg(long, default_value_t = 0.0)]
    pub auxiliary_severity: f32,
    /// Power of the number of labelled lines in a group by which each of them is divided: 0 lets big
    /// groups speak louder, 1 gives each group one voice.
    #[arg(long, default_value_t = 0.5)]
    pub group_power: f32,
    /// How much lines of our own weigh at least, against what the labelled lines of their family of
    /// products are out of balance, for malicious or not.
    #[arg(long, default_value_t = 1.5)]
    pub counterweight: f32,
    /// Power of a label's share by which its rows are divided, for malicious or not: 1 balances.
    #[arg(long, default_value_t = 1.0)]
    pub balance_malicious: f32,
    /// The same for the classes.
    #[arg(long, default_value_t = 0.25)]
    pub balance_class: f32,
    /// The same for severities, whose rare grades count as much as the common ones.
    #[arg(long, default_value_t = 0.5)]
    pub balance_severity: f32,
    /// The same for techniques.
    #[arg(long, default_value_t = 0.0)]
    pub balance_technique: f32,
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
    /// Most steps of the solver for a question.
    pub fn rounds(&self, question: Question) -> usize {
        if question == Question::Technique { self.technique_rounds } else { self.rounds }
    }

    /// L2 penalty for a question.
    pub fn penalty(&self, question: Question) -> f32 {
        if question == Question::Technique { self.technique_penalty } else { self.penalty }
    }

    /// Weight of our own lines for a question.
    pub fn synthetic(&self, question: Question) -> f32 {
        match question {
            Question::Malicious => self.synthetic_malicious,
            Question::Class => self.synthetic_class,
            Question::Severity => self.synthetic_severity,
            Question::Technique => self.synthetic_technique,
        }
    }

    /// Power by which a question's labels are balanced.
    pub fn balance(&self, question: Question) -> f32 {
        match question {
            Question::Malicious => self.balance_malicious,
            Question::Class => self.balance_class,
            Question::Severity => self.balance_severity,
            Question::Technique => self.balance_technique,
        }
    }
}
