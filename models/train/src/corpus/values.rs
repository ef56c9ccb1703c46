//! Values that are made, not listed: addresses, numbers, identifiers.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A made value by the name of its slot; none when nothing of that name is made.
pub(super) fn made(slot: &str, random: &mut ChaCha8Rng) -> Option<String> {
    let mut below = |limit: u32| random.random_range(0..limit);
    Some(match slot {
        "wan" => wan(random),
        "lan" => match below(4) {
            0 => format!("192.168.{}.{}", below(256), 1 + below(254)),
            1 => format!("172.{}.{}.{}", 16 + below(16), below(256), 1 + below(254)),
            _ => format!("10.{}.{}.{}", below(256), below(256), 1 + below(254)),
        },
        "wan6" => format!(
            "2a{:02x}:{:x}:{:x}::{:x}",
            below(16),
            below(65_536),
            below(65_536),
            1 + below(65_535)
        ),
        "lan6" => format!(
            "fe80::{:x}:{:x}ff:fe{:02x}:{:x}",
            below(65_536),
            below(256),
            below(256),
            below(65_536)
        ),
        "port" => (1024 + below(64_000)).to_string(),
        "pid" => (100 + below(60_000)).to_string(),
        "digit" => below(10).to_string(),
        "few" => (1 + below(40)).to_string(),
        "hundreds" => (100 + below(900)).to_string(),
        "n" => below(900_000).to_string(),
        "million" => (1_000_000 + below(90_000_000)).to_string(),
        "giga" => {
            (u64::from(1 + below(400)) * 1_073_741_824 + u64::from(below(1_000_000))).to_string()
        }
        "mac" => mac(':', random),
        "mac_dash" => mac('-', random).to_uppercase(),
        "mac_dot" => format!("{:04x}.{:04x}.{:04x}", below(65_536), below(65_536), below(65_536)),
        "hex4" => hex(4, random),
        "hex8" => hex(8, random),
        "hex16" => hex(16, random),
        "md5" => hex(32, random),
        "sha1" => hex(40, random),
        "sha256" => hex(64, random),
        "uuid" => uuid(random),
        "guid" => format!("{{{}}}", uuid(random).to_uppercase()),
        "b64" => letters(24, B64, random),
        "b64_long" => letters(120, B64, random) + "==",
        "serial" => letters(12, SERIAL, random),
        "account" => (0..12).map(|_| char::from(b'0' + random.random_range(0..10_u8))).collect(),
        "word" => word(random),
        "random_name" => letters(8, LOWER, random),
        "sid" => format!(
            "S-1-5-21-{}-{}-{}-{}",
            below(u32::MAX),
            below(u32::MAX),
            below(u32::MAX),
            1000 + below(9000)
        ),
        _ => return None,
    })
}

const B64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SERIAL: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// An address that is routed, of either of the documentation ranges or any other.
fn wan(random: &mut ChaCha8Rng) -> String {
    const FIRST: [u8; 24] = [
        5, 23, 31, 37, 45, 46, 62, 77, 80, 89, 91, 103, 104, 138, 141, 146, 162, 178, 185, 193,
        194, 203, 212, 217,
    ];
    let mut byte = |from: u8| random.random_range(from..255);
    match byte(0) % 8 {
        0 => format!("203.0.113.{}", byte(1)),
        1 => format!("198.51.100.{}", byte(1)),
        _ => {
            let first = FIRST[usize::from(byte(0)) % FIRST.len()];
            format!("{first}.{}.{}.{}", byte(0), byte(0), byte(1))
        }
    }
}

fn mac(separator: char, random: &mut ChaCha8Rng) -> String {
    let pairs: Vec<String> = (0..6).map(|_| hex(2, random)).collect();
    pairs.join(&separator.to_string())
}

fn uuid(random: &mut ChaCha8Rng) -> String {
    [8, 4, 4, 4, 12].map(|length| hex(length, random)).join("-")
}

fn hex(length: usize, random: &mut ChaCha8Rng) -> String {
    letters(length, b"0123456789abcdef", random)
}

fn letters(length: usize, of: &[u8], random: &mut ChaCha8Rng) -> String {
    (0..length).map(|_| char::from(of[random.random_range(0..of.len())])).collect()
}

/// A word that could be one.
fn word(random: &mut ChaCha8Rng) -> String {
    const PARTS: [&str; 24] = [
        "al", "ber", "con", "dra", "el", "fin", "gor", "hal", "in", "ka", "lo", "mar", "nes", "or",
        "pel", "qui", "ros", "sta", "ter", "un", "vel", "wen", "yar", "zo",
    ];
    let count = random.random_range(2..4);
    (0..count).map(|_| PARTS[random.random_range(0..PARTS.len())]).collect()
}
