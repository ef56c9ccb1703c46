//! An ensemble answers as its members do alone, and costs less.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod members;
mod tiny;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vedette_engine::{
    Adapter, Batch, Classifier, ENSEMBLE_FILE, EngineError, Format, Heads, Judge, KvCache, Llama,
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
