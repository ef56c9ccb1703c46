//! Finds many short texts in a line at once. An automaton over some hundred texts does not fit the
//! processor's first cache; a bit for each four bytes that one of the texts holds does, and almost all
//! of a line is passed by it.

/// Bits of the filter, as a power of two: 8 KB, a sixth of a first cache.
const FILTER_BITS: u32 = 16;

const FILTER_WORDS: usize = 1 << (FILTER_BITS - 6);

/// Lists of texts behind the filter, as a power of two.
const BUCKET_BITS: u32 = 10;

/// Shortest text that is searched for, in bytes: its fourth byte is the one before it.
pub(crate) const MIN_BYTES: usize = 3;

/// Texts made ready.
pub(crate) struct Search {
    filter: Box<[u64; FILTER_WORDS]>,
    buckets: Vec<Vec<Keyed>>,
    /// Set in both sides before they are compared: letters lose their case.
    fold: u32,
    /// What may stand before a text of three bytes.
    before: fn(u8) -> bool,
}

/// A text and the four bytes that call for it.
struct Keyed {
    gram: u32,
    /// Where the text begins, from where they stand.
    offset: isize,
    text: &'static str,
    number: usize,
}

impl Search {
    /// For these texts, numbered in order, as they are written.
    pub(crate) fn exact(texts: &[&'static str]) -> Self {
        Self::new(texts, 0, |_| true)
    }

    /// For these texts in any case. One of three bytes is found only where no letter or digit stands
    /// before it.
    pub(crate) fn words(texts: &[&'static str]) -> Self {
        Self::new(texts, 0x2020_2020, |before| before < 0x80 && !before.is_ascii_alphanumeric())
    }

    fn new(texts: &[&'static str], fold: u32, before: fn(u8) -> bool) -> Self {
        let mut search = Self {
            filter: Box::new([0; FILTER_WORDS]),
            buckets: (0..1 << BUCKET_BITS).map(|_| Vec::new()).collect(),
            fold,
            before,
        };
        for (number, text) in texts.iter().enumerate() {
            search.add(number, text);
        }
        search
    }

    fn add(&mut self, number: usize, text: &'static str) {
        let bytes = text.as_bytes();
        assert!(bytes.len() >= MIN_BYTES, "{text:?} is too short to be searched for");
        // Capitals, digits and marks are rarer in a line than small letters and blanks.
        let common = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b' ';
        let windows = bytes.windows(4).enumerate();
        let rarest = windows.min_by_key(|(_, gram)| gram.iter().filter(common).count());
        if let Some((at, gram)) = rarest {
            let gram = u32::from_le_bytes([gram[0], gram[1], gram[2], gram[3]]);
            return self.insert(Keyed { gram, offset: -(at as isize), text, number });
        }
        let fits = self.before;
        for before in (0..=u8::MAX).filter(|before| fits(*before)) {
            let gram = u32::from_le_bytes([before, bytes[0], bytes[1], bytes[2]]);
            self.insert(Keyed { gram, offset: 1, text, number });
        }
    }

    fn insert(&mut self, keyed: Keyed) {
        let keyed = Keyed { gram: keyed.gram | self.fold, ..keyed };
        let (bit, bucket) = places(keyed.gram);
        self.filter[bit / 64] |= 1 << (bit % 64);
        let bucket = &mut self.buckets[bucket];
        // With the case folded, two fourth bytes may be one.
        if !bucket.iter().any(|other| (other.gram, other.number) == (keyed.gram, keyed.number)) {
            bucket.push(keyed);
        }
    }

    /// Calls `found` with the number of each text that occurs and where it begins.
    pub(crate) fn each(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let text = text.as_bytes();
        if let Some(&[a, b, c]) = text.get(..3) {
            self.check(text, -1, u32::from_le_bytes([b' ', a, b, c]) | self.fold, &mut found);
        }
        let filter: &[u64; FILTER_WORDS] = &self.filter;
        for (at, gram) in text.windows(4).enumerate() {
            let gram = u32::from_le_bytes([gram[0], gram[1], gram[2], gram[3]]) | self.fold;
            let (bit, _) = places(gram);
            if filter[bit / 64 % FILTER_WORDS] >> (bit % 64) & 1 != 0 {
                self.check(text, at as isize, gram, &mut found);
            }
        }
    }

    /// Looks for the texts that these four bytes call for. Apart from the loop, so that it stays small.
    #[inline(never)]
    fn check(&self, text: &[u8], at: isize, gram: u32, found: &mut dyn FnMut(usize, usize)) {
        let (_, bucket) = places(gram);
        for keyed in self.buckets[bucket].iter().filter(|keyed| keyed.gram == gram) {
            let Ok(start) = usize::try_from(at + keyed.offset) else { continue };
            let there = text.get(start..start + keyed.text.len());
            let alike = there.is_some_and(|there| match self.fold {
                0 => there == keyed.text.as_bytes(),
                _ => there.eq_ignore_ascii_case(keyed.text.as_bytes()),
            });
            if alike {
                found(keyed.number, start);
            }
        }
    }
}

/// The bit and the bucket of four bytes: the upper bits of a product with 2^32 over the golden ratio.
#[inline]
fn places(gram: u32) -> (usize, usize) {
    let hash = gram.wrapping_mul(0x9e37_79b1);
    ((hash >> (32 - FILTER_BITS)) as usize, (hash >> (32 - BUCKET_BITS)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_where_it_stands() {
        for (texts, ignore_case, line, expected) in [
            (&["abcd", "bcde", "zzzz"][..], false, "xabcde", &[(0, 1), (1, 2)][..]),
            (&["abc"], true, "abc xabc \"aBc", &[(0, 0), (0, 10)]),
            (&["abc"], false, "abc xabc aBc éabc", &[(0, 0), (0, 5), (0, 15)]),
            (&["abc"], false, "ab", &[]),
            (&["Ban", "from "], true, "FROM a ban", &[(1, 0), (0, 7)]),
            (&["Ban"], false, "ban", &[]),
            (&["é=x", "mark"], false, "é=x", &[(0, 0)]),
            (&["aaaa"], false, "aaaaa", &[(0, 0), (0, 1)]),
            (&["ab"; 0], false, "ab", &[]),
        ] {
            let mut found = Vec::new();
            let search = if ignore_case { Search::words(texts) } else { Search::exact(texts) };
            search.each(line, |number, at| found.push((number, at)));
            found.sort_by_key(|(_, at)| *at);
            assert_eq!(found, expected, "{texts:?} in {line:?}");
        }
    }
}
