use std::collections::HashMap;
use std::os::unix::net::UnixStream;

use candle_core::{D, DType, Device, Tensor};
use sha2::{Digest, Sha256};
use vedette_event::worker::{MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request};

use super::*;
use crate::worker::{Service, read_frame, serve_connection, write_frame};

/// Measures of the tiny model.
const WIDTH: usize = 64;
const WIDE: usize = 96;
const LAYERS: usize = 2;
const POSITIONS: usize = 24;

const VOCABULARY: &str = "[UNK]\n[CLS]\n[SEP]\nfailed\nlogin\nfor\nroot\nupdate\n.\n##s";

fn tensors() -> HashMap<String, Tensor> {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![10, WIDTH]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, WIDTH]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, WIDTH]),
    ];
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, rows, columns) in [
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", WIDE, WIDTH),
            ("output.dense", WIDTH, WIDE),
        ] {
            shapes.push((format!("{}.weight", name(part)), vec![rows, columns]));
            shapes.push((format!("{}.bias", name(part)), vec![rows]));
        }
        norms.extend([name("attention.output.LayerNorm"), name("output.LayerNorm")]);
    }
    for norm in norms {
        shapes.push((format!("{norm}.weight"), vec![WIDTH]));
        shapes.push((format!("{norm}.bias"), vec![WIDTH]));
    }
    let mut seed = 7_u32;
    let mut chance = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| 0.4 * chance()).collect();
        (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
    };
    shapes.into_iter().map(tensor).collect()
}

/// The same arithmetic in full precision, by candle's tensors.
fn reference(tensors: &HashMap<String, Tensor>, tokens: &[u32]) -> Vec<f32> {
    let get = |name: &str| tensors[name].clone();
    let linear = |x: &Tensor, name: &str| {
        let product = x.matmul(&get(&format!("{name}.weight")).t().unwrap()).unwrap();
        product.broadcast_add(&get(&format!("{name}.bias"))).unwrap()
    };
    let norm = |x: &Tensor, name: &str| {
        let (scale, shift) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        candle_nn::ops::layer_norm_slow(x, &scale, &shift, NORM).unwrap()
    };
    let ids = Tensor::new(tokens, &Device::Cpu).unwrap();
    let words = get("embeddings.word_embeddings.weight").index_select(&ids, 0).unwrap();
    let places = get("embeddings.position_embeddings.weight").narrow(0, 0, tokens.len()).unwrap();
    let kind = get("embeddings.token_type_embeddings.weight").narrow(0, 0, 1).unwrap();
    let x = (words + places).unwrap().broadcast_add(&kind).unwrap();
    let mut x = norm(&x, "embeddings.LayerNorm");
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let heads = |part: &str| {
            let all = linear(&x, &name(part));
            let all = all.reshape((tokens.len(), WIDTH / HEAD_WIDTH, HEAD_WIDTH)).unwrap();
            all.transpose(0, 1).unwrap().contiguous().unwrap()
        };
        let keys = heads("attention.self.key").t().unwrap().contiguous().unwrap();
        let scores = heads("attention.self.query").matmul(&keys).unwrap();
        let scores = (scores / (HEAD_WIDTH as f64).sqrt()).unwrap();
        let shares = candle_nn::ops::softmax(&scores, D::Minus1).unwrap();
        let seen = shares.matmul(&heads("attention.self.value")).unwrap();
        let seen = seen.transpose(0, 1).unwrap().reshape((tokens.len(), WIDTH)).unwrap();
        let seen = (&x + linear(&seen, &name("attention.output.dense"))).unwrap();
        let seen = norm(&seen, &name("attention.output.LayerNorm"));
        let wide = linear(&seen, &name("intermediate.dense")).gelu_erf().unwrap();
        let out = (&seen + linear(&wide, &name("output.dense"))).unwrap();
        x = norm(&out, &name("output.LayerNorm"));
    }
    let mean = x.mean(0).unwrap().to_dtype(DType::F32).unwrap().to_vec1::<f32>().unwrap();
    let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt();
    mean.into_iter().map(|value| value / length).collect()
}

const NORM: f32 = 1e-12;

fn bytes(tensors: &HashMap<String, Tensor>) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    candle_core::safetensors::save(tensors, file.path()).unwrap();
    std::fs::read(file.path()).unwrap()
}

