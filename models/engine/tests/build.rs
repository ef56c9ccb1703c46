//! A file built of a base and an adapter holds what arithmetic by hand says.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod tiny;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use vedette_engine::{Adapter, EngineError, ModelFile, Quantisation, build};

/// Measures of the tiny model.
const HIDDEN: usize = 64;
const WIDE: usize = 96;
const HEADS: usize = 4;
const RANK: usize = 4;
const SCALE: f64 = 2.0;

/// An adapter as PEFT writes it, for one matrix that files keep as it is and one that they rearrange.
fn adapter(folder: &Path, layer: usize) -> HashMap<String, Tensor> {
    let device = Device::Cpu;
    let mut tensors = HashMap::new();
    for (part, rows) in [("mlp.up_proj", WIDE), ("self_attn.q_proj", HIDDEN)] {
        let name =
            |half| format!("base_model.model.model.layers.{layer}.{part}.lora_{half}.weight");
        let wave = |rows: usize, columns: usize, pace: f32| {
            let values = (0..rows * columns).map(|at| (at as f32 * pace).sin() * 0.1);
            Tensor::from_vec(values.collect(), (rows, columns), &device).unwrap()
        };
        tensors.insert(name("A"), wave(RANK, HIDDEN, 0.7));
        tensors.insert(name("B"), wave(rows, RANK, 1.3));
    }
    candle_core::safetensors::save(&tensors, folder.join("adapter_model.safetensors")).unwrap();
    let config = format!(r#"{{"r": {RANK}, "lora_alpha": {}}}"#, SCALE * RANK as f64);
    std::fs::write(folder.join("adapter_config.json"), config).unwrap();
    tensors
}

/// The change of a matrix, by hand.
fn change(tensors: &HashMap<String, Tensor>, part: &str) -> Tensor {
    let half =
        |half| &tensors[&format!("base_model.model.model.layers.1.{part}.lora_{half}.weight")];
    (half("B").matmul(half("A")).unwrap() * SCALE).unwrap()
}

/// Rows of queries as GGUF orders them: both halves of a head interleaved.
fn rearranged(matrix: &Tensor) -> Tensor {
    let (rows, columns) = matrix.dims2().unwrap();
    let heads = matrix.reshape((HEADS, 2, rows / HEADS / 2, columns)).unwrap();
    heads.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
}

fn largest(matrix: &Tensor) -> f32 {
    matrix.abs().unwrap().max_all().unwrap().to_dtype(DType::F32).unwrap().to_scalar().unwrap()
}

fn built(base: &Path, adapters: &[Adapter]) -> Result<tempfile::NamedTempFile, EngineError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut base = ModelFile::open(base, None)?;
    build(&mut base, adapters, Quantisation::Eight, &mut file.as_file())?;
    Ok(file)
}

#[test]
fn the_change_is_merged_and_the_rest_is_kept() {
    let (base, folder) = (tiny::write(), tempfile::tempdir().unwrap());
    let tensors = adapter(folder.path(), 1);
    let file = built(base.path(), &[Adapter::read(folder.path()).unwrap()]).unwrap();
    let mut before = ModelFile::open(base.path(), None).unwrap();
    let mut after = ModelFile::open(file.path(), None).unwrap();
    assert_eq!(before.tensor_count(), after.tensor_count());
    for (name, shape, change) in [
        ("blk.1.ffn_up.weight", [WIDE, HIDDEN], Some(change(&tensors, "mlp.up_proj"))),
        (
            "blk.1.attn_q.weight",
            [HIDDEN, HIDDEN],
            Some(rearranged(&change(&tensors, "self_attn.q_proj"))),
        ),
        ("blk.0.ffn_up.weight", [WIDE, HIDDEN], None),
        ("blk.1.ffn_down.weight", [HIDDEN, WIDE], None),
    ] {
        let was = before.tensor(name, &shape).unwrap();
        let expected = change.map_or_else(|| was.clone(), |change| (&was + change).unwrap());
        let found = after.tensor(name, &shape).unwrap();
        let wrong = largest(&(&found - &expected).unwrap());
        // Half a step of eight bits, and the rounding of the scale.
        let step = largest(&expected) / 127.0;
        assert!(wrong <= 0.55 * step, "{name} is off by {wrong}, a step is {step}");
    }
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let base = tiny::write();
    let [first, second] = [(); 2].map(|()| built(base.path(), &[]).unwrap());
    assert_eq!(std::fs::read(first.path()).unwrap(), std::fs::read(second.path()).unwrap());
}

#[test]
fn an_adapter_of_another_base_is_refused() {
    let (base, folder) = (tiny::write(), tempfile::tempdir().unwrap());
    adapter(folder.path(), 7);
    let error = built(base.path(), &[Adapter::read(folder.path()).unwrap()]).err().unwrap();
    assert!(matches!(error, EngineError::Adapter(_)), "{error}");
    assert!(error.to_string().contains("blk.7."), "{error}");
}
