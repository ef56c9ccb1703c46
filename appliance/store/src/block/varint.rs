//! Whole numbers in as many bytes as they need (LEB128), and texts with their length in front.

/// Why bytes are not what the store wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged at byte {0}")]
pub(crate) struct Damaged(pub(crate) usize);

/// Bits of a number in one byte.
const GROUP: u32 = 7;

pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 1 << GROUP {
        out.push(number as u8 | 1 << GROUP);
        number >>= GROUP;
    }
    out.push(number as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// 0 for none, else the text behind its length plus one.
pub(crate) fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(0),
        Some(text) => {
            put(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Small numbers of either sign as small numbers.
pub(crate) fn zigzag(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned()
}

pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Reads what the functions above wrote.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn damaged(&self) -> Damaged {
        Damaged(self.at)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        let byte = *self.bytes.get(self.at).ok_or(Damaged(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(GROUP as usize) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 1 << GROUP {
                return Ok(number);
            }
        }
        Err(self.damaged())
    }

    /// A length or an index, which fits the memory.
    pub(crate) fn size(&mut self) -> Result<usize, Damaged> {
        let number = self.number()?;
        usize::try_from(number).map_err(|_| self.damaged())
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..length).ok_or(Damaged(self.at))?;
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let length = self.size()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<String, Damaged> {
        let at = self.at;
        let bytes = self.bytes()?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Damaged(at))
    }

    pub(crate) fn option(&mut self) -> Result<Option<String>, Damaged> {
        let at = self.at;
        match self.size()? {
            0 => Ok(None),
            length => {
                let bytes = self.take(length - 1)?.to_vec();
                String::from_utf8(bytes).map(Some).map_err(|_| Damaged(at))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let mut out = Vec::new();
        numbers.iter().for_each(|number| put(&mut out, *number));
        let mut cursor = Cursor::new(&out);
        assert_eq!(numbers.map(|_| cursor.number().unwrap()), numbers);
        assert!(cursor.is_empty() && cursor.number().is_err());
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(number)), number);
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for bytes in [&[0xff; 20][..], &[5, b'a'], &[2, 0xff], &[]] {
            assert!(Cursor::new(bytes).text().is_err(), "{bytes:?}");
            let _ = Cursor::new(bytes).option();
        }
    }
}
