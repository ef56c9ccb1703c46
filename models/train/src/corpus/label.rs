//! What a case is: `class severity T1,T2`.

use anyhow::{Context, Result, bail};
use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::dataset::{Label, Truth};

/// What is true of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseLabel {
    /// Threat class.
    pub class: ThreatClass,
    /// Severity by the usual bands: low for what nobody need look at today.
    pub severity: Severity,
    /// Techniques, most telling first.
    pub techniques: Vec<TechniqueId>,
}

impl CaseLabel {
    /// Reads `class [severity] [technique,technique]`; only `benign` may stand alone.
    ///
    /// # Errors
    /// When a word is no class, severity or technique.
    pub fn parse(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let class = words.next().context("a label begins with a threat class")?;
        let class: ThreatClass =
            class.parse().with_context(|| format!("`{class}` is no threat class"))?;
        let severity = match words.next() {
            Some(word) => word.parse().with_context(|| format!("`{word}` is no severity"))?,
            None if class == ThreatClass::Benign => Severity::Low,
            None => bail!("a threat has a severity: `{text}`"),
        };
        let techniques = words
            .next()
            .map(|ids| ids.split(',').map(str::parse::<TechniqueId>).collect::<Result<_, _>>())
            .transpose()
            .with_context(|| format!("`{text}` names no techniques"))?
            .unwrap_or_default();
        if let Some(word) = words.next() {
            bail!("`{word}` is too much in a label");
        }
        Ok(Self { class, severity, techniques })
    }

    /// Whether it is a threat.
    pub fn is_malicious(&self) -> bool {
        self.class != ThreatClass::Benign
    }

    /// As the truth of a row; a benign line's techniques say what it is like, and are not kept.
    pub fn truth(&self) -> Truth {
        let malicious = self.is_malicious();
        let mut techniques: Vec<TechniqueId> =
            self.techniques.iter().filter(|_| malicious).map(|id| id.parent()).collect();
        techniques.dedup();
        Truth {
            malicious: Some(Label { value: malicious, strong: true }),
            class: Some(self.class),
            techniques,
            severity: Some(self.severity),
            alert: None,
        }
    }
}
