/// Tokens read in one pass. They form trees: each sees what the cache holds, its ancestors and
/// itself, so that several lines, several questions about each, and several answers to those, cost
/// one pass.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tokens: Vec<u32>,
    parents: Vec<Parent>,
}

/// What a token stands behind.
#[derive(Clone, Debug)]
enum Parent {
    /// All that the cache holds.
    Cache,
    /// An earlier token of the batch.
    Row(usize),
    /// A token that an earlier pass has read.
    Spot(Spot),
}

/// A token that was read and is still in the cache: where it stands and what it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its distance from the beginning, itself not counted.
    pub(crate) position: usize,
    /// The places in the cache it sees, its own among them. Ranges, ascending.
    pub(crate) runs: Vec<(u32, u32)>,
}

impl Spot {
    /// Whether all it speaks of is among the first places.
    pub(crate) fn is_within(&self, places: usize) -> bool {
        let end = self.runs.last().map_or(0, |(_, end)| *end as usize);
        self.position < places && end <= places
    }
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
        debug_assert!(parent.is_none_or(|row| row < self.len()), "a parent comes first");
        self.append(parent.map_or(Parent::Cache, Parent::Row), tokens).or(parent)
    }

    /// Appends a chain behind a token of an earlier pass and returns its last row.
    pub fn extend_behind(&mut self, spot: &Spot, tokens: &[u32]) -> Option<usize> {
        self.append(Parent::Spot(spot.clone()), tokens)
    }

    fn append(&mut self, mut parent: Parent, tokens: &[u32]) -> Option<usize> {
        for token in tokens {
            self.parents.push(std::mem::replace(&mut parent, Parent::Row(self.tokens.len())));
            self.tokens.push(*token);
        }
        match parent {
            Parent::Row(last) if !tokens.is_empty() => Some(last),
            _ => None,
        }
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

    /// Where each token stands and what it sees, when `before` places of the cache are taken and the
    /// batch comes behind them.
    pub(crate) fn spots(&self, before: usize) -> Vec<Spot> {
        let narrow = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut all: Vec<Spot> = Vec::with_capacity(self.len());
        for (row, parent) in self.parents.iter().enumerate() {
            let (position, mut runs) = match parent {
                Parent::Cache if before == 0 => (0, vec![]),
                Parent::Cache => (before, vec![(0, narrow(before))]),
                Parent::Row(row) => (all[*row].position + 1, all[*row].runs.clone()),
                Parent::Spot(spot) => (spot.position + 1, spot.runs.clone()),
            };
            let place = narrow(before + row);
            match runs.last_mut() {
                Some((_, end)) if *end == place => *end = place + 1,
                _ => runs.push((place, place + 1)),
            }
            all.push(Spot { position, runs });
        }
        all
    }

    /// Row by row: 0 where a token sees a place, minus infinity where not.
    pub(crate) fn mask(&self, before: usize) -> Vec<f32> {
        let width = before + self.len();
        let mut mask = vec![f32::NEG_INFINITY; self.len() * width];
        for (spot, line) in self.spots(before).iter().zip(mask.chunks_mut(width.max(1))) {
            for (start, end) in &spot.runs {
                line[*start as usize..*end as usize].fill(0.0);
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
        let spots = batch.spots(3);
        assert_eq!(spots.iter().map(|spot| spot.position).collect::<Vec<_>>(), [3, 4, 5, 5, 6]);
        assert_eq!(batch.spots(1)[3].runs, [(0, 3), (4, 5)]);
        assert_eq!(batch.spots(1)[4].runs, [(0, 4), (5, 6)]);
        let mask = batch.mask(1);
        let seen: Vec<Vec<usize>> =
            mask.chunks(6).map(|line| (0..6).filter(|at| line[*at] == 0.0).collect()).collect();
        assert_eq!(
            seen,
            [vec![0, 1], vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 1, 2, 4], vec![0, 1, 2, 3, 5]]
        );
    }

    #[test]
    fn a_later_batch_goes_on_behind_a_token_of_an_earlier_one() {
        let mut first = Batch::chain(&[1, 2]);
        first.extend(Some(0), &[3]);
        let spot = first.spots(4)[2].clone();
        assert_eq!(spot, Spot { position: 5, runs: vec![(0, 5), (6, 7)] });
        let mut second = Batch::default();
        assert_eq!(second.extend_behind(&spot, &[7, 8]), Some(1));
        let spots = second.spots(7);
        assert_eq!(spots[1], Spot { position: 7, runs: vec![(0, 5), (6, 9)] });
        assert_eq!(second.extend_behind(&spot, &[]), None);
        assert_eq!(second.extend(Some(1), &[]), Some(1));
    }
}
