//! Which features are worth a weight, and lines as vectors over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vedette_triage::screen::features::{Block, FeatureBag};
use vedette_triage::screen::weights::{IDF_STEP, weigh};

use crate::dataset::{Kind, Row};
use crate::recipe::Recipe;

/// A line as (place in the vocabulary, value), the same numbers as the screen computes.
pub type Vector = Vec<(u32, f32)>;

/// The chosen features in ascending order of their hashes.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Hash and stored idf of each.
    pub features: Vec<(u32, u8)>,
    places: HashMap<u32, u32>,
}

/// What is counted of a feature before it is chosen.
#[derive(Default)]
struct Tally {
    rows: u32,
    /// Groups of labelled lines.
    real: BTreeSet<u32>,
    /// Groups of lines of our own.
    synthetic: BTreeSet<u32>,
    /// Texts about rules.
    texts: BTreeSet<u32>,
}

/// Groups of a kind counted of a feature; enough to rank the common ones.
const GROUPS_CAP: usize = 16;

/// What a group of labelled lines counts in the ranking beside a group of another kind: what real
/// products write is what will be read.
const REAL_SHARE: usize = 4;

impl Tally {
    fn add(&mut self, kind: Kind, group: u32) {
        self.rows += 1;
        let groups = match kind {
            Kind::Log => &mut self.real,
            Kind::Synthetic => &mut self.synthetic,
            Kind::Auxiliary => &mut self.texts,
        };
        if groups.len() < GROUPS_CAP {
            groups.insert(group);
        }
    }

    fn groups(&self) -> usize {
        self.real.len() + self.synthetic.len() + self.texts.len()
    }

    fn in_logs(&self) -> bool {
        !self.real.is_empty() || !self.synthetic.is_empty()
    }

    fn rank(&self) -> (usize, u32) {
        (self.groups() + (REAL_SHARE - 1) * self.real.len(), self.rows)
    }
}

impl Vocabulary {
    /// Features that at least [`Recipe::min_groups`] groups know, one of them of log lines; when
    /// there are more than [`Recipe::max_features`], those in the most groups, first of all real ones.
    pub fn choose(rows: &[&Row], recipe: &Recipe) -> Self {
        let mut tallies: HashMap<u32, Tally> = HashMap::new();
        let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
        for row in rows {
            let next = groups.len() as u32;
            let group = *groups.entry(&row.group).or_insert(next);
            for (_, counts) in row.bag.blocks() {
                for (hash, _) in counts {
                    tallies.entry(*hash).or_default().add(row.kind, group);
                }
            }
        }
        let mut chosen: Vec<(u32, Tally)> = tallies
            .into_iter()
            .filter(|(_, tally)| tally.in_logs() && tally.groups() >= recipe.min_groups)
            .collect();
        chosen.sort_by_key(|(hash, tally)| (std::cmp::Reverse(tally.rank()), *hash));
        chosen.truncate(recipe.max_features);
        chosen.sort_by_key(|(hash, _)| *hash);
        let total = rows.len() as f32;
        let features: Vec<(u32, u8)> = chosen
            .into_iter()
            .map(|(hash, tally)| (hash, stored_idf(total, tally.rows as f32)))
            .collect();
        let places = features.iter().zip(0..).map(|((hash, _), place)| (*hash, place)).collect();
        Self { features, places }
    }

    /// A line over the chosen features; each block has its own length, as in the screen.
    pub fn vector(&self, bag: &FeatureBag) -> Vector {
        let mut vector = Vector::new();
        for (block, counts) in bag.blocks() {
            let begin = vector.len();
            for (place, count) in self.known(counts) {
                vector.push((place, weigh(count, self.features[place as usize].1)));
            }
            normalise(&mut vector[begin..], block);
        }
        vector
    }

    /// The words of a line alone, as they stand in its vector.
    pub fn words(&self, bag: &FeatureBag) -> Vector {
        let mut vector = self.vector(bag);
        vector.truncate(self.known(bag.blocks()[Block::Words as usize].1).count());
        vector
    }

    /// Places and counts of a line's known features.
    pub fn counts(&self, bag: &FeatureBag) -> Vec<(u32, u32)> {
        bag.blocks().into_iter().flat_map(|(_, counts)| self.known(counts)).collect()
    }

    fn known<'a>(&'a self, counts: &'a [(u32, u32)]) -> impl Iterator<Item = (u32, u32)> + 'a {
        counts.iter().filter_map(|(hash, count)| Some((*self.places.get(hash)?, *count)))
    }
}

fn normalise(values: &mut [(u32, f32)], block: Block) {
    let norm = values.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        values.iter_mut().for_each(|(_, value)| *value *= block.share() / norm);
    }
}

fn stored_idf(total: f32, rows: f32) -> u8 {
    let idf = ((1.0 + total) / (1.0 + rows)).ln() + 1.0;
    (idf / IDF_STEP).round().clamp(1.0, 255.0) as u8
}
