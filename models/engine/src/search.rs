use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::batch::Spot;
use crate::trie::{Trie, log_sum_exp};

/// Finds the best answers of a tree without reading all of it. A branch is worth at most what the way
/// to it is worth, for probabilities only shrink on the way down; so the best branches are read first,
/// and what cannot reach the best answers found is never read. The result is exact.
pub(crate) struct Search<'a> {
    trie: &'a Trie,
    /// How many answers are wanted.
    count: usize,
    heap: BinaryHeap<Entry>,
    found: Vec<(usize, f32)>,
}

/// A branch that nothing below is known of.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// The fork at its end.
    node: usize,
    /// What must be read to get there.
    pub(crate) tokens: Vec<u32>,
    /// Behind what.
    pub(crate) behind: Spot,
    score: f32,
}

enum Entry {
    Branch(Branch),
    Answer(usize, f32),
}

impl<'a> Search<'a> {
    /// Begins at the first fork, which was read: its spot, and the logits there.
    pub(crate) fn new(
        trie: &'a Trie,
        count: usize,
        spot: &Spot,
        logit: impl Fn(u32) -> f32,
    ) -> Self {
        let mut search = Self { trie, count, heap: BinaryHeap::new(), found: Vec::new() };
        let (node, _) = trie.first_fork();
        search.open(node, 0.0, spot, logit);
        search
    }

    /// The branches to read next, at most `width`; none when the search is over.
    pub(crate) fn next(&mut self, width: usize) -> Vec<Branch> {
        let mut next = Vec::new();
        let mut answers = Vec::new();
        while self.found.len() + answers.len() < self.count {
            let Some(entry) = self.heap.pop() else { break };
            match entry {
                Entry::Branch(branch) if next.len() < width => next.push(branch),
                Entry::Branch(_) => {
                    self.heap.push(entry);
                    break;
                }
                Entry::Answer(label, score) if next.is_empty() => {
                    self.found.push((label, score));
                }
                Entry::Answer(..) => answers.push(entry),
            }
        }
        self.heap.extend(answers);
        next
    }

    /// Takes up what was learned of a branch: the spot of its last token and the logits there.
    pub(crate) fn learn(&mut self, branch: &Branch, spot: &Spot, logit: impl Fn(u32) -> f32) {
        self.open(branch.node, branch.score, spot, logit);
    }

    /// Puts what follows a fork on the heap.
    fn open(&mut self, fork: usize, score: f32, spot: &Spot, logit: impl Fn(u32) -> f32) {
        let children: Vec<(usize, u32)> = self.trie.children(fork).collect();
        let logits: Vec<f32> = children.iter().map(|(_, token)| logit(*token)).collect();
        let total = log_sum_exp(&logits);
        for ((child, token), logit) in children.into_iter().zip(logits) {
            self.push(child, vec![token], spot.clone(), score + (logit - total));
        }
    }

    /// The labels found, best first, with their log-probabilities.
    pub(crate) fn found(self) -> Vec<(usize, f32)> {
        self.found
    }

    /// Follows the tree to the next fork or answer.
    fn push(&mut self, mut node: usize, mut tokens: Vec<u32>, behind: Spot, score: f32) {
        loop {
            if let Some(label) = self.trie.label(node) {
                return self.heap.push(Entry::Answer(label, score));
            }
            let mut children = self.trie.children(node);
            match (children.next(), children.next()) {
                (Some((child, token)), None) => {
                    node = child;
                    tokens.push(token);
                }
                _ => return self.heap.push(Entry::Branch(Branch { node, tokens, behind, score })),
            }
        }
    }
}

impl Entry {
    /// What it is worth at most; then branches before answers, for an answer as good may be in one;
    /// then the order of labels.
    fn rank(&self) -> (f32, bool, usize) {
        match self {
            Self::Branch(branch) => (branch.score, true, usize::MAX - branch.node),
            Self::Answer(label, score) => (*score, false, usize::MAX - label),
        }
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.rank(), other.rank());
        left.0.total_cmp(&right.0).then((left.1, left.2).cmp(&(right.1, right.2)))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids of ATT&CK, each ended by the same mark, as bytes.
    fn labels() -> Vec<Vec<u32>> {
        let table = include_str!("../../../kb/attack/techniques.tsv");
        let ids = table.lines().skip(1).filter_map(|line| line.split('\t').next());
        ids.map(|id| id.bytes().chain(*b";").map(u32::from).collect()).collect()
    }

    /// A number without pattern for each way through the tree.
    fn chance(seed: u64, path: &[u32]) -> f32 {
        let mixed = path.iter().fold(seed, |hash, token| {
            (hash ^ u64::from(*token)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        (mixed >> 40) as f32 / (1u64 << 24) as f32
    }

    #[test]
    fn the_best_found_are_the_best_of_all() {
        let labels = labels();
        let trie = Trie::new(&labels).unwrap();
        for (seed, spread, count, width) in
            [(1, 12.0, 5, 6), (2, 3.0, 5, 6), (3, 0.0, 5, 1), (4, 30.0, 1, 4), (5, 6.0, 2000, 8)]
        {
            let logit = |path: &[u32]| spread * chance(seed, path);
            let mut all: Vec<(usize, f32)> = labels
                .iter()
                .enumerate()
                .map(|(label, tokens)| {
                    let fork = |length: usize| {
                        let next = |other: &Vec<u32>| {
                            other.starts_with(&tokens[..length]).then(|| other[length])
                        };
                        let mut next: Vec<u32> = labels.iter().filter_map(next).collect();
                        next.dedup();
                        next.sort_unstable();
                        next.dedup();
                        let path = |token: u32| [&tokens[..length], &[token]].concat();
                        let logits: Vec<f32> =
                            next.iter().map(|token| logit(&path(*token))).collect();
                        logit(&tokens[..=length]) - log_sum_exp(&logits)
                    };
                    (label, (0..tokens.len()).map(fork).sum())
                })
                .collect();
            all.sort_by(|left, right| right.1.total_cmp(&left.1));
            let spot = |position| Spot { position, runs: vec![] };
            // What has been read on the way to each spot, which here is only a number.
            let (mut paths, mut read) = (vec![trie.first_fork().1], 0);
            let first = paths[0].clone();
            let mut search = Search::new(&trie, count, &spot(0), |token| {
                logit(&[&first[..], &[token]].concat())
            });
            loop {
                let branches = search.next(width);
                if branches.is_empty() {
                    break;
                }
                for branch in branches {
                    read += branch.tokens.len();
                    let path = [&paths[branch.behind.position][..], &branch.tokens].concat();
                    paths.push(path.clone());
                    let here = spot(paths.len() - 1);
                    search.learn(&branch, &here, |token| logit(&[&path[..], &[token]].concat()));
                }
            }
            let found = search.found();
            assert_eq!(found.len(), count.min(labels.len()));
            for ((_, found), (_, expected)) in found.iter().zip(&all) {
                assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
            }
            if spread >= 12.0 {
                let names = |list: &[(usize, f32)]| {
                    list.iter().map(|(label, _)| *label).collect::<Vec<_>>()
                };
                assert_eq!(names(&found), names(&all[..found.len()]));
                assert!(read < 200, "{read} tokens read");
            }
        }
    }
}
