/// Tokens read in one pass. They form a tree: each sees what the cache holds, its ancestors and
/// itself, so that several questions about one line, and several answers to each, cost one pass.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tokens: Vec<u32>,
    parents: Vec<Option<usize>>,
    /// Distance from the root, 0 for a token without parent.
    depths: Vec<usize>,
}

impl Batch {
    /// A chain without branches.
    pub fn chain(tokens: &[u32]) -> Self {
        let mut batch = Self::default();
        batch.extend(None, tokens);
        batch
    }

    /// Appends a chain behind `parent` (a row of this batch, or none) and returns its last row.
    pub fn extend(&mut self, parent: Option<usize>, tokens: &[u32]) -> Option<usize> {
        let mut last = parent;
        for token in tokens {
            debug_assert!(last.is_none_or(|row| row < self.len()), "a parent comes first");
            self.depths.push(last.map_or(0, |row| self.depths[row] + 1));
            self.parents.push(last);
            self.tokens.push(*token);
            last = Some(self.tokens.len() - 1);
        }
        last
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The position of each token in its own branch, behind `before` positions.
    pub(crate) fn positions(&self, before: usize) -> Vec<usize> {
        self.depths.iter().map(|depth| before + depth).collect()
    }

    /// The places in the cache that each token sees, when `before` are taken and the batch comes
    /// behind them: what was there, then its ancestors and itself. Ranges, ascending.
    pub(crate) fn runs(&self, before: usize) -> Vec<Vec<(u32, u32)>> {
        let narrow = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut all: Vec<Vec<(u32, u32)>> = Vec::with_capacity(self.len());
        for (row, parent) in self.parents.iter().enumerate() {
            let place = before + row;
            let first = || if before > 0 { vec![(0, narrow(before))] } else { vec![] };
            let mut runs = parent.map_or_else(first, |parent| all[parent].clone());
            match runs.last_mut() {
                Some((_, end)) if *end == narrow(place) => *end = narrow(place + 1),
                _ => runs.push((narrow(place), narrow(place + 1))),
            }
            all.push(runs);
        }
        all
    }

    /// Row by row: 0 where a token sees a position, minus infinity where not.
    pub(crate) fn mask(&self, before: usize) -> Vec<f32> {
        let width = before + self.len();
        let mut mask = vec![f32::NEG_INFINITY; self.len() * width];
        for (row, line) in mask.chunks_mut(width.max(1)).enumerate() {
            line[..before].fill(0.0);
            let mut seen = Some(row);
            while let Some(ancestor) = seen {
                line[before + ancestor] = 0.0;
                seen = self.parents[ancestor];
            }
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_sees_the_cache_and_its_ancestors() {
        let mut batch = Batch::chain(&[10, 11]);
        let left = batch.extend(Some(1), &[12]);
        batch.extend(Some(1), &[13]);
        batch.extend(left, &[14]);
        assert_eq!(batch.positions(3), [3, 4, 5, 5, 6]);
        assert_eq!(batch.runs(1)[3..], [vec![(0, 3), (4, 5)], vec![(0, 4), (5, 6)]]);
        assert_eq!(Batch::chain(&[1, 2]).runs(0), [[(0, 1)], [(0, 2)]]);
        let mask = batch.mask(1);
        let seen: Vec<Vec<usize>> =
            mask.chunks(6).map(|line| (0..6).filter(|at| line[*at] == 0.0).collect()).collect();
        assert_eq!(
            seen,
            [vec![0, 1], vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 1, 2, 4], vec![0, 1, 2, 3, 5]]
        );
    }
}
