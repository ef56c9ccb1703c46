//! Cuts texts into the tokens that the classifier reads, for training outside this process: JSON
//! strings in, one a line; arrays of token ids out. Of a list `[question, cue, answer]` the tokens that
//! a writer reads and those it should write come out in a list.
//!
//!     cargo run -p vedette-engine --example tokens -- MODEL.gguf < texts > ids

use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::path::PathBuf;

use serde::Deserialize;
use vedette_engine::{ModelFile, Tokenizer, classifier_tokens, written_prompt};

#[derive(Deserialize)]
#[serde(untagged)]
enum Example {
    Line(String),
    Writing(String, String, String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = std::env::args_os().nth(1).ok_or("name a GGUF file")?;
    let tokenizer = Tokenizer::read(&ModelFile::open(&PathBuf::from(model), None)?)?;
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let tokens = match serde_json::from_str(&line?)? {
            Example::Line(text) => serde_json::to_value(classifier_tokens(&tokenizer, &text))?,
            Example::Writing(question, cue, answer) => serde_json::to_value([
                written_prompt(&tokenizer, &question, &cue),
                tokenizer.encode_inner(&answer),
            ])?,
        };
        writeln!(out, "{tokens}")?;
    }
    Ok(out.flush()?)
}
