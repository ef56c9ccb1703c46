//! A model of the Llama family, small enough to write in a moment: random weights, byte tokens.

use candle_core::quantized::gguf_file::{Value, write as write_gguf};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

pub(crate) const HIDDEN: usize = 64;
pub(crate) const LAYERS: usize = 3;
pub(crate) const KV_WIDTH: usize = 32;
pub(crate) const FEED_FORWARD: usize = 96;
const TOKENS: usize = 256 + 3;

/// Writes the model to a temporary file: the same bytes every time.
pub(crate) fn write() -> tempfile::NamedTempFile {
    write_changed(|_, tensor| tensor)
}

/// The same with changed tensors, by name.
pub(crate) fn write_changed(change: impl Fn(&str, QTensor) -> QTensor) -> tempfile::NamedTempFile {
    let mut chance = Chance(7);
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), chance.matrix(TOKENS, HIDDEN, GgmlDType::Q8_0)),
        ("output_norm.weight".to_owned(), chance.ones(HIDDEN)),
    ];
    for layer in 0..LAYERS {
        let mut add =
            |name: &str, tensor| tensors.push((format!("blk.{layer}.{name}.weight"), tensor));
        for name in ["attn_norm", "ffn_norm"] {
            add(name, chance.ones(HIDDEN));
        }
        for (name, rows, columns) in [
            ("attn_q", HIDDEN, HIDDEN),
            ("attn_k", KV_WIDTH, HIDDEN),
            ("attn_v", KV_WIDTH, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_gate", FEED_FORWARD, HIDDEN),
            ("ffn_up", FEED_FORWARD, HIDDEN),
            ("ffn_down", HIDDEN, FEED_FORWARD),
        ] {
            add(name, chance.matrix(rows, columns, GgmlDType::Q4_1));
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let metadata = metadata();
    let metadata: Vec<_> = metadata.iter().map(|(name, value)| (*name, value)).collect();
    let tensors: Vec<_> =
        tensors.into_iter().map(|(name, tensor)| (change(&name, tensor), name)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(tensor, name)| (name.as_str(), tensor)).collect();
    write_gguf(&mut file.as_file(), &metadata, &tensors).unwrap();
    file
}

fn metadata() -> Vec<(&'static str, Value)> {
    let number = |value: usize| Value::U32(u32::try_from(value).unwrap());
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    // The visible letters of the 256 bytes, as GPT-2 writes them, behind three control tokens.
    let mut next = 0x100;
    let letters = (0u32..256).map(|byte| match byte {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from_u32(byte).unwrap().to_string(),
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap().to_string()
        }
    });
    let control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned);
    let tokens: Vec<String> = control.into_iter().chain(letters).collect();
    let kinds = (0..TOKENS).map(|id| Value::I32(if id < 3 { 3 } else { 1 })).collect();
    vec![
        ("general.architecture", Value::String("llama".into())),
        ("llama.block_count", number(LAYERS)),
        ("llama.context_length", number(2048)),
        ("llama.embedding_length", number(HIDDEN)),
        ("llama.feed_forward_length", number(FEED_FORWARD)),
        ("llama.attention.head_count", number(4)),
        ("llama.attention.head_count_kv", number(2)),
        ("llama.rope.dimension_count", number(16)),
        ("llama.rope.freq_base", Value::F32(10_000.0)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("tokenizer.ggml.model", Value::String("gpt2".into())),
        ("tokenizer.ggml.pre", Value::String("smollm".into())),
        ("tokenizer.ggml.tokens", texts(tokens)),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.merges", texts(vec![])),
        ("tokenizer.ggml.eos_token_id", number(2)),
    ]
}

/// Numbers without pattern, the same every time (a linear congruential generator, Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn matrix(&mut self, rows: usize, columns: usize, kind: GgmlDType) -> QTensor {
        let values: Vec<f32> = (0..rows * columns).map(|_| self.next() * 0.5).collect();
        let matrix = Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap();
        QTensor::quantize(&matrix, kind).unwrap()
    }

    fn ones(&mut self, length: usize) -> QTensor {
        let values: Vec<f32> = (0..length).map(|_| 1.0 + self.next() * 0.1).collect();
        let vector = Tensor::from_vec(values, length, &Device::Cpu).unwrap();
        QTensor::quantize(&vector, GgmlDType::F32).unwrap()
    }
}
