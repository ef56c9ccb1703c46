//! Token ids against those of llama.cpp, for both families of tokenizers.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Value, write as write_gguf};
use vedette_engine::{ModelFile, Tokenizer};

/// A small SentencePiece vocabulary: texts and kinds.
fn words() -> Vec<(String, i32)> {
    let mut tokens = vec![("<unk>".to_owned(), 2), ("<s>".to_owned(), 3), ("</s>".to_owned(), 3)];
    tokens.extend((0..256).map(|byte| (format!("<0x{byte:02X}>"), 6)));
    let mut add = |text: &str| {
        if !tokens.iter().any(|(known, _)| known == text) {
            tokens.push((text.to_owned(), 1));
        }
    };
    // Words with all their beginnings, so that they can be reached pair by pair; some share parts.
    for word in [
        "▁Failed",
        "▁password",
        "▁for",
        "▁from",
        "▁port",
        "sword",
        "pass",
        "▁▁",
        "▁▁▁▁",
        "ed",
        "er",
        "▁the",
        "in",
        "ing",
        "▁user",
        "admin",
        "SELECT",
        "ss",
        "sh",
        "ssh",
        "aa",
        "aaaa",
        "xX",
        "Xx",
        "11",
        "12",
        "34",
        "тель",
        "▁a",
        "日本",
        "\t\t",
        "\r\n",
        "//",
        "--",
        "▁'",
        "é",
    ] {
        let letters: Vec<char> = word.chars().collect();
        (2..=letters.len()).for_each(|length| add(&letters[..length].iter().collect::<String>()));
    }
    (' '..='~').chain("▁éïüßñΩ日本語приветмоша½".chars()).filter(|letter| *letter != ' ').for_each(
        |letter| {
            if letter != '~' && letter != '|' {
                add(&letter.to_string());
            }
        },
    );
    tokens
}

/// The vocabulary as a file, where `peer/golden.py` looks for it.
fn pieces() -> PathBuf {
    let tokens = words();
    let count = tokens.len();
    // Every third score like the one before it, so that ties are met.
    let scores = (0..count).map(|at| Value::F32(-((at - at / 3) as f32))).collect();
    let kinds = tokens.iter().map(|(_, kind)| Value::I32(*kind)).collect();
    let texts = tokens.into_iter().map(|(text, _)| Value::String(text)).collect();
    let metadata = [
        ("general.architecture", Value::String("llama".into())),
        ("llama.vocab_size", Value::U32(u32::try_from(count).unwrap())),
        ("llama.block_count", Value::U32(1)),
        ("llama.context_length", Value::U32(64)),
        ("llama.embedding_length", Value::U32(32)),
        ("llama.feed_forward_length", Value::U32(32)),
        ("llama.attention.head_count", Value::U32(1)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.pre", Value::String("default".into())),
        ("tokenizer.ggml.tokens", Value::Array(texts)),
        ("tokenizer.ggml.scores", Value::Array(scores)),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(0)),
    ];
    let metadata: Vec<_> = metadata.iter().map(|(name, value)| (*name, value)).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let unfinished = tempfile::NamedTempFile::new_in(folder).unwrap();
    write_gguf(&mut unfinished.as_file(), &metadata, &[]).unwrap();
    let path = folder.join("pieces.gguf");
    unfinished.persist(&path).unwrap();
    path
}

fn check(tokenizer: &Tokenizer, golden: &str) {
    let texts: Vec<String> = serde_json::from_str(include_str!("golden/texts.json")).unwrap();
    let golden: Vec<Vec<u32>> = serde_json::from_str(golden).unwrap();
    assert_eq!(texts.len(), golden.len());
    for (text, expected) in texts.iter().zip(golden) {
        assert_eq!(tokenizer.encode(text), expected, "{text:?}");
    }
}

#[test]
fn the_base_model_cuts_text_as_llama_cpp_does() {
    let folder =
        std::env::var_os("VEDETTE_TEST_MODEL").or_else(|| std::env::var_os("VEDETTE_STATE"));
    let file = folder
        .map(|folder| PathBuf::from(folder).join("models/base/SmolLM2-135M-Instruct.Q4_1.gguf"));
    let Some(file) = file.filter(|file| file.is_file()) else {
        println!("not applicable: no pulled model in $VEDETTE_TEST_MODEL or $VEDETTE_STATE");
        return;
    };
    let tokenizer = Tokenizer::read(&ModelFile::open(&file, None).unwrap()).unwrap();
    check(&tokenizer, include_str!("golden/smollm.json"));
}

#[test]
fn sentence_pieces_are_cut_as_llama_cpp_does() {
    let tokenizer = Tokenizer::read(&ModelFile::open(&pieces(), None).unwrap()).unwrap();
    check(&tokenizer, include_str!("golden/pieces.json"));
    let (blank, start) = (tokenizer.encode("a"), tokenizer.encode_start("a</s>a"));
    assert_eq!(start, [&[1][..], &blank, &[2], &blank].concat(), "the first token, control tokens");
    assert_eq!(tokenizer.decode(&tokenizer.encode_inner("a é~ 1")), "a é~ 1".as_bytes());
    assert_eq!(tokenizer.decode(&tokenizer.encode("a é~ 1")), " a é~ 1".as_bytes());
}
