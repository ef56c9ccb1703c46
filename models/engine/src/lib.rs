//! The language model: GGUF file, tokenizer, Llama forward pass, label scoring, and the worker
//! process in which all of it runs; and a sentence model that says how alike texts are ([`Embedder`]).
//!
//! A line is put before the model as data, and the answer is read off the probabilities of fixed
//! labels, or written under a grammar that leaves it no other words. The same file, prompt and line give the same bits.
//!
//! Knows no store, no console and no network: the worker has one Unix socket and shuts the door on
//! everything else (`worker::sandbox`). Start reading at [`Analyst`], then [`Llama`].

mod adapter;
mod analyst;
mod backend;
mod batch;
mod build;
mod choice;
mod classifier;
mod config;
mod embedder;
mod ensemble;
mod error;
mod gguf;
mod header;
mod heads;
mod hidden;
mod judge;
mod kernel;
mod layer;
mod line;
mod llama;
mod prompt;
mod rotation;
mod search;
mod tensor;
mod tokenizer;
mod trie;
mod tuning;
pub mod worker;
mod writer;

#[cfg(test)]
#[path = "../tests/members/mod.rs"]
mod members;
#[cfg(test)]
#[path = "../tests/tiny/mod.rs"]
mod tiny;

pub use adapter::Adapter;
pub use analyst::Analyst;
pub use batch::{Batch, Spot};
pub use build::{Quantisation, build};
pub use classifier::{CLASSIFIER_TOKENS, Classifier, classifier_tokens};
pub use config::LlamaConfig;
pub use embedder::Embedder;
pub use ensemble::{ENSEMBLE_FILE, join};
pub use error::EngineError;
pub use gguf::ModelFile;
pub use heads::Heads;
pub use hidden::Pooling;
pub use judge::Judge;
pub use llama::{Format, KvCache, Llama, LoadOptions, MAX_MEMBERS, Processor, States};
pub use prompt::{AnswersPrompt, Prompt, VerdictPrompt};
pub use tensor::{TensorCache, TensorLlama};
pub use tokenizer::Tokenizer;
pub use tuning::{Member, Tuning};
pub use writer::{Writer, Written, written_prompt};
