//! What a bundle says of its model beyond hashes: under which licences it comes, what it learnt from, and
//! what it was found to be worth.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Longest text, in bytes: a licence's name, or a sentence on what was learnt from.
const MAX_TEXT_BYTES: usize = 240;

/// Most texts, numbers or figures in one list. Ours have a handful, and forty figures of a judge.
const MAX_ENTRIES: usize = 64;

/// The judges whose figures are the bundle's: what a verdict says with it and without, and the model alone.
const JUDGES: [&str; 3] = ["ensemble", "ensemble without the model", "model"];

/// Largest report read, in bytes: ours, with all its curves, has less than a megabyte.
const MAX_REPORT_BYTES: u64 = 16 << 20;

/// Where an adapter's folder tells the same of the adapter.
const ADAPTER_MANIFEST: &str = "manifest.json";

/// Largest manifest of an adapter, in bytes.
const MAX_ADAPTER_MANIFEST_BYTES: u64 = 64 << 10;

/// What is known of a model; what nobody told is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Card {
    /// Licence of the base, by its SPDX name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_licence: Option<String>,
    /// Licences of the adapters and their heads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) adapter_licences: Vec<String>,
    /// What was learnt from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) training_data: Vec<TrainingData>,
    /// Class prior under which scores are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prior: Option<f64>,
    /// Seeds of the training, a stage each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seeds: Vec<u64>,
    /// What it was found to be worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<Metrics>,
}

/// Something that was learnt from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrainingData {
    /// What.
    pub(crate) what: String,
    /// Under which licences it came.
    pub(crate) licences: Vec<String>,
}

/// Figures of `vedette model eval`, by judge and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metrics {
    /// Lines that were judged.
    pub(crate) lines: u64,
    /// Groups that they stem from.
    pub(crate) groups: u64,
    /// The figures.
    pub(crate) judges: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Card {
    /// What the folder of an adapter tells of it; nothing where it tells nothing.
    pub(crate) fn beside(adapter: &Path) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(default)]
            card: Card,
        }
        let bytes = match bounded(&adapter.join(ADAPTER_MANIFEST), MAX_ADAPTER_MANIFEST_BYTES) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            found => found?,
        };
        let Told { card } = serde_json::from_slice(&bytes)?;
        card.check().map_err(io::Error::other)?;
        Ok(card)
    }

    /// Takes in what is told of a further adapter. Its figures are not taken over: they are of whatever it
    /// was measured in.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), String> {
        let Self { base_licence, adapter_licences, training_data, prior, seeds, .. } = other;
        self.base_licence = self.base_licence.take().or(base_licence);
        for licence in adapter_licences {
            add(&mut self.adapter_licences, licence);
        }
        for data in training_data {
            add(&mut self.training_data, data);
        }
        self.seeds.extend(seeds);
        match (self.prior, prior) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                return Err(format!("they were trained for priors of {ours} and {theirs}"));
            }
            _ => self.prior = self.prior.or(prior),
        }
        self.check()
    }

    /// Refuses what is larger than a card can be, and numbers and texts that are none.
    pub(crate) fn check(&self) -> Result<(), String> {
        let data = self.training_data.iter();
        let texts = data.flat_map(|data| std::iter::once(&data.what).chain(&data.licences));
        let texts = texts.chain(&self.base_licence).chain(&self.adapter_licences);
        let mut counts = vec![self.adapter_licences.len(), self.training_data.len()];
        counts.push(self.seeds.len());
        counts.extend(self.training_data.iter().map(|data| data.licences.len()));
        let bad = |text: &String| text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control);
        if texts.clone().any(bad) {
            return Err(format!(
                "a text of its card has more than {MAX_TEXT_BYTES} bytes, or control characters"
            ));
        }
        if counts.into_iter().any(|count| count > MAX_ENTRIES) {
            return Err(format!("a list of its card has more than {MAX_ENTRIES} entries"));
        }
        if self.prior.is_some_and(|prior| !(0.0..=1.0).contains(&prior)) {
            return Err("the prior of its card is no probability".to_owned());
        }
        self.metrics.as_ref().map_or(Ok(()), Metrics::check)
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

impl Metrics {
    /// The figures of a `report.json` on all lines, of the judges that a bundle has a part in.
    pub(crate) fn read(report: &Path) -> io::Result<Self> {
        let report: Report = serde_json::from_slice(&bounded(report, MAX_REPORT_BYTES)?)?;
        let all = report.slices.into_iter().next();
        let all = all.ok_or_else(|| io::Error::other("it judges no lines"))?;
        let own = all.judges.into_iter().filter(|judged| JUDGES.contains(&judged.judge.as_str()));
        let judges = own.map(|Judged { judge, figures }| {
            let named = figures.into_iter().flat_map(|(part, figures)| {
                let figure = move |(name, value): (String, Option<f64>)| {
                    value.map(|value| (format!("{part}.{name}"), rounded(value)))
                };
                figures.into_iter().filter_map(figure)
            });
            (judge, named.collect())
        });
        let metrics = Self { lines: all.lines, groups: all.groups, judges: judges.collect() };
        metrics.check().map_err(io::Error::other)?;
        Ok(metrics)
    }

