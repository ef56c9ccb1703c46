"""Writes the token ids that llama.cpp makes of tests/golden/texts.json, for the engine's tests.

The base model's vocabulary comes from its file; the SentencePiece one from the small file that
`cargo test -p vedette-engine --test tokenizer` writes to the target folder.

    python golden.py BASE.gguf target/tmp/pieces.gguf
"""

import json
import pathlib
import sys

import llama_cpp

GOLDEN = pathlib.Path(__file__).parent.parent / "tests" / "golden"


def ids(model: pathlib.Path, texts: list[str]) -> list[list[int]]:
    llama = llama_cpp.Llama(str(model), vocab_only=True, verbose=False)
    # Control tokens in the text stay text, and no token is put before it.
    return [llama.tokenize(text.encode(), add_bos=False, special=False) for text in texts]


def main() -> None:
    base, pieces = map(pathlib.Path, sys.argv[1:3])
    texts = json.loads((GOLDEN / "texts.json").read_text())
    for name, model in (("smollm", base), ("pieces", pieces)):
        rows = ",\n  ".join(json.dumps(row) for row in ids(model, texts))
        (GOLDEN / f"{name}.json").write_text(f"[\n  {rows}\n]\n")


if __name__ == "__main__":
    main()
