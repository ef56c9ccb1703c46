//! Everything that is drawn from the seed.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use rand::distr::uniform::SampleUniform;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::EXERCISE_ADDRESSES;

/// When in a day something tends to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// Two humps, before and after lunch.
    Office,
    /// Around the start of work.
    Morning,
    /// Between 22:00 and 05:00.
    Night,
    /// At any time.
    Always,
}

pub(crate) const HOUR: f64 = 3600.0;
pub(crate) const MINUTE: f64 = 60.0;

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn range<T: SampleUniform + PartialOrd>(&mut self, range: RangeInclusive<T>) -> T {
        self.0.random_range(range)
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.choose(&mut self.0).expect("no list here is empty")
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        list.shuffle(&mut self.0);
    }

    /// As many lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.text(b"0123456789abcdef", digits)
    }

    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    pub(crate) fn base64(&mut self, length: usize) -> String {
        self.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)
    }

    /// A source port of an ordinary client.
    pub(crate) fn port(&mut self) -> u16 {
        self.range(32_768..=60_999)
    }

    pub(crate) fn pid(&mut self) -> u32 {
        self.range(600..=64_000)
    }

    pub(crate) fn mac(&mut self) -> String {
        let parts: Vec<_> = (0..5).map(|_| self.hex(2)).collect();
        format!("{:02x}:{}", 4 * self.range(0..=63u8), parts.join(":"))
    }

    /// An address that is neither private nor reserved nor for documentation.
    pub(crate) fn public(&mut self) -> Ipv4Addr {
        /// First octets without special-purpose ranges (RFC 6890) in them.
        const FIRST: [u8; 16] =
            [5, 23, 31, 37, 45, 62, 77, 80, 89, 93, 104, 141, 146, 178, 185, 212];
        let first = *self.pick(&FIRST);
        Ipv4Addr::new(first, self.range(0..=255), self.range(0..=255), self.range(1..=254))
    }

    /// An attacker's address: mostly from the documentation ranges, now and then from anywhere.
    pub(crate) fn attacker(&mut self) -> Ipv4Addr {
        match self.range(0..=9) {
            0..=2 => *self.pick(&EXERCISE_ADDRESSES),
            3..=6 => {
                let [a, b, c] = *self.pick(&[[192, 0, 2], [198, 51, 100], [203, 0, 113]]);
                Ipv4Addr::new(a, b, c, self.range(1..=254))
            }
            _ => self.public(),
        }
    }

    /// Seconds since midnight.
    pub(crate) fn moment(&mut self, rhythm: Rhythm) -> f64 {
        let mut hump = |middle: f64, width: f64| {
            let sum: f64 = (0..3).map(|_| self.range(-1.0..=1.0)).sum();
            middle + width * sum
        };
        let hours = match rhythm {
            Rhythm::Morning => hump(8.3, 0.4),
            Rhythm::Office => {
                let (morning, afternoon) = (hump(10.1, 0.9), hump(14.6, 1.1));
                if self.chance(0.5) { morning } else { afternoon }
            }
            Rhythm::Night => (22.0 + self.range(0.0..=7.0)) % 24.0,
            Rhythm::Always => self.range(0.0..=23.99),
        };
        hours * HOUR
    }
}
