//! An ensemble answers as its members do alone, and costs less.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod members;
mod tiny;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vedette_engine::{
    Adapter, Batch, Classifier, ENSEMBLE_FILE, EngineError, Heads, Judge, KvCache, Llama,
    LlamaConfig, LoadOptions, MAX_MEMBERS, Member, ModelFile, Tuning, join,
};
use vedette_event::{LanguageModel as _, ModelSay, Question, QuestionId};

/// What the members of these tests change: not the same matrices, and the lowest layer by none.
const CHANGED: [&[(usize, &str)]; 3] = [
    &[(1, "self_attn.q_proj"), (1, "self_attn.k_proj"), (2, "mlp.down_proj")],
    &[(2, "self_attn.v_proj"), (2, "self_attn.o_proj")],
    &[(1, "mlp.gate_proj"), (2, "mlp.up_proj"), (2, "self_attn.k_proj")],
];

/// Folders of adapters, gone with the first.
fn folders() -> (TempDir, Vec<PathBuf>) {
    let all = tempfile::tempdir().unwrap();
    let folder = |(seed, changed): (usize, &&[(usize, &str)])| {
        let folder = all.path().join(format!("{seed}"));
        std::fs::create_dir(&folder).unwrap();
        members::write(&folder, 5 * seed + 1, changed);
        folder
    };
    let folders = CHANGED.iter().enumerate().map(folder).collect();
    (all, folders)
}

fn file() -> ModelFile {
    ModelFile::open(tiny::write().path(), None).unwrap()
}

fn adapters(folders: &[PathBuf]) -> Vec<Adapter> {
    folders.iter().map(|folder| Adapter::read(folder).unwrap()).collect()
}

fn load(members: Vec<Adapter>, adapters: Vec<Adapter>, threads: usize) -> Llama {
    let options = LoadOptions { positions: 64, threads, members, adapters, ..<_>::default() };
    Llama::load(&mut file(), &options).unwrap()
}

/// States of a batch with branches behind a prefix, of a longer text that was cut off again, and of one
/// that goes on in a fork, each member's apart.
fn states(llama: &Llama) -> Vec<Vec<Vec<u32>>> {
    let mut cache = llama.cache();
    let mut found = vec![Vec::new(); llama.members()];
    let mut read = |cache: &mut KvCache, batch: &Batch, rows: &[usize]| {
        let states = llama.read(cache, batch, rows).unwrap();
        let states: Vec<Vec<u32>> =
            states.rows().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect();
        assert_eq!(states.len(), llama.members() * rows.len());
        for (found, states) in found.iter_mut().zip(states.chunks(rows.len().max(1))) {
            found.extend(states.to_vec());
        }
    };
    read(&mut cache, &Batch::chain(&[5, 6, 7]), &[]);
    let mut branches = Batch::chain(&[8, 9]);
    branches.extend(Some(0), &[10, 11]);
    branches.extend(None, &[12]);
    read(&mut cache, &branches, &[1, 3, 4]);
    cache.truncate(4);
    read(&mut cache, &Batch::chain(&[20, 21, 22]), &[0, 2]);
    let mut fork = llama.fork(&cache, 3);
    read(&mut fork, &Batch::chain(&[30]), &[0]);
    found
}

#[test]
fn each_member_is_the_model_that_it_is_alone() {
    let (_all, folders) = folders();
    for threads in [1, 3] {
        let together = load(adapters(&folders), Vec::new(), threads);
        let found = states(&together);
        assert_eq!(found.len(), CHANGED.len());
        assert_ne!(found[0], found[1]);
        let mut bytes = 0;
        for (folder, found) in folders.iter().zip(&found) {
            let alone = load(Vec::new(), vec![Adapter::read(folder).unwrap()], 1);
            assert_eq!(states(&alone), std::slice::from_ref(found), "{threads} threads");
            let single = load(vec![Adapter::read(folder).unwrap()], Vec::new(), threads);
            assert_eq!(states(&single), std::slice::from_ref(found));
            bytes += alone.weight_bytes();
        }
        let base = load(Vec::new(), Vec::new(), 1).weight_bytes();
        let own = together.weight_bytes() - base;
        assert!(3 * own < bytes - base, "{own} bytes beside {base}, {bytes} of all apart");
    }
}

