//! The language model: GGUF, tokenizer, forward pass, label scoring, worker.
