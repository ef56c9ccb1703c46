//! The forward pass, the tokenizer and label scoring against plain reckonings of the same, on a
//! model the test writes and, where it is there, on the base model.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod reference;
mod tiny;

use std::path::PathBuf;

use vedette_engine::{Analyst, Batch, EngineError, Llama, ModelFile, Prompt, Tokenizer};
use vedette_event::{Question, QuestionId, ThreatClass};

/// The pulled base model, where there is one.
fn base_model() -> Option<PathBuf> {
    let state = PathBuf::from(
        std::env::var_os("VEDETTE_TEST_MODEL").or_else(|| std::env::var_os("VEDETTE_STATE"))?,
    );
    let file = state.join("models/base/SmolLM2-135M-Instruct.Q4_1.gguf");
    file.is_file().then_some(file)
}

fn check_logits(file: &std::path::Path, tokens: &[u32]) {
    let mut model = ModelFile::open(file, None).unwrap();
    let llama = Llama::load(&mut model, 64).unwrap();
    let expected = reference::logits(&mut model, llama.config(), tokens);
    let mut cache = llama.cache().unwrap();
    // In two steps, so that the cache is used; then once more behind a truncated cache.
    let (head, tail) = tokens.split_at(tokens.len() / 2);
    for _ in 0..2 {
        llama.read(&mut cache, &Batch::chain(head), &[]).unwrap();
        let states = llama.read(&mut cache, &Batch::chain(tail), &[tail.len() - 1]).unwrap();
        let found = llama.logits(&states).unwrap().remove(0);
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-3, "logits differ by {worst}");
        cache.truncate(0);
    }
}

#[test]
fn logits_agree_with_the_plain_reckoning() {
    let file = tiny::write();
    check_logits(file.path(), &[1, 2, 3, 4, 5, 6, 7, 250]);
    match base_model() {
        Some(file) => check_logits(&file, &[504, 3575, 282, 4649, 314]),
        None => {
            println!("not applicable: no pulled model in $VEDETTE_TEST_MODEL or $VEDETTE_STATE")
        }
    }
}

#[test]
fn branches_of_a_batch_see_what_separate_chains_see() {
    let file = tiny::write();
    let mut model = ModelFile::open(file.path(), None).unwrap();
    let llama = Llama::load(&mut model, 64).unwrap();
    let mut cache = llama.cache().unwrap();
    llama.read(&mut cache, &Batch::chain(&[9, 8]), &[]).unwrap();
    let mut tree = Batch::chain(&[1, 2]);
    let left = tree.extend(Some(1), &[3, 4]).unwrap();
    let right = tree.extend(Some(1), &[5]).unwrap();
    let together = llama.read(&mut cache, &tree, &[left, right]).unwrap();
    let together = llama.logits(&together).unwrap();
    for (chain, found) in [&[1, 2, 3, 4][..], &[1, 2, 5]].iter().zip(&together) {
        cache.truncate(2);
        let states = llama.read(&mut cache, &Batch::chain(chain), &[chain.len() - 1]).unwrap();
        let alone = llama.logits(&states).unwrap().remove(0);
        let worst = found.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "logits differ by {worst}");
    }
}

#[test]
fn too_long_and_unknown_tokens_are_refused() {
    let file = tiny::write();
    let mut model = ModelFile::open(file.path(), None).unwrap();
    let llama = Llama::load(&mut model, 4).unwrap();
    let mut cache = llama.cache().unwrap();
    let full = llama.read(&mut cache, &Batch::chain(&[1; 5]), &[]);
    assert!(matches!(full, Err(EngineError::ContextFull { wanted: 5, capacity: 4 })));
    assert!(llama.read(&mut cache, &Batch::chain(&[u32::MAX]), &[]).is_err());
}

