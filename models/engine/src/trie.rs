use std::collections::BTreeSet;

use crate::{Batch, EngineError};

/// The answers a question allows, as a tree of tokens. What the model says is read off it as
/// constrained decoding would: at each fork a softmax over the tokens that lead on, so that the
/// probabilities of all answers add up to one and long answers pay nothing for being long.
pub(crate) struct Trie {
    /// Parents come before children; the root is the end of the question.
    nodes: Vec<Node>,
    labels: usize,
}

struct Node {
    parent: usize,
    token: u32,
    children: Vec<usize>,
    label: Option<usize>,
    /// Whether this node or one below it forks.
    forks: bool,
}

/// A fork and the row of the batch whose state decides it.
pub(crate) struct Fork {
    node: usize,
    pub(crate) row: usize,
}

impl Trie {
    /// Builds the tree. Answers must differ, and none may be the beginning of another.
    pub(crate) fn new(labels: &[Vec<u32>]) -> Result<Self, EngineError> {
        let root = Node { parent: 0, token: 0, children: vec![], label: None, forks: false };
        let mut trie = Self { nodes: vec![root], labels: labels.len() };
        for (label, tokens) in labels.iter().enumerate() {
            let node = tokens.iter().fold(0, |node, token| trie.child(node, *token));
            let taken = trie.nodes[node].label.replace(label).is_some();
            if tokens.is_empty() || taken {
                return Err(EngineError::Prompt("an answer is empty or given twice".into()));
            }
        }
        if trie.nodes.iter().any(|node| node.label.is_some() && !node.children.is_empty()) {
            return Err(EngineError::Prompt("an answer begins another".into()));
        }
        for index in (0..trie.nodes.len()).rev() {
            let children = trie.nodes[index].children.iter();
            let below = children.filter(|child| trie.nodes[**child].forks).count() > 0;
            trie.nodes[index].forks = below || trie.nodes[index].children.len() > 1;
        }
        Ok(trie)
    }

    /// Every token that a fork chooses between.
    pub(crate) fn choices(&self) -> BTreeSet<u32> {
        let forks = self.nodes.iter().filter(|node| node.children.len() > 1);
        forks.flat_map(|node| &node.children).map(|child| self.nodes[*child].token).collect()
    }

    /// The first fork, and the tokens that all answers begin with.
    pub(crate) fn first_fork(&self) -> (usize, Vec<u32>) {
        let (mut node, mut tokens) = (0, Vec::new());
        while let [child] = self.nodes[node].children[..] {
            node = child;
            tokens.push(self.nodes[child].token);
        }
        (node, tokens)
    }

    /// The children of a node, with the token that leads to each.
    pub(crate) fn children(&self, node: usize) -> impl Iterator<Item = (usize, u32)> {
        self.nodes[node].children.iter().map(|child| (*child, self.nodes[*child].token))
    }

    /// The answer that ends at a node.
    pub(crate) fn label(&self, node: usize) -> Option<usize> {
        self.nodes[node].label
    }

    /// Appends to the batch, behind the question's last row, what must be read to decide every fork.
    pub(crate) fn place(&self, batch: &mut Batch, question: usize) -> Vec<Fork> {
        let mut rows = vec![question; self.nodes.len()];
        let mut forks = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.forks) {
            if index > 0 {
                rows[index] =
                    batch.extend(Some(rows[node.parent]), &[node.token]).unwrap_or(question);
            }
            if node.children.len() > 1 {
                forks.push(Fork { node: index, row: rows[index] });
            }
        }
        forks
    }

    /// The log-probability of each answer, given a logit for (fork, token).
    pub(crate) fn score(&self, forks: &[Fork], logit: impl Fn(&Fork, u32) -> f32) -> Vec<f32> {
        let mut own = vec![0.0; self.nodes.len()];
        for fork in forks {
            let children = &self.nodes[fork.node].children;
            let logits: Vec<f32> =
                children.iter().map(|child| logit(fork, self.nodes[*child].token)).collect();
            let total = log_sum_exp(&logits);
            for (child, logit) in children.iter().zip(&logits) {
                own[*child] = logit - total;
            }
        }
        let mut scores = vec![0.0; self.labels];
        for index in 1..self.nodes.len() {
            own[index] += own[self.nodes[index].parent];
            if let Some(label) = self.nodes[index].label {
                scores[label] = own[index];
            }
        }
        scores
    }

    fn child(&mut self, node: usize, token: u32) -> usize {
        let known = self.nodes[node].children.iter().find(|at| self.nodes[**at].token == token);
        if let Some(child) = known {
            return *child;
        }
        let child = Node { parent: node, token, children: vec![], label: None, forks: false };
        self.nodes.push(child);
        let index = self.nodes.len() - 1;
        self.nodes[node].children.push(index);
        index
    }
}

/// The logarithm of the sum of exponentials, without overflow.
pub(crate) fn log_sum_exp(values: &[f32]) -> f32 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + values.iter().map(|value| (value - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forks_are_read_and_answers_add_up_to_one() {
        let trie = Trie::new(&[vec![1, 2, 3], vec![1, 2, 4], vec![5, 6, 7], vec![8]]).unwrap();
        let mut batch = Batch::chain(&[100]);
        let forks = trie.place(&mut batch, 0);
        // The root needs nothing read; the fork behind 1, 2 needs those two; 5, 6, 7 never forks.
        assert_eq!(batch.tokens(), [100, 1, 2]);
        assert_eq!(forks.iter().map(|fork| fork.row).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(trie.choices().into_iter().collect::<Vec<_>>(), [1, 3, 4, 5, 8]);
        let scores = trie.score(&forks, |_, token| token as f32);
        let total: f32 = scores.iter().map(|score| score.exp()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{scores:?}");
        assert!(scores[3] > scores[2] && scores[2] > scores[1] && scores[1] > scores[0]);
    }

    #[test]
    fn ambiguous_answers_are_refused() {
        for labels in [vec![vec![1], vec![1, 2]], vec![vec![1], vec![1]], vec![vec![]]] {
            assert!(Trie::new(&labels).is_err(), "{labels:?}");
        }
    }
}