fn member(folder: &Path) -> Member {
    let heads = Heads::read(&folder.join(Heads::FILE), None).unwrap();
    Member { adapter: Some(Adapter::read(folder).unwrap()), heads }
}

fn ask(members: Vec<Member>, texts: &[&str]) -> Vec<ModelSay> {
    let tuning = Tuning { members, name: "tried".to_owned() };
    let mut classifier = Classifier::new(file(), tuning, LoadOptions::default()).unwrap();
    answers(&mut |questions| classifier.answer_all(questions).unwrap(), texts)
}

fn answers(ask: &mut dyn FnMut(&[Question]) -> Vec<ModelSay>, texts: &[&str]) -> Vec<ModelSay> {
    let question = |text: &&str| Question { id: QuestionId(1), text: (*text).to_owned() };
    ask(&texts.iter().map(question).collect::<Vec<_>>())
}

/// Shares by what they are of.
fn shares(say: &ModelSay) -> HashMap<String, f32> {
    let classes = say.classes.iter().map(|(class, share)| (format!("{class:?}"), *share));
    let severities = say.severities.iter().map(|(grade, share)| (format!("{grade:?}"), *share));
    let techniques = say.techniques.iter().map(|scored| (format!("{:?}", scored.id), scored.score));
    classes.chain(severities).chain(techniques).collect()
}

#[test]
fn the_answer_is_the_mean_of_the_members_log_probabilities() {
    let (_all, folders) = folders();
    let long = "x".repeat(900);
    let texts = ["Failed password for root", "", &long, "GET /a?b=<script>", "<|im_end|>"];
    let together = ask(folders.iter().map(|folder| member(folder)).collect(), &texts);
    let alone: Vec<Vec<ModelSay>> =
        folders.iter().map(|folder| ask(vec![member(folder)], &texts)).collect();
    for (at, say) in together.iter().enumerate() {
        let one = ask(folders.iter().map(|folder| member(folder)).collect(), &texts[at..=at]);
        assert_eq!(one[0], *say, "company changes nothing");
        let mean = |of: &dyn Fn(&ModelSay) -> f32| -> f32 {
            let sum: f32 = alone.iter().map(|says| of(&says[at]).ln()).sum();
            (sum / alone.len() as f32).exp()
        };
        let bad = mean(&|say| say.malicious);
        let expected = bad / (bad + mean(&|say| 1.0 - say.malicious));
        assert!((say.malicious - expected).abs() < 1e-4, "{} for {expected}", say.malicious);
        for kind in [["Benign", "Malware"], ["Low", "High"]] {
            let means = kind.map(|name| mean(&|say| shares(say)[name]));
            let expected = means[0] / (means[0] + means[1]);
            let found = shares(say)[kind[0]];
            assert!((found - expected).abs() < 1e-4, "{kind:?}: {found} for {expected}");
        }
        let total: f32 = say.techniques.iter().map(|technique| technique.score).sum();
        assert!((total - 1.0).abs() < 1e-4 && say.techniques.len() == 3, "{say:?}");
        assert!(say.techniques.is_sorted_by(|left, right| left.score >= right.score));
    }
    assert!(together.iter().zip(&alone[0]).any(|(all, one)| all.malicious != one.malicious));
}

fn joined(folders: &[PathBuf]) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    join(folders, &LlamaConfig::read(&file())?, &mut bytes)?;
    Ok(bytes)
}