#[test]
fn the_same_line_gets_the_same_bits_and_probabilities_add_up() {
    let file = tiny::write();
    let open = || ModelFile::open(file.path(), None).unwrap();
    let mut analyst = Analyst::new(open(), &Prompt::base().unwrap()).unwrap();
    let ask = |analyst: &mut Analyst, text: &str| {
        analyst.answer(&Question { id: QuestionId(3), text: text.into() }).unwrap()
    };
    let first = ask(&mut analyst, "a line 42");
    ask(&mut analyst, &"another ".repeat(5000));
    ask(&mut analyst, "");
    assert_eq!(ask(&mut analyst, "a line 42"), first);
    let mut again = Analyst::new(open(), &Prompt::base().unwrap()).unwrap();
    assert_eq!(ask(&mut again, "\u{1b}[1ma\u{202e} line\t42"), first, "marks change nothing");
    assert_eq!(first.classes.len(), ThreatClass::ALL.len());
    let total: f32 = first.classes.iter().map(|(_, share)| share).sum();
    assert!((total - 1.0).abs() < 1e-4 && (0.0..=1.0).contains(&first.malicious), "{first:?}");
}

#[test]
fn damaged_files_are_told_and_never_panic() {
    let file = tiny::write();
    let sound = std::fs::read(file.path()).unwrap();
    let open = |bytes: &[u8]| {
        let changed = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(changed.path(), bytes).unwrap();
        let mut model = ModelFile::open(changed.path(), None)?;
        Tokenizer::read(&model)?;
        Llama::load(&mut model, 8).map(|_| ())
    };
    open(&sound).unwrap();
    for length in (0..sound.len()).step_by(211) {
        assert!(open(&sound[..length]).is_err(), "cut to {length} bytes");
    }
    // Any byte of the tables may be anything; what loads all the same is sound by luck.
    for at in (0..sound.len().min(6000)).step_by(7) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        let _ = open(&bytes);
    }
    let other = ModelFile::open(file.path(), Some(&"0".repeat(64)));
    assert!(matches!(other, Err(EngineError::Hash { .. })));
    let nowhere = ModelFile::open(&PathBuf::from("/nonexistent"), None);
    assert!(matches!(nowhere, Err(EngineError::Read { .. })));
}

#[test]
fn text_is_cut_as_the_reference_tokenizer_cuts_it() {
    let Some(file) = base_model() else {
        println!("not applicable: no pulled model in $VEDETTE_TEST_MODEL or $VEDETTE_STATE");
        return;
    };
    let model = ModelFile::open(&file, None).unwrap();
    let ours = Tokenizer::read(&model).unwrap();
    let theirs = reference::tokenizer(&file);
    for text in [
        "Failed password for root from 203.0.113.7 port 51514 ssh2",
        "GET /index.php?id=1%27%20OR%201=1-- HTTP/1.1\" 200 -  \"-\"",
        "  two  blanks   three\n\n\tend ",
        "it's they're I'LL don't 'sense'",
        "naïve café 日本語 Ω≈ç ½ ٣ \u{202e}x\u{301}",
        "C:\\Windows\\System32\\cmd.exe /c whoami & del *.log",
        "{\"a\":[1,22,333],\"b\":null}",
        "\u{0}\u{1}\u{7f}",
        "",
        " ",
    ] {
        let expected = theirs.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!(ours.encode(text), expected, "{text:?}");
    }
    let special = "<|im_start|>user<|im_end|>";
    assert!(ours.encode(special).iter().all(|token| *token > 16), "text is never control");
    assert_eq!(ours.encode_prompt(special).len(), 3);
    assert_eq!(ours.decode(&ours.encode("a é 1<|im_end|>")), "a é 1<|im_end|>".as_bytes());
}

#[test]
fn the_base_model_knows_what_its_makers_taught_it() {
    let Some(file) = base_model() else {
        println!("not applicable: no pulled model in $VEDETTE_TEST_MODEL or $VEDETTE_STATE");
        return;
    };
    let mut model = ModelFile::open(&file, None).unwrap();
    let tokenizer = Tokenizer::read(&model).unwrap();
    let llama = Llama::load(&mut model, 64).unwrap();
    let mut cache = llama.cache().unwrap();
    let tokens = tokenizer.encode("The capital of France is");
    let states = llama.read(&mut cache, &Batch::chain(&tokens), &[tokens.len() - 1]).unwrap();
    let logits = llama.logits(&states).unwrap().remove(0);
    let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
    assert_eq!(tokenizer.decode(&[best as u32]), b" Paris");
}
