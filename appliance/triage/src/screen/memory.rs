//! What the screen worked out for recent lines: a network says the same things all day, and numbers,
//! addresses and words that have no weights change nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of one generation. Two generations are kept: together some ten thousand lines of the usual
/// length, which is more than a small network says in a day but for what is folded away.
const GENERATION_BYTES: usize = 6 << 20;

/// What an entry takes besides its key, about: the two hundred scores of a line are the largest.
const ENTRY_BYTES: usize = 1024;

/// Recent results by exactly what they depend on. Nothing is hashed away, so that no line can be made
/// to pass for another; a line unlike any other costs what it would cost without a memory.
#[derive(Debug)]
pub(super) struct Memory<T>(Mutex<Generations<T>>);

#[derive(Debug)]
struct Generations<T> {
    current: HashMap<Vec<u8>, Arc<T>>,
    previous: HashMap<Vec<u8>, Arc<T>>,
    /// Of the current one.
    bytes: usize,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let (current, previous) = (HashMap::new(), HashMap::new());
        Self(Mutex::new(Generations { current, previous, bytes: 0 }))
    }
}

impl<T> Memory<T> {
    /// The result for a key, worked out if it is not remembered.
    pub(super) fn recall(&self, key: &[u8], work_out: impl FnOnce() -> T) -> Arc<T> {
        if let Some(known) = self.lock().find(key) {
            return known;
        }
        let result = Arc::new(work_out());
        self.lock().add(key.to_vec(), Arc::clone(&result));
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Generations<T> {
    fn find(&mut self, key: &[u8]) -> Option<Arc<T>> {
        if let Some(result) = self.current.get(key) {
            return Some(Arc::clone(result));
        }
        let (key, result) = self.previous.remove_entry(key)?;
        self.add(key, Arc::clone(&result));
        Some(result)
    }

    fn add(&mut self, key: Vec<u8>, result: Arc<T>) {
        if self.bytes >= GENERATION_BYTES {
            self.previous = std::mem::take(&mut self.current);
            self.bytes = 0;
        }
        self.bytes += key.len() + ENTRY_BYTES;
        self.current.insert(key, result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_what_it_was_told_and_stays_bounded() {
        let memory = Memory::default();
        let most = 2 * GENERATION_BYTES.div_ceil(ENTRY_BYTES);
        for number in 0..2 * most {
            assert_eq!(*memory.recall(&number.to_le_bytes(), || number), number);
            assert_eq!(*memory.recall(&number.to_le_bytes(), || usize::MAX), number);
            let generations = memory.lock();
            assert!(generations.current.len() + generations.previous.len() <= most);
        }
        assert_eq!(*memory.recall(&0_usize.to_le_bytes(), || 7), 7, "the oldest is forgotten");
    }
}
