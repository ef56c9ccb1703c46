use super::*;
use crate::{Prompt, tiny};
use vedette_event::QuestionId;

/// The base prompt with questions for severity and for every technique there is.
fn prompt() -> Prompt {
    let table = include_str!("../../../../kb/attack/techniques.tsv");
    let ids = table.lines().skip(1).filter_map(|line| line.split('\t').next());
    let answers: String = ids.map(|id| format!("\"{id}\" = \" {id};\"\n")).collect();
    let severities: String =
        Severity::ALL.iter().map(|severity| format!("{severity} = \" {severity}\"\n")).collect();
    let mut prompt = Prompt::base().unwrap();
    prompt.technique = toml::from_str(&format!("cue = \" id\"\n[answers]\n{answers}")).unwrap();
    prompt.severity = toml::from_str(&format!("cue = \" is\"\n[answers]\n{severities}")).unwrap();
    prompt
}

fn analyst(prompt: &Prompt, positions: usize) -> Analyst {
    let file = ModelFile::open(tiny::write().path(), None).unwrap();
    Analyst::new(file, prompt, &LoadOptions { positions, ..LoadOptions::default() }).unwrap()
}

#[test]
fn the_techniques_found_are_those_of_full_enumeration() {
    // Byte tokens make the whole tree large; what the model was trained for is short.
    let mut analyst = analyst(&prompt(), 2048);
    for text in ["Failed password for root", "GET /etc/passwd", ""] {
        let question = Question { id: QuestionId(1), text: text.into() };
        let found = analyst.answer(&question).unwrap().techniques;
        let technique = analyst.technique.as_ref().unwrap();
        let labels: Vec<Vec<u32>> = technique
            .values
            .iter()
            .map(|id| analyst.tokenizer.encode(&format!(" {id};")))
            .collect();
        let lead = [analyst.line(text), analyst.after.clone(), technique.cue.clone()].concat();
        let Backend::Packed { llama, cache } = &analyst.backend else { panic!("not packed") };
        let mut cache = llama.fork(cache, analyst.fixed);
        let spot = Batch::chain(&lead).spots(analyst.fixed).pop().unwrap();
        let states = llama.read(&mut cache, &Batch::chain(&lead), &[lead.len() - 1]).unwrap();
        // Labels a hundred at a time, each with all its forks: the cache is as short as the context.
        let choices: Vec<u32> = technique.trie.choices().into_iter().collect();
        let first = llama.logits_of(&states, &choices).unwrap().remove(0);
        let held = cache.length();
        let mut all: Vec<(TechniqueId, f32)> = Vec::new();
        let mut known = std::collections::HashMap::from([(Vec::new(), first)]);
        for tokens in &labels {
            for length in 1..tokens.len() {
                if !known.contains_key(&tokens[..length]) {
                    cache.truncate(held);
                    let mut batch = Batch::default();
                    batch.extend_behind(&spot, &tokens[..length]);
                    let states = llama.read(&mut cache, &batch, &[length - 1]).unwrap();
                    let logits = llama.logits_of(&states, &choices).unwrap().remove(0);
                    known.insert(tokens[..length].to_vec(), logits);
                }
            }
        }
        let children = |path: &[u32]| -> BTreeSet<u32> {
            labels.iter().filter(|l| l.starts_with(path)).map(|l| l[path.len()]).collect()
        };
        let mut forks = std::collections::HashMap::new();
        for (id, tokens) in technique.values.iter().zip(&labels) {
            let mut score = 0.0f32;
            for length in 0..tokens.len() {
                let path = &tokens[..length];
                let below = forks.entry(path.to_vec()).or_insert_with(|| children(path));
                if below.len() > 1 {
                    let logit = |token: &u32| known[path][choices.binary_search(token).unwrap()];
                    // In the order of the tree, which is that of the labels.
                    let logits: Vec<f32> = below.iter().map(logit).collect();
                    score += logit(&tokens[length]) - crate::trie::log_sum_exp(&logits);
                }
            }
            all.push((*id, score));
        }
        all.sort_by(|left, right| right.1.total_cmp(&left.1));
        assert_eq!(found.len(), TECHNIQUES);
        for (found, (id, score)) in found.iter().zip(&all) {
            assert_eq!(found.id, *id, "{text:?}");
            assert!((found.score.ln() - score).abs() < 1e-4, "{found:?} {score}");
        }
    }
}

#[test]
fn lines_read_together_are_answered_as_alone() {
    let mut analyst = analyst(&prompt(), 2048);
    let texts = ["one", "a second line, longer", "", "4", "the fifth", "six", "seven 7", "8"];
    let questions: Vec<Question> = texts
        .iter()
        .zip(0..)
        .map(|(text, id)| Question { id: QuestionId(id), text: (*text).into() })
        .collect();
    let together = analyst.answer_all(&questions).unwrap();
    for (question, together) in questions.iter().zip(&together) {
        assert_eq!(analyst.answer(question).unwrap(), *together);
        assert_eq!(together.severities.len(), Severity::ALL.len());
    }
}

#[test]
fn tensors_and_packed_weights_answer_alike() {
    let prompt = prompt();
    let mut packed = analyst(&prompt, 2048);
    let mut tensors = analyst(&prompt, 2048);
    let mut file = ModelFile::open(tiny::write().path(), None).unwrap();
    tensors.backend =
        Backend::on_tensors(&mut file, &LoadOptions::default(), &candle_core::Device::Cpu).unwrap();
    let fixed = tensors.tokenizer.encode_start(&prompt.before);
    tensors.backend.read(&Batch::chain(&fixed), &[], &[]).unwrap();
    let question = Question { id: QuestionId(1), text: "Failed password for root".into() };
    let (packed, tensors) = (packed.answer(&question).unwrap(), tensors.answer(&question).unwrap());
    assert!((packed.malicious - tensors.malicious).abs() < 0.02, "{packed:?} {tensors:?}");
    for (class, share) in &packed.classes {
        let theirs = tensors.classes.iter().find(|(other, _)| other == class).unwrap().1;
        assert!((share - theirs).abs() < 0.02, "{class}: {share} {theirs}");
    }
}
