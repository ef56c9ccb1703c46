//! How well retrieval finds a runbook, over the public alert guides and runbooks of the shared data.
//!
//! A guide's title and description are the incident's title; its techniques are given or withheld. A hit
//! is a runbook that shares a parent technique with the guide. Only guides count for which some runbook
//! of the searched collection could be a hit. Guides whose id hashes to an even number were looked at
//! while building, the odd ones not. Beside it stand looking up ids alone, and plain BM25 over title and
//! text as one.
//!
//! `VEDETTE_SHARED=… cargo run -p vedette-resolve --example guidance [WORKER FOLDER]`
//!
//! With the worker's program and the folder of the sentence model's bundle, ours is measured with and
//! without it.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use vedette_event::worker::{MAX_QUESTIONS, Reply, Request, frame_header, frame_length};
use vedette_event::{Embedder, Incident};
use vedette_kb::attack::parent_id;
use vedette_kb::{Imported, Kb};
use vedette_resolve::Resolver;

/// A document or a guide: its text and what it is about.
struct Item {
    id: String,
    text: String,
    techniques: Vec<String>,
}

/// The sentence model in a worker of its own, as the appliance has it, and what it says of the phrases.
struct Sentences {
    stream: Mutex<UnixStream>,
}

/// Milliseconds after which an answer is given up: the machine may be busy.
const WITHIN_MS: u64 = 60_000;

impl Sentences {
    fn start(worker: &str, folder: &str) -> Result<Self, Box<dyn Error>> {
        let (ours, theirs) = UnixStream::pair()?;
        Command::new(worker).arg("embed").arg(folder).stdin(OwnedFd::from(theirs)).spawn()?;
        Ok(Self { stream: Mutex::new(ours) })
    }

    fn ask(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let body = serde_json::to_vec(&Request::Embed { texts, within_ms: WITHIN_MS })?;
        let mut stream = self.stream.lock().map_err(|_| "a panic")?;
        stream.write_all(&frame_header(body.len()).ok_or("too long")?)?;
        stream.write_all(&body)?;
        let mut header = [0; 4];
        stream.read_exact(&mut header)?;
        let mut body = vec![0; frame_length(header).ok_or("too long")?];
        stream.read_exact(&mut body)?;
        match serde_json::from_slice(&body)? {
            Reply::Vectors { vectors } => Ok(vectors),
            other => Err(format!("{other:?}").into()),
        }
    }
}

impl Embedder for Sentences {
    fn embed(&self, texts: &[&str]) -> Option<Vec<Vec<f32>>> {
        let chunks = texts.chunks(MAX_QUESTIONS).map(|some| self.ask(some));
        let vectors: Result<Vec<_>, _> = chunks.collect();
        vectors.inspect_err(|why| eprintln!("no vectors: {why}")).ok().map(|all| all.concat())
    }
}

/// A sentence model with the vectors of what resolvers want to learn.
struct Taught {
    sentences: Arc<Sentences>,
    vectors: Vec<Vec<f32>>,
}

fn taught() -> Result<Option<Taught>, Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [worker, folder] = given.as_slice() else { return Ok(None) };
    let sentences = Arc::new(Sentences::start(worker, folder)?);
    let phrases = Resolver::new(Kb::embedded(), &Imported::default()).phrases();
    let vectors = sentences.embed(&phrases).ok_or("the sentence model does not answer")?;
    Ok(Some(Taught { sentences, vectors }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let taught = taught()?;
    let guides = read("alert_guides_elastic_ELv2.jsonl")?
        .into_iter()
        .chain(read("alert_guides_panther.jsonl")?);
    let guides: Vec<_> = guides.map(|row| item(&row, "alert_description")).collect();
    let (even, odd): (Vec<_>, Vec<_>) =
        guides.iter().partition(|guide| hash(&guide.id).is_multiple_of(2));
    let rows = read("runbooks.jsonl")?;
    let core: Vec<_> = rows.iter().filter(|row| row["source"] != "mukul").cloned().collect();
    for (half, guides) in [("looked at", even), ("not looked at", odd)] {
        println!("\n## guides {half}: {}\n", guides.len());
        println!("| searched | method | n | hit@1 | hit@3 | hit@5 | MRR |");
        println!("|---|---|---|---|---|---|---|");
        table(("our own", &own(), &Imported::default()), &guides, taught.as_ref());
        for (name, rows) in [("core corpus", &core), ("all visible", &rows)] {
            let items: Vec<_> = rows.iter().map(|row| item(row, "text")).collect();
            let text: Vec<_> = rows.iter().map(Value::to_string).collect();
            let imported = Imported::parse(&text.join("\n"))?;
            table((name, &items, &imported), &guides, taught.as_ref());
        }
    }
    Ok(())
}

/// The places of the documents, best first.
type Rank<'a> = &'a dyn Fn(&Item) -> Vec<usize>;

/// Every method over one collection. Ours ranks its own runbooks too; those outside are passed over.
fn table(
    (name, documents, imported): (&str, &[Item], &Imported),
    guides: &[&Item],
    taught: Option<&Taught>,
) {
    let families: HashSet<_> = documents.iter().flat_map(|document| parents(document)).collect();
    let known = |guide: &&&Item| parents(guide).iter().any(|parent| families.contains(parent));
    let guides: Vec<_> = guides.iter().filter(known).copied().collect();
    let places: HashMap<_, _> =
        documents.iter().enumerate().map(|(at, document)| (document.id.as_str(), at)).collect();
    let resolver = Resolver::new(Kb::embedded(), imported);
    let knowing = taught.map(|Taught { sentences, vectors }| {
        let resolver = Resolver::new(Kb::embedded(), imported).with_embedder(sentences.clone());
        assert!(resolver.learn(vectors.clone()), "the vectors are those of the phrases");
        resolver
    });
    let ours = |resolver: &Resolver, guide: &Item, with_ids: bool| -> Vec<usize> {
        let ranked = resolver.rank(&incident(guide, with_ids));
        ranked.iter().filter_map(|runbook| places.get(runbook.id.as_str()).copied()).collect()
    };
    let plain = Plain::new(documents);
    let with_sentences = |guide: &Item| match &knowing {
        Some(resolver) => ours(resolver, guide, false),
        None => Vec::new(),
    };
    let methods: [(&str, Rank<'_>); 5] = [
        ("ids looked up", &|guide| look_up(documents, guide)),
        ("ours, with ids", &|guide| ours(&resolver, guide, true)),
        ("plain BM25, ids withheld", &|guide| plain.rank(&guide.text)),
        ("ours, ids withheld", &|guide| ours(&resolver, guide, false)),
        ("ours and the sentence model, ids withheld", &with_sentences),
    ];
    // The last only where it was given.
    let measured = methods.len() - usize::from(knowing.is_none());
    for (method, rank) in methods.into_iter().take(measured) {
        let ranks: Vec<_> =
            guides.iter().map(|guide| first_hit(documents, guide, &rank(guide))).collect();
        let share = |most: usize| {
            let hits = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < most)).count();
            hits as f64 / ranks.len() as f64
        };
        let reciprocal = ranks.iter().flatten().map(|rank| 1.0 / (*rank as f64 + 1.0)).sum::<f64>();
        println!(
            "| {name} ({}) | {method} | {} | {:.3} | {:.3} | {:.3} | {:.3} |",
            documents.len(),
            ranks.len(),
            share(1),
            share(3),
            share(5),
            reciprocal / ranks.len() as f64
        );
    }
}

