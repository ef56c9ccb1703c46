//! The forward pass, the tokenizer and label scoring against plain reckonings of the same, on a
//! model the test writes and, where it is there, on the base model.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod reference;
mod tiny;

use std::path::PathBuf;

use candle_core::Device;
use vedette_engine::{
    Analyst, Batch, EngineError, Format, KvCache, Llama, LoadOptions, ModelFile, Prompt,
    TensorLlama, Tokenizer,
};
use vedette_event::{Question, QuestionId, ThreatClass};

/// The pulled base model, where there is one.
fn base_model() -> Option<PathBuf> {
    let state = PathBuf::from(
        std::env::var_os("VEDETTE_TEST_MODEL").or_else(|| std::env::var_os("VEDETTE_STATE"))?,
    );
    let file = state.join("models/base/SmolLM2-135M-Instruct.Q4_1.gguf");
    file.is_file().then_some(file)
}

fn options(positions: usize) -> LoadOptions {
    LoadOptions { positions, ..LoadOptions::default() }
}

/// How far logits lie from the plain reckoning: one minus their correlation, which is what sorting by
/// them comes down to.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let mean =
        |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    let (ours, theirs) = (mean(found), mean(expected));
    let sum = |product: fn(f64, f64) -> f64| -> f64 {
        let pairs = found.iter().zip(expected);
        pairs.map(|(a, b)| product(f64::from(*a) - ours, f64::from(*b) - theirs)).sum()
    };
    1.0 - sum(|a, b| a * b) / (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt()
}

fn check_logits(file: &std::path::Path, tokens: &[u32], format: Format, tolerance: f64) {
    let mut model = ModelFile::open(file, None).unwrap();
    let options = LoadOptions { format, ..options(64) };
    let llama = Llama::load(&mut model, &options).unwrap();
    let expected = reference::logits(&mut model, llama.config(), tokens);
    let mut cache = llama.cache();
    // In two steps, so that the cache is used; then once more behind a truncated cache.
    let (head, tail) = tokens.split_at(tokens.len() / 2);
    let mut first = None;
    for _ in 0..2 {
        llama.read(&mut cache, &Batch::chain(head), &[]).unwrap();
        let states = llama.read(&mut cache, &Batch::chain(tail), &[tail.len() - 1]).unwrap();
        let found = llama.logits(&states).remove(0);
        let wrong = distance(&found, &expected);
        assert!(wrong < tolerance, "{format:?}: correlation lost: {wrong}");
        assert_eq!(*first.get_or_insert_with(|| found.clone()), found, "once more, the same bits");
        cache.truncate(0);
    }
    let tensors = TensorLlama::load(&mut model, 64, &[], &Device::Cpu).unwrap();
    let mut cache = tensors.cache().unwrap();
    let states = tensors.read(&mut cache, &Batch::chain(tokens), &[tokens.len() - 1]).unwrap();
    let found = tensors.logits(&states).unwrap().remove(0);
    let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2e-3, "logits on tensors differ by {worst}");
}

#[test]
fn logits_agree_with_the_plain_reckoning() {
    let file = tiny::write();
    for (format, tolerance) in [(Format::File, 1e-3), (Format::Eight, 1e-3), (Format::Four, 2e-2)] {
        check_logits(file.path(), &[1, 2, 3, 4, 5, 6, 7, 250], format, tolerance);
    }
    match base_model() {
        Some(file) => check_logits(&file, &[504, 3575, 282, 4649, 314], Format::File, 1e-3),
        None => {
            println!("not applicable: no pulled model in $VEDETTE_TEST_MODEL or $VEDETTE_STATE")
        }
    }
}

