use crate::{Batch, EngineError, Llama};

/// How the states of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The last token's.
    Last,
}

impl Llama {
    /// What chosen layers make of each text, one after the other in the order of `layers`: 0 is the
    /// embedding, 1 the output of the first layer. Texts are read together, as many as a cache holds;
    /// none changes another's states.
    ///
    /// # Errors
    /// When a text is empty, longer than the cache, or holds an unknown token.
    pub fn hidden(
        &self,
        texts: &[Vec<u32>],
        layers: &[usize],
        pooling: Pooling,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut cache = self.cache();
        let mut found = Vec::with_capacity(texts.len());
        let mut rest = texts;
        while !rest.is_empty() {
            let mut length = 0;
            let fits = |text: &&Vec<u32>| {
                length += text.len();
                length <= cache.capacity()
            };
            // A text that is too long by itself is read alone, and refused there.
            let together = rest.iter().take_while(fits).count().max(1);
            cache.truncate(0);
            found.extend(self.hidden_together(&mut cache, &rest[..together], layers, pooling)?);
            rest = &rest[together..];
        }
        Ok(found)
    }

    fn hidden_together(
        &self,
        cache: &mut crate::KvCache,
        texts: &[Vec<u32>],
        layers: &[usize],
        pooling: Pooling,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let width = self.config().hidden;
        let mut batch = Batch::default();
        for text in texts {
            if batch.extend(None, text).is_none() {
                return Err(EngineError::Prompt("a text is empty".into()));
            }
        }
        let mut found = vec![vec![0.0; layers.len() * width]; texts.len()];
        self.watch(cache, &batch, |layer, states| {
            for (at, _) in layers.iter().enumerate().filter(|(_, wanted)| **wanted == layer) {
                let mut rows = states.rows();
                for (text, found) in texts.iter().zip(&mut found) {
                    let place = &mut found[at * width..(at + 1) * width];
                    pool(rows.by_ref().take(text.len()), text.len(), pooling, place);
                }
            }
        })?;
        Ok(found)
    }
}

fn pool<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    count: usize,
    pooling: Pooling,
    out: &mut [f32],
) {
    for row in rows {
        match pooling {
            Pooling::Last => out.copy_from_slice(row),
            Pooling::Mean => {
                out.iter_mut().zip(row).for_each(|(out, value)| *out += value / count as f32);
            }
        }
    }
}
