//! Cuts texts into the tokens that the classifier reads, for training outside this process: JSON
//! strings in, one a line; arrays of token ids out.
//!
//!     cargo run -p vedette-engine --example tokens -- MODEL.gguf < texts > ids

use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::path::PathBuf;

use vedette_engine::{ModelFile, Tokenizer, classifier_tokens};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = std::env::args_os().nth(1).ok_or("name a GGUF file")?;
    let tokenizer = Tokenizer::read(&ModelFile::open(&PathBuf::from(model), None)?)?;
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        writeln!(out, "{}", serde_json::to_string(&classifier_tokens(&tokenizer, &text))?)?;
    }
    Ok(out.flush()?)
}
