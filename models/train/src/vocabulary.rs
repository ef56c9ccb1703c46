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
    groups: BTreeSet<u32>,
    in_logs: bool,
}

impl Vocabulary {
    /// Features that at least [`Recipe::min_groups`] groups know, one of them of log lines; when
    /// there are more than [`Recipe::max_features`], those in the most groups.
    pub fn choose(rows: &[&Row], recipe: &Recipe) -> Self {
        let mut tallies: HashMap<u32, Tally> = HashMap::new();
        let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
        for row in rows {
            let next = groups.len() as u32;
            let group = *groups.entry(&row.group).or_insert(next);
            for (_, counts) in row.bag.blocks() {
                for (hash, _) in counts {
                    let tally = tallies.entry(*hash).or_default();
                    tally.rows += 1;
                    tally.in_logs |= row.kind != Kind::Auxiliary;
                    if tally.groups.len() < recipe.group_cap() {
                        tally.groups.insert(group);
                    }
                }
            }
        }
        let mut chosen: Vec<(u32, Tally)> = tallies
            .into_iter()
            .filter(|(_, tally)| tally.in_logs && tally.groups.len() >= recipe.min_groups)
            .collect();
        chosen.sort_by_key(|(hash, tally)| {
            (std::cmp::Reverse((tally.groups.len(), tally.rows)), *hash)
        });
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
