//! Drawing lines: a product, a shape, a case, and a value for each slot.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::OffsetDateTime;

use super::clock::{moment, written};
use super::envelope::Sender;
use super::label::CaseLabel;
use super::parse::{Case, Corpus, Escape, Labelled, Product, Shape};
use super::values::made;

/// Values inside values: a command that holds a URL that holds a domain.
const DEPTH: usize = 6;

/// A share of lines is cut short, as some senders do.
const CUT: f64 = 0.01;

/// A line and what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// As the box receives it.
    pub raw: String,
    /// What wrote it.
    pub product: String,
    /// Place of its shape in the product.
    pub shape: usize,
    /// What is true of it.
    pub label: CaseLabel,
}

/// Cases of a product that can give lines of a label.
struct Choices<'a> {
    product: &'a Product,
    /// By malicious or not: shape and case.
    cases: [Vec<(usize, &'a Case)>; 2],
}

impl<'a> Choices<'a> {
    fn of(product: &'a Product) -> Self {
        let mut cases = [Vec::new(), Vec::new()];
        for (place, shape) in product.shapes.iter().enumerate() {
            for case in &shape.cases {
                for malicious in [false, true] {
                    if case.label.as_ref().is_none_or(|label| label.is_malicious() == malicious) {
                        cases[usize::from(malicious)].push((place, case));
                    }
                }
            }
        }
        Self { product, cases }
    }
}

impl Corpus {
    /// Draws lines; the same for the same seed. A product with four times the cases of another is
    /// drawn twice as often.
    pub fn draw(&self, seed: u64, lines: usize, benign: f64) -> Vec<Line> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let choices: Vec<Choices<'_>> = self.products.iter().map(Choices::of).collect();
        let weight = |malicious: bool| {
            let by =
                |choice: &Choices<'_>| (choice.cases[usize::from(malicious)].len() as f64).sqrt();
            choices.iter().map(by).collect::<Vec<f64>>()
        };
        let weights = [weight(false), weight(true)];
        (0..lines)
            .filter_map(|_| {
                let malicious = !random.random_bool(benign);
                let at = weighted(&weights[usize::from(malicious)], &mut random)?;
                let case = *choices[at].cases[usize::from(malicious)].choose(&mut random)?;
                Some(self.line(choices[at].product, case, malicious, &mut random))
            })
            .collect()
    }

    /// One line of a case.
    fn line(
        &self,
        product: &Product,
        (place, case): (usize, &Case),
        malicious: bool,
        random: &mut ChaCha8Rng,
    ) -> Line {
        let shape = &product.shapes[place];
        let at = moment(random);
        let mut filling = Filling::new(self, product, case, malicious, at);
        let text = filling.shape(shape, random);
        let label = case.label.clone().or(filling.label).unwrap_or(CaseLabel {
            class: vedette_event::ThreatClass::Benign,
            severity: vedette_event::Severity::Low,
            techniques: Vec::new(),
        });
        let host = filling.known.get("host").cloned();
        let host = host.unwrap_or_else(|| {
            Filling::new(self, product, case, malicious, at).slot("host", 0, random)
        });
        let envelope = product.envelopes.choose(random).copied();
        let sender = Sender { host, program: &product.program, at };
        let mut raw = envelope
            .map_or_else(|| text.clone(), |envelope| envelope.around(&text, &sender, random));
        if raw.len() > 400 && random.random_bool(CUT) {
            raw.truncate(raw.floor_char_boundary(raw.len() - raw.len() / 12));
        }
        Line { raw, product: product.name.clone(), shape: place, label }
    }
}

/// A place by weight; none when all are zero.
fn weighted(weights: &[f64], random: &mut ChaCha8Rng) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let mut left = random.random::<f64>() * total;
    let at = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    at.or_else(|| weights.iter().rposition(|weight| *weight > 0.0))
}

