//! Adapters with heads for the small model, made of numbers that follow a seed.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::tiny::{FEED_FORWARD, HIDDEN, KV_WIDTH};

const RANK: usize = 4;

/// What the rows of heads stand for.
pub(crate) const TECHNIQUES: &str = "T1110,T1078.003,T1190";

/// Outputs and inputs of a matrix, by PEFT's name of it.
fn shape(matrix: &str) -> (usize, usize) {
    match matrix.rsplit('.').next() {
        Some("q_proj" | "o_proj") => (HIDDEN, HIDDEN),
        Some("k_proj" | "v_proj") => (KV_WIDTH, HIDDEN),
        Some("down_proj") => (HIDDEN, FEED_FORWARD),
        _ => (FEED_FORWARD, HIDDEN),
    }
}

fn numbers(seed: usize, count: usize, most: f32) -> Vec<f32> {
    (0..count).map(|at| (((seed * 31 + at * 17) % 23) as f32 / 11.0 - 1.0) * most).collect()
}

/// Writes an adapter of these matrices, each a layer and PEFT's name, with heads beside it.
pub(crate) fn write(folder: &Path, seed: usize, matrices: &[(usize, &str)]) {
    let mut tensors = HashMap::new();
    for (at, (layer, matrix)) in matrices.iter().enumerate() {
        let (rows, columns) = shape(matrix);
        let mut add = |half: &str, shape: (usize, usize), seed: usize| {
            let name = format!("base_model.model.model.layers.{layer}.{matrix}.lora_{half}.weight");
            let values = numbers(seed, shape.0 * shape.1, 0.15);
            tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
        };
        add("A", (RANK, columns), seed + 2 * at);
        add("B", (rows, RANK), seed + 2 * at + 1);
    }
    candle_core::safetensors::save(&tensors, folder.join("adapter_model.safetensors")).unwrap();
    let config = format!(r#"{{"r": {RANK}, "lora_alpha": 6, "peft_type": "LORA"}}"#);
    std::fs::write(folder.join("adapter_config.json"), config).unwrap();
    write_heads(folder, seed, TECHNIQUES);
}

/// Writes heads whose rows for techniques have these names.
pub(crate) fn write_heads(folder: &Path, seed: usize, techniques: &str) {
    let rows = [("malicious", 2), ("class", 2), ("severity", 2), ("technique", 3)];
    let data = rows.iter().enumerate().flat_map(|(at, (name, rows))| {
        let bytes = |count: usize| -> Vec<u8> {
            numbers(seed + at, count, 0.05).iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let width = 2 * HIDDEN;
        [
            (format!("{name}.weight"), vec![*rows, width], bytes(rows * width)),
            (format!("{name}.bias"), vec![*rows], bytes(*rows)),
        ]
    });
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = data.collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let rows =
        [("classes", "benign,malware"), ("severities", "low,high"), ("techniques", techniques)];
    let rows: HashMap<String, String> =
        rows.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let bytes = safetensors::serialize(views, Some(rows)).unwrap();
    std::fs::write(folder.join("heads.safetensors"), bytes).unwrap();
}