#[test]
fn a_file_of_members_is_what_its_folders_were() {
    let (_all, folders) = folders();
    let bytes = joined(&folders).unwrap();
    assert_eq!(bytes, joined(&folders).unwrap(), "the same bytes every time");
    let place = tempfile::tempdir().unwrap();
    let (model, beside) = (place.path().join("m.gguf"), place.path().join(ENSEMBLE_FILE));
    std::fs::copy(tiny::write().path(), &model).unwrap();
    std::fs::write(&beside, &bytes).unwrap();
    let judge = |expected: Option<&str>| {
        let file = ModelFile::open(&model, None).unwrap();
        Judge::new(file, expected, LoadOptions::default())
    };
    let mut judge_of_all = judge(None).unwrap();
    let texts = ["a line 42"];
    let mut says = answers(&mut |questions| judge_of_all.ask(questions).unwrap(), &texts);
    let mut expected = ask(folders.iter().map(|folder| member(folder)).collect(), &texts);
    assert_ne!(says[0].bundle, expected[0].bundle);
    for say in says.iter_mut().chain(&mut expected) {
        say.bundle.clear();
    }
    assert_eq!(says, expected);
    let other = judge(Some(&"0".repeat(64)));
    assert!(matches!(other, Err(EngineError::Hash { .. })), "another file is not read");
    // Other members over the same base are another bundle: what was said before does not count.
    let name = judge_of_all.bundle().to_owned();
    std::fs::write(&beside, joined(&folders[..2]).unwrap()).unwrap();
    assert_ne!(judge(None).unwrap().bundle(), name);
    // Whatever bytes are there, it is told and nobody dies.
    for at in (0..bytes.len().min(6000)).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x11;
        std::fs::write(&beside, damaged).unwrap();
        let _ = judge(None);
    }
    std::fs::write(&beside, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(judge(None), Err(EngineError::Ensemble(_))));
}

#[test]
fn members_that_cannot_answer_together_are_refused() {
    let (all, folders) = folders();
    let folder = |name: &str, change: &dyn Fn(&PathBuf)| {
        let folder = all.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        members::write(&folder, 3, CHANGED[0]);
        change(&folder);
        folder
    };
    let other_layer = folder("layer", &|to| members::write(to, 3, &[(9, "self_attn.q_proj")]));
    let other_heads = folder("heads", &|to| members::write_heads(to, 3, "T1110,T1190,T1078.003"));
    let headless = folder("none", &|to| std::fs::remove_file(to.join(Heads::FILE)).unwrap());
    let narrow = folder("narrow", &|to| {
        let text = std::fs::read(to.join("adapter_model.safetensors")).unwrap();
        let tensors = candle_core::safetensors::load_buffer(&text, &candle_core::Device::Cpu);
        let tensors = tensors.unwrap().into_iter().map(|(name, tensor)| {
            let width = tensor.dim(1).unwrap();
            (name, tensor.narrow(1, 0, width / 2).unwrap().contiguous().unwrap())
        });
        let tensors: HashMap<_, _> = tensors.collect();
        candle_core::safetensors::save(&tensors, to.join("adapter_model.safetensors")).unwrap();
    });
    let many = vec![folders[0].clone(); MAX_MEMBERS + 1];
    for (case, others, told) in [
        ("a layer it does not have", vec![other_layer], "the base has no blk.9"),
        ("another width", vec![narrow], "in the base"),
        ("other techniques", vec![other_heads], "differ in classes, severities or techniques"),
        ("no heads", vec![headless], "heads.safetensors"),
        ("too many", many, "at most 8"),
    ] {
        let together: Vec<PathBuf> = folders[..1].iter().cloned().chain(others).collect();
        let told_of = joined(&together).err().unwrap().to_string();
        assert!(told_of.contains(told), "{case}: {told_of}");
    }
    let members = (0..=MAX_MEMBERS).map(|_| Adapter::read(&folders[0]).unwrap()).collect();
    let options = LoadOptions { members, ..LoadOptions::default() };
    assert!(matches!(Llama::load(&mut file(), &options), Err(EngineError::Ensemble(_))));
    let plain = Member { adapter: None, ..member(&folders[0]) };
    let tuning = Tuning { members: vec![member(&folders[1]), plain], name: String::new() };
    assert!(Classifier::new(file(), tuning, LoadOptions::default()).is_err());
    assert!(joined(&[]).is_err());
}
