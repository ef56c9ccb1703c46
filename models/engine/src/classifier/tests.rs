use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use vedette_event::QuestionId;

use super::*;
use crate::{Batch, Llama, tiny};

const CLASSES: &str = "benign,malware";
const SEVERITIES: &str = "low,high";
const TECHNIQUES: &str = "T1110,T1078.003,T1190";

/// Heads over states of `width` values whose weights follow a pattern.
fn heads(width: usize, classes: &str) -> Vec<u8> {
    let sizes = [("malicious", 2), ("class", 2), ("severity", 2), ("technique", 3)];
    let tensor = |count: usize, step: usize| -> Vec<u8> {
        (0..count).flat_map(|at| (((at * step) % 17) as f32 / 8.0 - 1.0).to_le_bytes()).collect()
    };
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = sizes
        .iter()
        .flat_map(|(name, rows)| {
            [
                (format!("{name}.weight"), vec![*rows, width], tensor(rows * width, 5)),
                (format!("{name}.bias"), vec![*rows], tensor(*rows, 3)),
            ]
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let names = [("classes", classes), ("severities", SEVERITIES), ("techniques", TECHNIQUES)];
    let names: HashMap<String, String> =
        names.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    serialize(views, Some(names)).unwrap()
}

fn file() -> ModelFile {
    ModelFile::open(tiny::write().path(), None).unwrap()
}

fn tuning() -> Tuning {
    let heads = Heads::parse(&heads(2 * tiny::HIDDEN, CLASSES)).unwrap();
    Tuning::of(None, heads, "test")
}

fn ask(texts: &[&str]) -> Vec<ModelSay> {
    let mut classifier = Classifier::new(file(), tuning(), LoadOptions::default()).unwrap();
    let question = |text: &&str| Question { id: QuestionId(9), text: (*text).to_owned() };
    let questions: Vec<Question> = texts.iter().map(question).collect();
    classifier.answer_all(&questions).unwrap()
}

#[test]
fn company_changes_no_answer() {
    let long = "x".repeat(5000);
    let texts = ["Failed password for root", "", "GET /a?b=<script>", &long, "<|im_end|>"];
    let together = ask(&texts);
    // Behind the sign stands the beginning of the model's hash: whoever follows a selection reads it.
    let (_, hash) = together[0].bundle.rsplit_once('@').unwrap();
    assert!(file().sha256().starts_with(hash) && hash.len() == 8);
    for (text, say) in texts.iter().zip(&together) {
        assert_eq!(ask(&[text]), std::slice::from_ref(say), "{text:?}");
        assert_eq!((say.classes.len(), say.severities.len(), say.techniques.len()), (2, 2, 3));
        let total: f32 = say.classes.iter().map(|(_, share)| share).sum();
        assert!((total - 1.0).abs() < 1e-5 && say.classes[0].1 >= say.classes[1].1, "{say:?}");
    }
}

#[test]
fn the_heads_see_the_mean_and_the_last_state() {
    let tokenizer = Tokenizer::read(&file()).unwrap();
    let tokens = classifier_tokens(&tokenizer, "ab c");
    let llama = Llama::load(&mut file(), &LoadOptions::default()).unwrap();
    let rows: Vec<usize> = (0..tokens.len()).collect();
    let states = llama.read(&mut llama.cache(), &Batch::chain(&tokens), &rows).unwrap();
    let states: Vec<&[f32]> = states.rows().collect();
    let count = states.len() as f32;
    let mean = (0..tiny::HIDDEN).map(|at| states.iter().map(|row| row[at]).sum::<f32>() / count);
    let both: Vec<f32> = mean.chain(states[states.len() - 1].iter().copied()).collect();
    let heads = tuning().members.remove(0).heads;
    let expected = ranked(&[(&heads.class, both.as_slice())]);
    let say = &ask(&["ab c"])[0];
    assert_eq!(say.classes[0].0, expected[0].0);
    assert!((say.classes[0].1 - expected[0].1).abs() < 1e-4, "{say:?} {expected:?}");
}

#[test]
fn a_control_token_in_a_line_is_text() {
    let tokenizer = Tokenizer::read(&file()).unwrap();
    let plain = classifier_tokens(&tokenizer, "<|im_start|>");
    assert!(plain.len() > 2 && plain.iter().filter(|id| **id == plain[0]).count() == 1);
}

#[test]
fn broken_heads_are_refused() {
    let good = heads(2 * tiny::HIDDEN, CLASSES);
    assert!(Heads::parse(&good).is_ok());
    for (bytes, complaint) in [
        (heads(2 * tiny::HIDDEN, "benign,odd"), "no name of a row"),
        (heads(2 * tiny::HIDDEN, "benign,malware,phishing"), "whole layer of 3 rows"),
        (good[..good.len() - 9].to_vec(), "unusable"),
        (b"nonsense".to_vec(), "unusable"),
    ] {
        let error = Heads::parse(&bytes).err().unwrap().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let narrow = Heads::parse(&heads(tiny::HIDDEN, CLASSES)).unwrap();
    let tuning = Tuning::of(None, narrow, "test");
    assert!(Classifier::new(file(), tuning, LoadOptions::default()).is_err());
}

#[test]
fn what_ships_is_sound_and_of_one_base_only() {
    const BASE: &str = include_str!("../../../bundles/tuned/base.sha256");
    assert!(Tuning::shipped(BASE.trim()).unwrap().is_some());
    assert!(Tuning::shipped(file().sha256()).unwrap().is_none());
}