fn embedder(weights: &[u8], threads: usize) -> Result<Embedder, EngineError> {
    Embedder::parse("tiny".into(), weights, VOCABULARY.as_bytes(), threads)
}

#[test]
fn vectors_are_those_of_full_precision_within_eight_bits() {
    let tensors = tensors();
    let (one, two) = (embedder(&bytes(&tensors), 1), embedder(&bytes(&tensors), 2));
    let (one, two) = (one.unwrap(), two.unwrap());
    for text in ["", "Failed logins for root.", "update", &"root ".repeat(200)] {
        let tokens = one.pieces.encode(text, POSITIONS);
        let (found, expected) = (one.embed(text), reference(&tensors, &tokens));
        let alike: f32 = found.iter().zip(&expected).map(|(a, b)| a * b).sum();
        assert!(alike > 0.999, "{text:?}: {alike}");
        assert_eq!(found, two.embed(text), "threads change nothing");
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let whole = tensors();
    let without = |name: &str| {
        let mut tensors = whole.clone();
        tensors.remove(name);
        bytes(&tensors)
    };
    let with = |name: &str, tensor: Tensor| {
        let mut tensors = whole.clone();
        tensors.insert(name.to_owned(), tensor);
        bytes(&tensors)
    };
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let good = bytes(&whole);
    for (name, weights) in [
        ("nothing", Vec::new()),
        ("half", good[..good.len() / 2].to_vec()),
        ("a layer's part missing", without("encoder.layer.1.attention.self.key.bias")),
        ("no words", without("embeddings.word_embeddings.weight")),
        ("other words", with("embeddings.word_embeddings.weight", zeros(&[11, WIDTH]))),
        ("no width", with("embeddings.word_embeddings.weight", zeros(&[10, 0]))),
        ("odd width", with("embeddings.word_embeddings.weight", zeros(&[10, 48]))),
        ("not finite", with("embeddings.LayerNorm.bias", (zeros(&[WIDTH]) / 0.0).unwrap())),
    ] {
        assert!(matches!(embedder(&weights, 1), Err(EngineError::Corrupt(_))), "{name}");
    }
    let (weights, words) = (tempfile::NamedTempFile::new(), tempfile::NamedTempFile::new());
    let (weights, words) = (weights.unwrap(), words.unwrap());
    std::fs::write(weights.path(), &good).unwrap();
    std::fs::write(words.path(), VOCABULARY).unwrap();
    let sha = |bytes: &[u8]| -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (right, list) = (sha(&good), sha(VOCABULARY.as_bytes()));
    for (first, second, sound) in
        [(&right, &list, true), (&list, &list, false), (&right, &right, false)]
    {
        let opened = Embedder::open((weights.path(), first), (words.path(), second), 1);
        assert_eq!(opened.is_ok(), sound);
        assert!(opened.is_ok() || matches!(opened, Err(EngineError::Hash { .. })));
    }
}

#[test]
fn a_service_gives_vectors_within_bounds_and_no_judgement() {
    let service = Service::new(None, Some(embedder(&bytes(&tensors()), 1).unwrap()), vec![]);
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let served = std::thread::spawn(move || serve_connection(&mut theirs, &service).is_ok());
    let mut ask = |request: &Request| -> Reply {
        write_frame(&mut ours, request).unwrap();
        read_frame(&mut ours).unwrap().unwrap()
    };
    assert!(matches!(ask(&Request::Hello), Reply::Ready { bundle, .. } if bundle == "tiny"));
    let texts = |count: usize, bytes: usize| vec!["x".repeat(bytes); count];
    for (texts, within_ms, vectors) in [
        (texts(2, 10), 60_000, Some(2)),
        (texts(0, 0), 60_000, Some(0)),
        (texts(MAX_QUESTIONS + 1, 1), 60_000, None),
        (texts(1, MAX_QUESTION_BYTES + 1), 60_000, None),
        (texts(1, 10), 0, None),
    ] {
        let found = match ask(&Request::Embed { texts, within_ms }) {
            Reply::Vectors { vectors } => Some(vectors.len()),
            Reply::Failed { .. } => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, vectors);
    }
    let judged = ask(&Request::Ask { questions: vec![], within_ms: 60_000 });
    assert!(matches!(judged, Reply::Failed { .. }), "{judged:?}");
    drop(ours);
    assert!(served.join().unwrap());
}
