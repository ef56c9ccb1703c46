"""Writes a model of TinyLlama-1.1B's exact shape with random weights, for speed and memory only.

    python shape.py BASE.gguf KIND OUT.gguf

KIND is q4_k, q4_0 or q8_0. The vocabulary is the first 32,000 words of BASE's, for both engines
want one. Blocks are random bytes around sane scales: no quantiser runs, so this takes seconds.
"""

import sys

import gguf
import numpy as np

LAYERS, HIDDEN, WIDE, HEADS, KV_HEADS, WORDS = 22, 2048, 5632, 32, 4, 32000
KV = HIDDEN // HEADS * KV_HEADS

KINDS = {
    # Bytes of a block, values in it, and where its half-precision scales stand.
    "q4_0": (gguf.GGMLQuantizationType.Q4_0, 18, 32, {0: 0.01}),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, 34, 32, {0: 0.0004}),
    "q4_k": (gguf.GGMLQuantizationType.Q4_K, 144, 256, {0: 0.0001, 2: 0.0008}),
}


def blocks(chance: np.random.Generator, kind: str, rows: int, columns: int) -> np.ndarray:
    _, size, values, scales = KINDS[kind]
    count = rows * columns // values
    data = chance.integers(0, 256, (count, size), dtype=np.uint8)
    for at, scale in scales.items():
        data[:, at : at + 2] = np.frombuffer(np.float16(scale).tobytes(), np.uint8)
    return data.reshape(rows, columns // values * size)


def vocabulary(base: str) -> tuple[list[str], list[str]]:
    fields = gguf.GGUFReader(base).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()[:WORDS]
    known = set(tokens)
    merges = [
        merge
        for merge in fields["tokenizer.ggml.merges"].contents()
        if merge.replace(" ", "") in known and all(part in known for part in merge.split(" "))
    ]
    return tokens, merges


def main() -> None:
    base, kind, out = sys.argv[1:4]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(2048)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(WORDS)
    tokens, merges = vocabulary(base)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    chance = np.random.default_rng(1)

    def matrix(name: str, rows: int, columns: int) -> None:
        data = blocks(chance, kind, rows, columns)
        writer.add_tensor(f"{name}.weight", data, raw_dtype=KINDS[kind][0])

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, np.float32))

    matrix("token_embd", WORDS, HIDDEN)
    matrix("output", WORDS, HIDDEN)
    norm("output_norm")
    for layer in range(LAYERS):
        name = f"blk.{layer}"
        norm(f"{name}.attn_norm")
        norm(f"{name}.ffn_norm")
        for part, rows, columns in (
            ("attn_q", HIDDEN, HIDDEN),
            ("attn_k", KV, HIDDEN),
            ("attn_v", KV, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_gate", WIDE, HIDDEN),
            ("ffn_up", WIDE, HIDDEN),
            ("ffn_down", HIDDEN, WIDE),
        ):
            matrix(f"{name}.{part}", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
