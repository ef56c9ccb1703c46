//! Tuning of a small random Llama, and what the engine makes of the outcome.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../../engine/tests/tiny/mod.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use vedette_engine::{Adapter, Classifier, Heads, LoadOptions, ModelFile, Tokenizer, Tuning};
use vedette_event::{LanguageModel, Question, QuestionId};
use vedette_tune::{Lesson, Progress, Recipe, Tuner};

/// Lines of two kinds that differ in words alone; every fifth is held back.
fn examples() -> String {
    let line = |at: usize| {
        let bad = at.is_multiple_of(2);
        let word = if bad { "attack" } else { "backup" };
        serde_json::json!({
            "text": format!("{word} run {at}"), "kind": "log lines", "source": "s",
            "group": format!("g{at}"), "template": format!("t{at}"), "fold": 0, "http": false,
            "dev": at.is_multiple_of(5), "malicious": bad, "strong": true,
            "class": if bad { "malware" } else { "benign" },
            "severity": if bad { "high" } else { "low" },
            "techniques": [if bad { "T1059" } else { "T1110" }],
        })
        .to_string()
    };
    (0..40).map(line).collect::<Vec<_>>().join("\n")
}

fn recipe() -> Recipe {
    Recipe {
        rank: 4,
        alpha: 8.0,
        upper: 2,
        batch: 128,
        epochs: 5,
        rate: 5e-3,
        head_rate: 2e-2,
        ..Recipe::default()
    }
}

fn tuner(base: &Path, out: &Path, recipe: Recipe) -> anyhow::Result<Tuner> {
    let mut file = ModelFile::open(base, None)?;
    let tokenizer = Tokenizer::read(&file)?;
    let lesson = Lesson::read(examples().as_bytes(), &tokenizer, &recipe)?;
    Tuner::new(&mut file, lesson, recipe, (Device::Cpu, out))
}

fn advance(tuner: &mut Tuner, steps: usize) -> Progress {
    tuner.advance(steps).unwrap().unwrap();
    tuner.keep().unwrap().unwrap().clone()
}

/// P(malicious) of lines as the engine's packed weights have it, with the adapter merged.
fn judged(base: &Path, out: &Path, lines: &[&str]) -> Vec<f32> {
    let adapter = Some(Adapter::read(out).unwrap());
    let heads = Heads::read(&out.join(Heads::FILE), None).unwrap();
    let tuning = Tuning::of(adapter, heads, "tried");
    let file = ModelFile::open(base, None).unwrap();
    let mut classifier = Classifier::new(file, tuning, LoadOptions::default()).unwrap();
    let question = |(id, text): (usize, &&str)| Question {
        id: QuestionId(id as u64),
        text: (*text).to_owned(),
    };
    let questions: Vec<Question> = lines.iter().enumerate().map(question).collect();
    classifier.ask(&questions).unwrap().iter().map(|say| say.malicious).collect()
}

/// Every tensor of a file, by name; the order of its header is drawn by chance.
fn values(folder: &Path, file: &str) -> BTreeMap<String, Vec<f32>> {
    let tensors = candle_core::safetensors::load(folder.join(file), &Device::Cpu).unwrap();
    let flat = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
    tensors.into_iter().map(|(name, tensor)| (name, flat(tensor))).collect()
}

#[test]
fn a_tuned_model_is_right_in_the_engine_on_lines_it_never_saw() {
    let (base, out) = (tiny::write(), tempfile::tempdir().unwrap());
    let mut tuner = tuner(base.path(), out.path(), recipe()).unwrap();
    let first = advance(&mut tuner, 1);
    let last = advance(&mut tuner, usize::MAX);
    assert!(last.loss["malicious"] < first.loss["malicious"], "{first:?} {last:?}");
    assert!(last.held["malicious"] > 0.9 && last.held["technique"] > 0.9, "{last:?}");
    assert!(tuner.advance(1).unwrap().is_none(), "nothing is left to learn");
    let said = judged(base.path(), out.path(), &["attack run 77", "backup run 77"]);
    assert!(said[0] > 0.6 && said[1] < 0.4, "{said:?}");
}

#[test]
fn a_stop_changes_nothing() {
    let (base, whole, stopped) =
        (tiny::write(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut one = tuner(base.path(), whole.path(), recipe()).unwrap();
    advance(&mut one, 2);
    let told = advance(&mut one, 4);
    advance(&mut tuner(base.path(), stopped.path(), recipe()).unwrap(), 2);
    let again = advance(&mut tuner(base.path(), stopped.path(), recipe()).unwrap(), 4);
    assert_eq!(told, again);
    for file in ["adapter_model.safetensors", Heads::FILE] {
        assert_eq!(values(whole.path(), file), values(stopped.path(), file), "{file}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let (base, out) = (tiny::write(), tempfile::tempdir().unwrap());
    advance(&mut tuner(base.path(), out.path(), recipe()).unwrap(), 1);
    let other = Recipe { rank: 8, ..recipe() };
    let refused = tuner(base.path(), out.path(), other).err().unwrap();
    assert!(refused.to_string().contains("another recipe"), "{refused}");
    let file = ModelFile::open(base.path(), None).unwrap();
    let tokenizer = Tokenizer::read(&file).unwrap();
    for (text, reason) in [("{\"text\": 1}", "line 1 of the examples"), ("", "no example")] {
        let refused = Lesson::read(text.as_bytes(), &tokenizer, &recipe()).err().unwrap();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}
