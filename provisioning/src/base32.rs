/// Crockford's alphabet: no I, L, O or U, so that nothing is misread on a label or over the phone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The bytes as text, five bits a character; bits that fill no character are left off.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    let character = |first: usize| {
        let value = (first..first + 5).fold(0, |value, index| value << 1 | bit(index));
        char::from(ALPHABET[usize::from(value)])
    };
    (0..bytes.len() * 8 / 5).map(|number| character(number * 5)).collect()
}

/// What a person typed, in the form that `encode` writes: look-alikes resolved, case, hyphens and
/// spaces gone.
pub(crate) fn normalise(typed: &str) -> String {
    typed
        .chars()
        .filter(|character| !matches!(character, '-' | ' ' | '\t' | '\r' | '\n'))
        .map(|character| match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_characters() {
        for (bytes, text) in [
            (&[][..], ""),
            (&[0xff], "Z"),
            (&[0, 0, 0, 0, 0], "00000000"),
            (&[0xff; 5], "ZZZZZZZZ"),
            (&[0b0000_1000, 0b1000_0110], "123"),
        ] {
            assert_eq!(encode(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn typed_codes_are_forgiven() {
        assert_eq!(normalise(" o1il-abcd\n"), "0111ABCD");
    }
}
