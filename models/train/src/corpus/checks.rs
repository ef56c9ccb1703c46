//! What keeps the corpus from being a toy, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::clock::written;
use super::draw::{Line, base, find_list, slots};
use super::parse::{Corpus, Product};
use super::values::made;

/// What a corpus holds.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// What writes lines.
    pub products: usize,
    /// Ways of writing.
    pub shapes: usize,
    /// Distinct masked lines among those drawn.
    pub templates: usize,
    /// Lines drawn.
    pub lines: usize,
    /// Share of lines that the most common masked line has.
    pub largest: f64,
    /// Techniques of malicious lines.
    pub techniques: usize,
    /// Threat classes with their lines.
    pub classes: BTreeMap<String, usize>,
    /// By product: balanced accuracy of the best guess from the shape alone.
    pub shape_alone: BTreeMap<String, f64>,
}

/// Checks every slot of the corpus and draws lines to look at them.
///
/// # Errors
/// When a slot has no value, a shape no case, or a case no label.
pub fn check(corpus: &Corpus, seed: u64, lines: usize) -> Result<Check> {
    for product in &corpus.products {
        wholesome(corpus, product).with_context(|| format!("product {}", product.name))?;
    }
    // Balanced, so that the guess from the shape alone is.
    Ok(Check::of(corpus, &corpus.draw(seed, lines, 0.5)))
}

fn wholesome(corpus: &Corpus, product: &Product) -> Result<()> {
    ensure!(!product.shapes.is_empty(), "it writes nothing");
    for shape in &product.shapes {
        ensure!(!shape.cases.is_empty(), "a shape without a case: {}", shape.text);
        for case in &shape.cases {
            let mut seen = BTreeSet::new();
            let mut labelled = false;
            let mut open = slots(&shape.text);
            for name in case.bindings.keys() {
                ensure!(
                    open.contains(name) || is_inner(corpus, product, case, name),
                    "`{name}` is bound and not used in: {}",
                    shape.text
                );
            }
            while let Some(slot) = open.pop() {
                if slot.contains('|') || !seen.insert(slot.clone()) {
                    continue;
                }
                if let Some(text) = case.bindings.get(&slot) {
                    open.extend(slots(text));
                } else if let Some(list) = find_list(corpus, product, &slot) {
                    ensure!(!list.is_empty(), "list {slot} is empty");
                    labelled |= list.iter().any(|value| value.label.is_some());
                    open.extend(list.iter().flat_map(|value| slots(&value.text)));
                } else {
                    ensure!(
                        is_made(&slot),
                        "`{slot}` is neither listed nor made, in: {}",
                        shape.text
                    );
                }
            }
            ensure!(
                labelled || case.label.is_some(),
                "`@` and no labelled value in: {}",
                shape.text
            );
        }
    }
    Ok(())
}

/// Whether a bound name is used by another binding or a list's value.
fn is_inner(corpus: &Corpus, product: &Product, case: &super::Case, name: &str) -> bool {
    let bound = case.bindings.values().flat_map(|text| slots(text));
    let listed = product.lists.values().chain(corpus.lists.values()).flatten();
    bound.chain(listed.flat_map(|value| slots(&value.text))).any(|slot| slot == name)
}

fn is_made(slot: &str) -> bool {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let at = time::OffsetDateTime::UNIX_EPOCH;
    written(slot, at).is_some() || made(base(slot), &mut random).is_some()
}

impl Check {
    fn of(corpus: &Corpus, lines: &[Line]) -> Self {
        let mut templates: BTreeMap<String, usize> = BTreeMap::new();
        let mut techniques = BTreeSet::new();
        let mut classes: BTreeMap<String, usize> = BTreeMap::new();
        let mut shapes: BTreeMap<(&str, usize), [f64; 2]> = BTreeMap::new();
        for line in lines {
            *templates.entry(vedette_triage::mask(&line.raw).template).or_default() += 1;
            *classes.entry(line.label.class.to_string()).or_default() += 1;
            let malicious = line.label.is_malicious();
            if malicious {
                techniques.extend(line.label.techniques.iter().copied());
            }
            let shape = shapes.entry((&line.product, line.shape)).or_default();
            shape[usize::from(malicious)] += 1.0;
        }
        let largest = templates.values().max().copied().unwrap_or(0) as f64;
        Self {
            products: corpus.products.len(),
            shapes: corpus.products.iter().map(|product| product.shapes.len()).sum(),
            templates: templates.len(),
            lines: lines.len(),
            largest: largest / lines.len().max(1) as f64,
            techniques: techniques.len(),
            classes,
            shape_alone: shape_alone(&shapes),
        }
    }
}

/// By product: balanced accuracy of calling each shape what its lines more often are.
fn shape_alone(shapes: &BTreeMap<(&str, usize), [f64; 2]>) -> BTreeMap<String, f64> {
    let mut totals: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for ((product, _), counts) in shapes {
        let total = totals.entry(product).or_default();
        total[0] += counts[0];
        total[1] += counts[1];
    }
    let mut right: BTreeMap<String, f64> = BTreeMap::new();
    for ((product, _), counts) in shapes {
        let total = totals[product];
        if total.contains(&0.0) {
            continue;
        }
        let best = (counts[0] / total[0]).max(counts[1] / total[1]);
        *right.entry((*product).to_owned()).or_default() += best / 2.0;
    }
    right
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} products, {} shapes, {} techniques; {} lines drawn: {} templates, the largest {:.3} %",
            self.products,
            self.shapes,
            self.techniques,
            self.lines,
            self.templates,
            self.largest * 100.0
        )?;
        for (class, lines) in &self.classes {
            writeln!(f, "{lines:>8} {class}")?;
        }
        for (product, share) in &self.shape_alone {
            writeln!(f, "{share:>8.3} shape alone, {product}")?;
        }
        Ok(())
    }
}