/// The values of one line.
struct Filling<'a> {
    corpus: &'a Corpus,
    product: &'a Product,
    case: &'a Case,
    malicious: bool,
    at: OffsetDateTime,
    /// A slot has one value in a line.
    known: BTreeMap<String, String>,
    /// Of the first labelled value that was drawn.
    label: Option<CaseLabel>,
}

impl<'a> Filling<'a> {
    fn new(
        corpus: &'a Corpus,
        product: &'a Product,
        case: &'a Case,
        malicious: bool,
        at: OffsetDateTime,
    ) -> Self {
        Self { corpus, product, case, malicious, at, known: BTreeMap::new(), label: None }
    }

    fn shape(&mut self, shape: &Shape, random: &mut ChaCha8Rng) -> String {
        let escape = |value: String| match shape.escape {
            Escape::Plain => value,
            Escape::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Escape::Xml => value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        };
        fill(&shape.text, |slot| escape(self.slot(slot, 0, random)))
    }

    /// The value of a slot, the same wherever it stands in the line.
    fn slot(&mut self, slot: &str, depth: usize, random: &mut ChaCha8Rng) -> String {
        if let Some(value) = self.known.get(slot) {
            return value.clone();
        }
        if slot.contains('|') {
            let ways: Vec<&str> = slot.split('|').collect();
            return ways.choose(random).copied().unwrap_or_default().to_owned();
        }
        let value = match self.text_of(slot, random) {
            Some(text) if depth < DEPTH => fill(&text, |inner| self.slot(inner, depth + 1, random)),
            Some(text) => text,
            None => written(slot, self.at).or_else(|| made(base(slot), random)).unwrap_or_default(),
        };
        self.known.insert(slot.to_owned(), value.clone());
        value
    }

    /// What the case or a list says of a slot.
    fn text_of(&mut self, slot: &str, random: &mut ChaCha8Rng) -> Option<String> {
        if let Some(text) = self.case.bindings.get(slot) {
            return Some(text.clone());
        }
        let list = find_list(self.corpus, self.product, slot)?;
        let fits = |value: &&Labelled| {
            value.label.as_ref().is_none_or(|label| label.is_malicious() == self.malicious)
        };
        let fitting: Vec<&Labelled> = list.iter().filter(fits).collect();
        let value = fitting.choose(random).copied().or_else(|| list.choose(random))?;
        if self.label.is_none() {
            self.label.clone_from(&value.label);
        }
        Some(value.text.clone())
    }
}

/// The list that a slot names: of the product's file or for all.
pub(super) fn find_list<'a>(
    corpus: &'a Corpus,
    product: &'a Product,
    slot: &str,
) -> Option<&'a [Labelled]> {
    let named = |name: &str| product.lists.get(name).or_else(|| corpus.lists.get(name));
    named(slot).or_else(|| named(base(slot))).map(Vec::as_slice)
}

/// The name without the number that tells two slots of a kind apart, unless it is part of the name.
pub(super) fn base(slot: &str) -> &str {
    const NUMBERED: [&str; 8] = ["wan6", "lan6", "hex4", "hex8", "hex16", "md5", "sha1", "sha256"];
    if NUMBERED.contains(&slot) || slot == "b64" {
        return slot;
    }
    match slot.rsplit_once('_') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => slot,
    }
}

/// Slots of a text, in order.
pub(super) fn slots(text: &str) -> Vec<String> {
    let mut slots = Vec::new();
    fill(text, |slot| {
        slots.push(slot.to_owned());
        String::new()
    });
    slots
}

/// The text with each `{{slot}}` filled. Braces around anything but a name stay as they are.
fn fill(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some((slot, tail)) if is_slot(slot) => {
                out.push_str(&value(slot));
                rest = tail;
            }
            _ => {
                out.push('{');
                rest = &rest[before.len() + 1..];
            }
        }
    }
    out + rest
}

/// A name, or a choice between words.
fn is_slot(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let choice = text.contains('|') && !text.contains(['{', '}']);
    choice || (text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(name))
}