/// Final states of the last rows of some lines behind a prefix, in different ways of asking.
#[test]
fn prefix_batch_fork_and_threads_change_no_bit() {
    let file = tiny::write();
    let load = |threads: usize| {
        let mut model = ModelFile::open(file.path(), None).unwrap();
        Llama::load(&mut model, &LoadOptions { threads, ..options(128) }).unwrap()
    };
    let logits = |llama: &Llama, cache: &mut KvCache, batch: &Batch, rows: &[usize]| {
        let states = llama.read(cache, batch, rows).unwrap();
        let bits = llama.logits(&states);
        bits.iter().map(|row| row.iter().map(|v| v.to_bits()).collect()).collect::<Vec<Vec<u32>>>()
    };
    let prefix: Vec<u32> = (0..37).map(|at| at * 7 % 200).collect();
    let lines: Vec<Vec<u32>> =
        (1..6u32).map(|line| (0..line * 3).map(|at| (line * 50 + at) % 256).collect()).collect();
    let one = load(1);
    let alone: Vec<Vec<u32>> = lines
        .iter()
        .map(|line| {
            let tokens = [&prefix[..], line].concat();
            logits(&one, &mut one.cache(), &Batch::chain(&tokens), &[tokens.len() - 1]).remove(0)
        })
        .collect();
    for llama in [&one, &load(3)] {
        let mut cache = llama.cache();
        llama.read(&mut cache, &Batch::chain(&prefix), &[]).unwrap();
        let mut together = Batch::default();
        let rows: Vec<usize> =
            lines.iter().map(|line| together.extend(None, line).unwrap()).collect();
        let mut fork = llama.fork(&cache, prefix.len());
        assert_eq!(logits(llama, &mut fork, &together, &rows), alone, "together");
        for (line, alone) in lines.iter().zip(&alone) {
            cache.truncate(prefix.len());
            let found = logits(llama, &mut cache, &Batch::chain(line), &[line.len() - 1]);
            assert_eq!(found[0], *alone, "behind the prefix");
        }
    }
}

#[test]
fn branches_of_a_batch_see_what_separate_chains_see() {
    let file = tiny::write();
    let mut model = ModelFile::open(file.path(), None).unwrap();
    let llama = Llama::load(&mut model, &options(64)).unwrap();
    let mut cache = llama.cache();
    llama.read(&mut cache, &Batch::chain(&[9, 8]), &[]).unwrap();
    let mut tree = Batch::chain(&[1, 2]);
    let left = tree.extend(Some(1), &[3, 4]).unwrap();
    let right = tree.extend(Some(1), &[5]).unwrap();
    let together = llama.read(&mut cache, &tree, &[left, right]).unwrap();
    let together = llama.logits(&together);
    for (chain, found) in [&[1, 2, 3, 4][..], &[1, 2, 5]].iter().zip(&together) {
        cache.truncate(2);
        let states = llama.read(&mut cache, &Batch::chain(chain), &[chain.len() - 1]).unwrap();
        let alone = llama.logits(&states).remove(0);
        assert_eq!(*found, alone, "the same bits");
    }
}

#[test]
fn too_long_and_unknown_tokens_are_refused() {
    let file = tiny::write();
    let mut model = ModelFile::open(file.path(), None).unwrap();
    let llama = Llama::load(&mut model, &options(4)).unwrap();
    let mut cache = llama.cache();
    let full = llama.read(&mut cache, &Batch::chain(&[1; 5]), &[]);
    assert!(matches!(full, Err(EngineError::ContextFull { wanted: 5, capacity: 4 })));
    assert!(llama.read(&mut cache, &Batch::chain(&[u32::MAX]), &[]).is_err());
}

#[test]
fn the_same_line_gets_the_same_bits_and_probabilities_add_up() {
    let file = tiny::write();
    let open = || ModelFile::open(file.path(), None).unwrap();
    let mut analyst = Analyst::new(open(), &Prompt::base().unwrap(), &options(0)).unwrap();
    let ask = |analyst: &mut Analyst, text: &str| {
        analyst.answer(&Question { id: QuestionId(3), text: text.into() }).unwrap()
    };
    let first = ask(&mut analyst, "a line 42");
    ask(&mut analyst, &"another ".repeat(5000));
    ask(&mut analyst, "");
    assert_eq!(ask(&mut analyst, "a line 42"), first);
    let mut again = Analyst::new(open(), &Prompt::base().unwrap(), &options(0)).unwrap();
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
        Llama::load(&mut model, &options(8)).map(|_| ())
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
fn an_alignment_of_nothing_is_told() {
    let sound = std::fs::read(tiny::write().path()).unwrap();
    let mut bytes = sound[..24].to_vec();
    bytes[16] += 1;
    bytes.extend(17u64.to_le_bytes());
    bytes.extend(b"general.alignment");
    bytes.extend(4u32.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(&sound[24..]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let Err(told) = ModelFile::open(file.path(), None) else { panic!("opened") };
    assert!(told.to_string().contains("alignment"), "{told}");
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
    let llama = Llama::load(&mut model, &options(64)).unwrap();
    let mut cache = llama.cache();
    let tokens = tokenizer.encode("The capital of France is");
    let states = llama.read(&mut cache, &Batch::chain(&tokens), &[tokens.len() - 1]).unwrap();
    let logits = llama.logits(&states).remove(0);
    let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
    assert_eq!(tokenizer.decode(&[best as u32]), b" Paris");
}
