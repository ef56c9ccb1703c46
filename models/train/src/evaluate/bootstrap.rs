//! How sure a figure is: whole groups are drawn anew, with replacement, and the figure counted again
//! (cluster bootstrap; percentile intervals as in Efron and Tibshirani 1993).

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::figures::{Figures, Mark};
use super::list::{COUNT, Contest, FIGURES, Figure, Part};

/// How often groups are drawn: the ends of a 95 % interval stand still to about a hundredth of its
/// width at this many, and a report takes seconds.
pub const RESAMPLES: usize = 400;

/// Seed of the draws.
pub const SEED: u64 = 20_261_122;

/// Groups below which drawing them anew tells nothing.
const MIN_GROUPS: usize = 5;

/// Of each hundred resamples at least so many must yield a number: else the interval would be one of
/// the lucky draws.
const MIN_COUNTED: usize = 90;

/// Where a figure lies in 95 of 100 draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 of 100 draws lie below.
    pub low: f64,
    /// 2.5 of 100 draws lie above.
    pub high: f64,
}

impl Interval {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        if values.len() * 100 < RESAMPLES * MIN_COUNTED {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let last = (values.len() - 1) as f64;
        let at = |share: f64| values[(share * last).round() as usize];
        Some(Self { low: at(0.025), high: at(0.975) })
    }
}

/// The same draws for every judge, so that they can be compared in pairs.
pub(super) struct Draws {
    rows: Vec<Vec<usize>>,
    /// Whether a part's lines stand in enough groups.
    enough: BTreeMap<Part, bool>,
}

/// Each figure of a judge on each draw.
pub(super) type Redrawn = Vec<[f64; COUNT]>;

impl Draws {
    /// Of the groups of some lines; `marks` are any judge's.
    pub(super) fn of(rows: &[usize], groups: &[&str], marks: &[Mark]) -> Self {
        let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in rows {
            by_group.entry(groups[*row]).or_default().push(*row);
        }
        let members: Vec<Vec<usize>> = by_group.into_values().collect();
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let mut draw = || {
            (0..members.len())
                .flat_map(|_| members[random.random_range(0..members.len())].iter().copied())
                .collect()
        };
        let enough = |part: Part| {
            let asked = rows.iter().filter(|row| part.counts(&marks[**row]));
            let distinct: BTreeSet<&str> = asked.map(|row| groups[*row]).collect();
            (part, distinct.len() >= MIN_GROUPS)
        };
        Self {
            rows: (0..RESAMPLES).map(|_| draw()).collect(),
            enough: Part::ALL.map(enough).into(),
        }
    }

    /// A judge's figures on every draw.
    pub(super) fn figures(&self, marks: &[Mark]) -> Redrawn {
        let count = |rows: &Vec<usize>| {
            let figures = Figures::of(&rows.iter().map(|row| &marks[*row]).collect::<Vec<_>>());
            FIGURES.map(|figure| (figure.of)(&figures))
        };
        self.rows.iter().map(count).collect()
    }

    /// The interval of each figure.
    pub(super) fn intervals(&self, redrawn: &Redrawn) -> Vec<Option<Interval>> {
        let of = |(at, figure): (usize, &Figure)| {
            self.tells(figure).then(|| Interval::of(redrawn.iter().map(|draw| draw[at]))).flatten()
        };
        FIGURES.iter().enumerate().map(of).collect()
    }

    fn tells(&self, figure: &Figure) -> bool {
        self.enough[&figure.part]
    }

    /// Whether one judge is better than another, figure by figure.
    pub(super) fn compare(
        &self,
        ours: &Contestant<'_>,
        theirs: &Contestant<'_>,
    ) -> Vec<Comparison> {
        let contested = FIGURES.iter().enumerate().filter(|(_, f)| f.contest != Contest::None);
        contested
            .filter_map(|(at, figure)| {
                let sign = if figure.contest == Contest::Lower { -1.0 } else { 1.0 };
                let gain = sign * ((figure.of)(ours.figures) - (figure.of)(theirs.figures));
                let draws = ours.redrawn.iter().zip(theirs.redrawn);
                let gains = draws.map(|(ours, theirs)| sign * (ours[at] - theirs[at]));
                let interval = self.tells(figure).then(|| Interval::of(gains)).flatten();
                (!gain.is_nan()).then(|| Comparison {
                    judge: ours.name.to_owned(),
                    against: theirs.name.to_owned(),
                    part: figure.part,
                    figure: figure.name,
                    gain,
                    interval,
                    finding: Finding::of(interval),
                })
            })
            .collect()
    }
}

/// A judge in a comparison.
pub(super) struct Contestant<'a> {
    pub(super) name: &'a str,
    pub(super) figures: &'a Figures,
    pub(super) redrawn: &'a Redrawn,
}

/// By how much a judge is better than another.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The one.
    pub judge: String,
    /// The other.
    pub against: String,
    /// What the figure is about.
    pub part: Part,
    /// The figure.
    pub figure: &'static str,
    /// How much better the one is, below zero where it is worse; for figures that should be low too.
    pub gain: f64,
    /// Where the gain lies in 95 of 100 draws of the same groups for both.
    pub interval: Option<Interval>,
    /// What follows.
    pub finding: Finding,
}

/// What the interval of a gain bears out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Better by more than chance.
    Better,
    /// Worse by more than chance.
    Worse,
    /// Chance would do.
    Undecided,
}

impl Finding {
    fn of(interval: Option<Interval>) -> Self {
        match interval {
            Some(Interval { low, .. }) if low > 0.0 => Self::Better,
            Some(Interval { high, .. }) if high < 0.0 => Self::Worse,
            _ => Self::Undecided,
        }
    }
}