fn incident(guide: &Item, with_ids: bool) -> Incident {
    let ids = guide.techniques.iter().filter_map(|id| id.parse().ok());
    let techniques = if with_ids { ids.collect() } else { Vec::new() };
    Incident { title: guide.text.clone(), techniques, ..Incident::default() }
}

fn parents(item: &Item) -> Vec<&str> {
    item.techniques.iter().map(|id| parent_id(id)).collect()
}

/// Place of the first runbook that shares a parent technique.
fn first_hit(documents: &[Item], guide: &Item, ranking: &[usize]) -> Option<usize> {
    let wanted = parents(guide);
    let hit = |at: &usize| parents(&documents[*at]).iter().any(|parent| wanted.contains(parent));
    ranking.iter().position(hit)
}

/// Runbooks by the number of exact ids in common, in the order of the collection.
fn look_up(documents: &[Item], guide: &Item) -> Vec<usize> {
    let common = |at: usize| {
        documents[at].techniques.iter().filter(|id| guide.techniques.contains(id)).count()
    };
    let mut found: Vec<_> = (0..documents.len()).filter(|at| common(*at) > 0).collect();
    found.sort_by_key(|at| std::cmp::Reverse(common(*at)));
    found
}

/// BM25 as the book has it: whole documents, words in lower case, k1 1.2, b 0.75.
struct Plain {
    counts: Vec<HashMap<String, f64>>,
    lengths: Vec<f64>,
    documents_with: HashMap<String, f64>,
}

impl Plain {
    fn new(documents: &[Item]) -> Self {
        let mut documents_with = HashMap::new();
        let mut counts = Vec::new();
        for document in documents {
            let mut own = HashMap::new();
            for word in plain_words(&document.text) {
                *own.entry(word).or_insert(0.0) += 1.0;
            }
            for word in own.keys() {
                *documents_with.entry(word.clone()).or_insert(0.0) += 1.0;
            }
            counts.push(own);
        }
        let lengths = counts.iter().map(|own| own.values().sum()).collect();
        Self { counts, lengths, documents_with }
    }

    fn rank(&self, question: &str) -> Vec<usize> {
        let words: HashSet<_> = plain_words(question).collect();
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort();
        let scores: Vec<_> = (0..self.counts.len()).map(|at| self.score(at, &words)).collect();
        let mut order: Vec<_> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order
    }

    fn score(&self, at: usize, words: &[String]) -> f64 {
        let all = self.counts.len() as f64;
        let mean = self.lengths.iter().sum::<f64>() / all;
        let gain = |word: &String| {
            let count = self.counts[at].get(word)?;
            let with = self.documents_with.get(word)?;
            let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
            let length = 0.25 + 0.75 * self.lengths[at] / mean;
            Some(rarity * count * 2.2 / (count + 1.2 * length))
        };
        words.iter().filter_map(gain).sum()
    }
}

fn plain_words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// FNV-1a, so that the halves are the same everywhere.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn own() -> Vec<Item> {
    let runbooks = Kb::embedded().runbooks().iter();
    let item = |runbook: &vedette_kb::Runbook| {
        let steps = runbook.sections.iter().flat_map(|section| &section.steps);
        let steps: Vec<_> = steps.map(String::as_str).collect();
        Item {
            id: runbook.id.to_string(),
            text: format!("{}\n{}", runbook.title, steps.join("\n")),
            techniques: runbook.techniques.clone(),
        }
    };
    runbooks.map(item).collect()
}

fn item(row: &Value, body: &str) -> Item {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let ids = row["technique_ids"].as_array().into_iter().flatten();
    Item {
        id: text("id"),
        text: format!("{}\n{}", text("title"), text(body)),
        techniques: ids.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
    }
}

fn read(file: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("VEDETTE_SHARED").map_or(root, PathBuf::from);
    let text = std::fs::read_to_string(root.join("data/runbooks").join(file))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
