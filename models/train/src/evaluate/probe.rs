//! A line as the format probe sees it: how it is written, not what it says.

/// Words of a syslog header after its time at most: host, program, process, message id and the
/// structured data's dash of RFC 5424.
const HEADER_WORDS: usize = 5;

/// The line with the syslog header as it is, and beyond it every number one `0`, every word one `w`;
/// the name before `=` or `":` keeps its shape (`EventID` becomes `AaA`). Punctuation stays.
pub(super) fn format_of(raw: &str) -> String {
    let (header, mut rest) = raw.split_at(header_length(raw));
    let mut out = header.to_owned();
    while !rest.is_empty() {
        let run = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(run);
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push_str(if word.is_empty() { "" } else { "0" });
        } else if tail.starts_with('=') || tail.starts_with("\":") {
            shape(word, &mut out);
        } else {
            out.push('w');
        }
        let gap = tail.find(is_word).unwrap_or(tail.len());
        out.push_str(&tail[..gap]);
        rest = &tail[gap..];
    }
    out
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Runs of capitals, of small letters and of digits as one each.
fn shape(word: &str, out: &mut String) {
    let mut last = None;
    for character in word.chars() {
        let sign = match character {
            '_' => '_',
            _ if character.is_numeric() => '0',
            _ if character.is_uppercase() => 'A',
            _ => 'a',
        };
        if last != Some(sign) {
            out.push(sign);
        }
        last = Some(sign);
    }
}

/// Bytes of the header of RFC 3164 or 5424: priority, time, host and program; 0 where none is.
fn header_length(raw: &str) -> usize {
    let priority = raw
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .filter(|(digits, _)| digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()))
        .map_or(0, |(digits, _)| digits.len() + 2);
    let words: Vec<(usize, &str)> = raw[priority..]
        .split_inclusive(' ')
        .scan(priority, |end, word| {
            *end += word.len();
            Some((*end, word.trim_end()))
        })
        .filter(|(_, word)| !word.is_empty())
        .take(4 + HEADER_WORDS)
        .collect();
    let Some(time) = time_words(&words) else { return priority };
    let after = &words[time..];
    // A program and a colon end it; else the host does, for what follows is the device's own.
    let tag = after
        .iter()
        .take(HEADER_WORDS)
        .position(|(_, word)| word.ends_with(':') && !word.contains(['=', '"', '{']));
    let count = if words[0].1 == "1" { HEADER_WORDS } else { tag.map_or(1, |at| at + 1) };
    after.iter().take(count).next_back().map_or(words[time - 1].0, |(end, _)| *end)
}

/// How many of the first words are the version and the time.
fn time_words(words: &[(usize, &str)]) -> Option<usize> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let word = |at: usize| words.get(at).map_or("", |(_, word)| *word);
    let iso = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() >= 19 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[10] == b'T'
    };
    let clock = |word: &str| word.len() >= 8 && word.as_bytes()[2] == b':';
    if iso(word(0)) {
        Some(1)
    } else if word(0) == "1" && iso(word(1)) {
        Some(2)
    } else if MONTHS.contains(&word(0)) && clock(word(2)) {
        Some(3)
    } else if MONTHS.contains(&word(0)) && clock(word(3)) {
        Some(4)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_of_writing_is_left() {
        for (raw, format) in [
            (
                "<86>Aug 14 09:21:07 edge01 sshd[2211]: Failed password for root from 10.0.0.1",
                "<86>Aug 14 09:21:07 edge01 sshd[2211]: w w w w w 0.0.0.0",
            ),
            (
                "Aug  4 09:21:07 fw01 action=deny src_IP=\"10.0.0.1\"",
                "Aug  4 09:21:07 fw01 a=w a_A=\"0.0.0.0\"",
            ),
            (
                "<13>1 2026-08-14T09:21:07Z host app 12 ID47 - Hello, world 5!",
                "<13>1 2026-08-14T09:21:07Z host app 12 ID47 - w, w 0!",
            ),
            ("2026-08-14T09:21:07Z host app: it's", "2026-08-14T09:21:07Z host app: w'w"),
            ("{\"EventID\": 4625, \"user\": \"ann\"}", "{\"AaA\": 0, \"a\": \"w\"}"),
            ("GET /a%20b HTTP/1.1", "w /w%w w/0.0"),
            ("<", "<"),
            ("<Event a=\"b\">5", "<w a=\"w\">0"),
            ("", ""),
            ("Aug 14 09:21:07", "Aug 14 09:21:07"),
        ] {
            assert_eq!(format_of(raw), format, "{raw}");
        }
    }
}
