//! Adapters against weights changed by a reckoning of the test's own.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod tiny;

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use tiny::{FEED_FORWARD, HIDDEN, KV_WIDTH, LAYERS};
use vedette_engine::{
    Adapter, Batch, EngineError, Format, Llama, LoadOptions, ModelFile, Pooling, TensorLlama,
};

const RANK: usize = 4;
const ALPHA: f32 = 6.0;

/// PEFT's name, GGUF's, outputs, inputs.
const CHANGED: [(&str, &str, usize, usize); 4] = [
    ("self_attn.q_proj", "attn_q", HIDDEN, HIDDEN),
    ("self_attn.k_proj", "attn_k", KV_WIDTH, HIDDEN),
    ("self_attn.o_proj", "attn_output", HIDDEN, HIDDEN),
    ("mlp.down_proj", "ffn_down", HIDDEN, FEED_FORWARD),
];

/// Numbers that differ from place to place and matrix to matrix.
fn number(seed: usize, at: usize) -> f32 {
    ((seed * 31 + at * 17) % 23) as f32 / 100.0 - 0.11
}

fn half(seed: usize, rows: usize, columns: usize) -> Tensor {
    let values: Vec<f32> = (0..rows * columns).map(|at| number(seed, at)).collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

fn write_adapter(folder: &Path, config: &str, tensors: &HashMap<String, Tensor>) {
    std::fs::write(folder.join("adapter_config.json"), config).unwrap();
    candle_core::safetensors::save(tensors, folder.join("adapter_model.safetensors")).unwrap();
}

fn tensors(layer: usize) -> HashMap<String, Tensor> {
    let halves = CHANGED.iter().enumerate().flat_map(|(at, (name, _, rows, columns))| {
        let name = format!("base_model.model.model.layers.{layer}.{name}");
        [
            (format!("{name}.lora_A.weight"), half(at, RANK, *columns)),
            (format!("{name}.lora_B.weight"), half(at + 10, *rows, RANK)),
        ]
    });
    halves.collect()
}

fn plain_config() -> String {
    format!(r#"{{"r": {RANK}, "lora_alpha": {ALPHA}, "peft_type": "LORA", "bias": "none"}}"#)
}

/// The change of one weight, as the definition has it.
fn change(at: usize, row: usize, column: usize, columns: usize) -> f32 {
    let product = (0..RANK)
        .map(|rank| number(at + 10, row * RANK + rank) * number(at, rank * columns + column));
    product.sum::<f32>() * ALPHA / RANK as f32
}

#[test]
fn a_merged_adapter_is_the_changed_model() {
    let base = tiny::write();
    let changed = tiny::write_changed(|name, tensor| {
        let mine =
            |(_, part, ..): &(&str, &str, usize, usize)| format!("blk.1.{part}.weight") == name;
        let Some(at) = CHANGED.iter().position(mine) else { return tensor };
        let (_, part, rows, columns) = CHANGED[at];
        let values = tensor.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap();
        let mut values: Vec<f32> = values.to_vec1().unwrap();
        for row in 0..rows {
            // Files keep rotary pairs side by side; PEFT has all first halves of a head, then all second.
            let (head, within, width) = (row / 16 * 16, row % 16, 16);
            let place = match part {
                "attn_q" | "attn_k" => head + 2 * (within % (width / 2)) + within / (width / 2),
                _ => row,
            };
            for column in 0..columns {
                values[place * columns + column] += change(at, row, column, columns);
            }
        }
        let values = Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap();
        QTensor::quantize(&values, GgmlDType::F32).unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    write_adapter(folder.path(), &plain_config(), &tensors(1));
    let logits = |file: &Path, adapters: Vec<Adapter>| {
        let mut file = ModelFile::open(file, None).unwrap();
        let options = LoadOptions { adapters, format: Format::Eight, ..LoadOptions::default() };
        let llama = Llama::load(&mut file, &options).unwrap();
        let batch = Batch::chain(&[5, 6, 7, 8]);
        llama.logits(&llama.read(&mut llama.cache(), &batch, &[3]).unwrap()).remove(0)
    };
    let on_tensors = |file: &Path, adapters: &[Adapter]| {
        let mut file = ModelFile::open(file, None).unwrap();
        let adapters: Vec<&Adapter> = adapters.iter().collect();
        let llama = TensorLlama::load(&mut file, 64, &adapters, &Device::Cpu).unwrap();
        let mut cache = llama.cache().unwrap();
        let states = llama.read(&mut cache, &Batch::chain(&[5, 6, 7, 8]), &[3]).unwrap();
        llama.logits(&states).unwrap().remove(0)
    };
    let tensors = on_tensors(base.path(), &[Adapter::read(folder.path()).unwrap()]);
    let apart = tensors.iter().zip(on_tensors(changed.path(), &[])).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f32::max) < 1e-4, "a graphics processor reads the same model");
    let merged = logits(base.path(), vec![Adapter::read(folder.path()).unwrap()]);
    let (expected, without) = (logits(changed.path(), vec![]), logits(base.path(), vec![]));
    let furthest =
        |other: &[f32]| merged.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // A code may round the other way, no more.
    assert!(furthest(&expected) < 5e-3, "off by {}", furthest(&expected));
    assert!(furthest(&without) > 0.1, "it changes something: {}", furthest(&without));
}

#[test]
fn what_does_not_fit_is_refused() {
    let base = tiny::write();
    let load = |config: &str, tensors: &HashMap<String, Tensor>| -> Result<(), EngineError> {
        let folder = tempfile::tempdir().unwrap();
        write_adapter(folder.path(), config, tensors);
        let adapters = vec![Adapter::read(folder.path())?];
        let mut file = ModelFile::open(base.path(), None)?;
        Llama::load(&mut file, &LoadOptions { adapters, ..LoadOptions::default() }).map(|_| ())
    };
    load(&plain_config(), &tensors(0)).unwrap();
    let with = |name: &str, tensor: Tensor| {
        let mut tensors = tensors(0);
        tensors.insert(format!("base_model.model.{name}"), tensor);
        tensors
    };
    let query = "model.layers.0.self_attn.q_proj";
    for (case, config, tensors, told) in [
        ("layer", plain_config(), tensors(LAYERS), "the base has no"),
        (
            "width",
            plain_config(),
            with(&format!("{query}.lora_A.weight"), half(1, RANK, 32)),
            "64 by 64",
        ),
        (
            "half",
            plain_config(),
            with("model.layers.0.mlp.up_proj.lora_A.weight", half(1, 4, 64)),
            "one half",
        ),
        ("other", plain_config(), with("lm_head.weight", half(1, 4, 4)), "no low-rank change"),
        ("none", plain_config(), HashMap::new(), "changes nothing"),
        (
            "dora",
            plain_config().replace("\"bias\"", "\"use_dora\": true, \"bias\""),
            tensors(0),
            "plain LoRA",
        ),
        ("rank", plain_config().replace("\"r\": 4", "\"r\": 0"), tensors(0), "plain LoRA"),
        ("text", "{".into(), tensors(0), "adapter_config.json"),
    ] {
        let error = load(&config, &tensors).unwrap_err().to_string();
        assert!(error.contains(told), "{case}: {error}");
    }
}

#[test]
fn hidden_states_of_texts_do_not_depend_on_their_company() {
    let mut file = ModelFile::open(tiny::write().path(), None).unwrap();
    let options = LoadOptions { positions: 20, ..LoadOptions::default() };
    let llama = Llama::load(&mut file, &options).unwrap();
    let texts = [vec![1, 2, 3], vec![9; 12], vec![4], vec![7, 8, 9, 10, 11, 12], vec![1, 2, 3]];
    for pooling in [Pooling::Mean, Pooling::Last] {
        let together = llama.hidden(&texts, &[0, LAYERS], pooling).unwrap();
        for (text, together) in texts.iter().zip(&together) {
            assert_eq!(
                llama.hidden(std::slice::from_ref(text), &[0, LAYERS], pooling).unwrap()[0],
                *together
            );
        }
        assert_eq!(together[0], together[4]);
        assert_eq!(together[0].len(), 2 * HIDDEN);
    }
    assert!(llama.hidden(&[vec![]], &[0], Pooling::Mean).is_err());
    assert!(llama.hidden(&[vec![1; 21]], &[0], Pooling::Mean).is_err());
}
