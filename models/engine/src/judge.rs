use vedette_event::{LanguageModel, ModelError, ModelSay, Question};

use crate::{Analyst, Classifier, EngineError, LoadOptions, ModelFile, Prompt, Tuning};

/// Whoever answers for a model: by its heads where it was tuned, else by label scores.
pub enum Judge {
    /// A tuned model.
    Classifier(Box<Classifier>),
    /// Any other.
    Analyst(Box<Analyst>),
}

impl Judge {
    /// Loads a model: with the heads or the ensemble beside its file, with the tuning that ships for exactly this
    /// base, or as it is. What lies beside is held to its SHA-256 (hex) where it is given.
    ///
    /// # Errors
    /// When the file or what belongs to it is damaged.
    pub fn new(
        file: ModelFile,
        heads_sha256: Option<&str>,
        options: LoadOptions,
    ) -> Result<Self, EngineError> {
        let tuning = match Tuning::beside(file.path(), heads_sha256)? {
            Some(tuning) => Some(tuning),
            None => Tuning::shipped(file.sha256())?,
        };
        Ok(match tuning {
            Some(tuning) => Self::Classifier(Box::new(Classifier::new(file, tuning, options)?)),
            None => Self::Analyst(Box::new(Analyst::new(file, &Prompt::base()?, &options)?)),
        })
    }

    /// Names what answers.
    pub fn bundle(&self) -> &str {
        match self {
            Self::Classifier(classifier) => classifier.bundle(),
            Self::Analyst(analyst) => analyst.bundle(),
        }
    }
}

impl LanguageModel for Judge {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        match self {
            Self::Classifier(classifier) => classifier.ask(questions),
            Self::Analyst(analyst) => analyst.ask(questions),
        }
    }
}
