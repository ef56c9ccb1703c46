//! The plain reckoning: loops over numbers, one position after the other, no cache, no batch.

use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use vedette_engine::{LlamaConfig, ModelFile};

/// Logits behind the last token.
pub(crate) fn logits(file: &mut ModelFile, config: &LlamaConfig, tokens: &[u32]) -> Vec<f32> {
    let hidden = config.hidden;
    let embedding = matrix(file, "token_embd.weight", &[config.vocabulary, hidden]);
    let mut states: Vec<Vec<f32>> = tokens
        .iter()
        .map(|token| embedding[*token as usize * hidden..][..hidden].to_vec())
        .collect();
    for index in 0..config.layers {
        block(file, config, index, &mut states);
    }
    let norm = matrix(file, "output_norm.weight", &[hidden]);
    let last = normed(states.last().unwrap(), &norm, config.norm_epsilon);
    times(&embedding, &last)
}

/// The `smollm` tokenizer as its makers configured it: digits one by one, then GPT-2's bytes.
pub(crate) fn tokenizer(file: &Path) -> tokenizers::Tokenizer {
    let content = Content::read(&mut std::fs::File::open(file).unwrap()).unwrap();
    let mut tokenizer = tokenizers::Tokenizer::from_gguf(&content).unwrap();
    let cuts = vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()];
    tokenizer.with_pre_tokenizer(Some(Sequence::new(cuts)));
    tokenizer
}

fn block(file: &mut ModelFile, config: &LlamaConfig, index: usize, states: &mut [Vec<f32>]) {
    let (hidden, kv, wide) = (config.hidden, config.kv_width(), config.feed_forward);
    let mut read =
        |name: &str, shape: &[usize]| matrix(file, &format!("blk.{index}.{name}.weight"), shape);
    let norms = [read("attn_norm", &[hidden]), read("ffn_norm", &[hidden])];
    let [query, output] =
        [read("attn_q", &[hidden, hidden]), read("attn_output", &[hidden, hidden])];
    let [key, value] = [read("attn_k", &[kv, hidden]), read("attn_v", &[kv, hidden])];
    let [gate, up] = [read("ffn_gate", &[wide, hidden]), read("ffn_up", &[wide, hidden])];
    let down = read("ffn_down", &[hidden, wide]);
    let inputs: Vec<_> =
        states.iter().map(|state| normed(state, &norms[0], config.norm_epsilon)).collect();
    let turned = |weights: &[f32]| -> Vec<Vec<f32>> {
        let rows = inputs.iter().enumerate();
        rows.map(|(position, input)| rotated(config, times(weights, input), position)).collect()
    };
    let (queries, keys) = (turned(&query), turned(&key));
    let values: Vec<_> = inputs.iter().map(|input| times(&value, input)).collect();
    for (position, state) in states.iter_mut().enumerate() {
        let mixed = attended(config, &queries[position], &keys[..=position], &values[..=position]);
        add(state, &times(&output, &mixed));
        let input = normed(state, &norms[1], config.norm_epsilon);
        let gates = times(&gate, &input).into_iter().map(|gate| gate / (1.0 + (-gate).exp()));
        let opened: Vec<f32> = gates.zip(times(&up, &input)).map(|(gate, up)| gate * up).collect();
        add(state, &times(&down, &opened));
    }
}

fn attended(
    config: &LlamaConfig,
    query: &[f32],
    keys: &[Vec<f32>],
    values: &[Vec<f32>],
) -> Vec<f32> {
    let (width, share) = (config.head_width, config.heads / config.kv_heads);
    let head = |head: usize| {
        let (query, at) = (&query[head * width..][..width], head / share * width);
        let dot = |key: &Vec<f32>| query.iter().zip(&key[at..]).map(|(a, b)| a * b).sum::<f32>();
        let weights: Vec<f32> =
            keys.iter().map(|key| (dot(key) / (width as f32).sqrt()).exp()).collect();
        let total: f32 = weights.iter().sum();
        (0..width)
            .map(move |column| {
                let shares =
                    weights.iter().zip(values).map(|(weight, value)| weight * value[at + column]);
                shares.sum::<f32>() / total
            })
            .collect::<Vec<f32>>()
    };
    (0..config.heads).flat_map(head).collect()
}

/// Neighbouring pairs of each head, turned by an angle that grows with the position.
fn rotated(config: &LlamaConfig, mut row: Vec<f32>, position: usize) -> Vec<f32> {
    for head in row.chunks_mut(config.head_width) {
        for (pair, values) in head.chunks_mut(2).enumerate() {
            let exponent = -(2.0 * pair as f32) / config.head_width as f32;
            let (sin, cos) = (position as f32 * config.rope_base.powf(exponent)).sin_cos();
            let (x, y) = (values[0], values[1]);
            (values[0], values[1]) = (x * cos - y * sin, x * sin + y * cos);
        }
    }
    row
}

fn normed(row: &[f32], weights: &[f32], epsilon: f32) -> Vec<f32> {
    let mean = row.iter().map(|value| value * value).sum::<f32>() / row.len() as f32;
    let scale = 1.0 / (mean + epsilon).sqrt();
    row.iter().zip(weights).map(|(value, weight)| value * scale * weight).collect()
}

fn times(matrix: &[f32], vector: &[f32]) -> Vec<f32> {
    let rows = matrix.chunks(vector.len());
    rows.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

fn add(row: &mut [f32], other: &[f32]) {
    row.iter_mut().zip(other).for_each(|(value, other)| *value += other);
}

fn matrix(file: &mut ModelFile, name: &str, shape: &[usize]) -> Vec<f32> {
    file.tensor(name, shape).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}