    fn check(&self) -> Result<(), String> {
        let figures = self.judges.values();
        let names = self.judges.keys().chain(figures.clone().flat_map(BTreeMap::keys));
        let large = self.judges.len() > JUDGES.len()
            || figures.clone().any(|figures| figures.len() > MAX_ENTRIES);
        if large {
            return Err("its card has more figures than a report".to_owned());
        }
        let odd = |name: &String| name.len() > MAX_TEXT_BYTES || name.chars().any(char::is_control);
        if names.into_iter().any(odd) {
            return Err("a figure of its card has no name".to_owned());
        }
        match figures.flat_map(BTreeMap::values).all(|figure| figure.is_finite()) {
            true => Ok(()),
            false => Err("a figure of its card is no number".to_owned()),
        }
    }
}

/// Four digits: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The parts of a report that count here.
#[derive(Deserialize)]
struct Report {
    slices: Vec<Slice>,
}

#[derive(Deserialize)]
struct Slice {
    lines: u64,
    groups: u64,
    judges: Vec<Judged>,
}

#[derive(Deserialize)]
struct Judged {
    judge: String,
    figures: BTreeMap<String, BTreeMap<String, Option<f64>>>,
}

fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card {
            base_licence: Some("Apache-2.0".into()),
            adapter_licences: vec!["MIT".into()],
            training_data: vec![TrainingData {
                what: "lines".into(),
                licences: vec!["GPL-2.0".into()],
            }],
            prior: Some(0.5),
            seeds: vec![7],
            metrics: Some(Metrics {
                lines: 3,
                groups: 2,
                judges: BTreeMap::from([(
                    "model".into(),
                    BTreeMap::from([("strong.auc".into(), 0.75)]),
                )]),
            }),
        }
    }

    #[test]
    fn a_card_is_bounded() {
        type Change<'c> = &'c dyn Fn(&mut Card);
        let cases: [(&str, Change<'_>, Option<&str>); 9] = [
            ("good", &|_| {}, None),
            ("empty", &|card| *card = Card::default(), None),
            ("long", &|card| card.base_licence = Some("x".repeat(241)), Some("bytes")),
            ("escape", &|card| card.adapter_licences = vec!["\u{1b}[1m".into()], Some("control")),
            ("what", &|card| card.training_data[0].what = "a\nb".into(), Some("control")),
            ("many", &|card| card.seeds = vec![1; 65], Some("entries")),
            (
                "licences",
                &|card| card.training_data[0].licences = vec!["MIT".into(); 65],
                Some("entries"),
            ),
            ("prior", &|card| card.prior = Some(f64::NAN), Some("probability")),
            (
                "figure",
                &|card| {
                    let figures = BTreeMap::from([("auc".to_owned(), f64::INFINITY)]);
                    card.metrics.as_mut().unwrap().judges.insert("model".into(), figures);
                },
                Some("no number"),
            ),
        ];
        for (name, change, complaint) in cases {
            let mut card = card();
            change(&mut card);
            match (card.check(), complaint) {
                (Ok(()), None) => {}
                (Err(why), Some(complaint)) => assert!(why.contains(complaint), "{name}: {why}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let text = serde_json::to_string(&card()).unwrap();
        assert_eq!(serde_json::from_str::<Card>(&text).unwrap(), card());
    }

    #[test]
    fn cards_of_several_adapters_are_put_together() {
        let mut all = Card::default();
        all.join(card()).unwrap();
        all.join(Card { seeds: vec![8], ..card() }).unwrap();
        assert_eq!((all.seeds.clone(), all.adapter_licences.len()), (vec![7, 8], 1));
        assert_eq!((all.training_data.len(), all.prior, all.metrics.clone()), (1, Some(0.5), None));
        assert!(all.join(Card { prior: Some(0.1), ..card() }).unwrap_err().contains("priors"));
    }

    #[test]
    fn figures_are_taken_from_a_report() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let report = |judges: &str| {
            let text = format!(
                r#"{{"prior": 0.5, "slices": [{{"name": "all", "lines": 9,
                "groups": 4, "judges": [{judges}], "comparisons": []}}], "curves": []}}"#
            );
            std::fs::write(&path, text).unwrap();
            Metrics::read(&path)
        };
        let model = r#"{"judge": "model", "figures": {"strong": {"lines": 5, "auc": 0.71239,
            "kappa": null}}, "intervals": [null]}"#;
        let screen = model.replace("model", "screen");
        let metrics = report(&format!("{model}, {screen}")).unwrap();
        let figures = &metrics.judges["model"];
        assert_eq!((metrics.lines, metrics.groups, metrics.judges.len()), (9, 4, 1));
        assert_eq!(
            (figures["strong.auc"], figures["strong.lines"], figures.len()),
            (0.7124, 5.0, 2)
        );
        assert!(report("{").is_err());
        std::fs::write(&path, r#"{"slices": []}"#).unwrap();
        assert!(Metrics::read(&path).unwrap_err().to_string().contains("no lines"));
    }

    #[test]
    fn what_ships_tells_its_licences_and_figures() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/tuned");
        let card = Card::beside(&folder).unwrap();
        assert_eq!(card.base_licence.as_deref(), Some("Apache-2.0"));
        assert_eq!((card.adapter_licences.len(), card.prior), (1, Some(0.5)));
        assert!(card.training_data.iter().all(|data| !data.licences.is_empty()));
        assert!(card.metrics.unwrap().judges["model"]["strong.auc"] > 0.5);
    }
}
