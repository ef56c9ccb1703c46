"""llama.cpp, measured step by step: a JSON line in, a JSON line out.

    python llama.py MODEL.gguf THREADS QUESTION.json

QUESTION.json is what `vedette-worker bench --steps` prints first: the tokens of a question.
"""

import ctypes
import json
import os
import sys
import time

import llama_cpp
import numpy as np

PROMPT_TOKENS, LEAD_TOKENS, WRITTEN_TOKENS = 256, 32, 32

# The answer asked for as JSON: the same two questions, as their users would ask them.
CLASSES = """normal activity|scanning|password guessing|web attack|exploit|phishing|malware|ransomware|
privilege escalation|persistence|log tampering|lateral movement|command and control|data theft|
denial of service|policy violation""".replace("\n", "").split("|")
GRAMMAR = (
    'root ::= "{\\"verdict\\": \\"" ("normal" | "attack") "\\", \\"class\\": \\"" class "\\"}"\n'
    "class ::= " + " | ".join(f'"{name}"' for name in CLASSES) + "\n"
)


def resident_bytes() -> int:
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


class Peer:
    def __init__(self, model: str, threads: int, question: dict):
        self.question = question
        started = time.monotonic()
        self.llama = llama_cpp.Llama(
            model, n_ctx=1024, n_batch=512, n_ubatch=512, n_threads=threads,
            n_threads_batch=threads, verbose=False, use_mmap=False,
        )
        self.context = self.llama.ctx
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.vocabulary = self.llama.n_vocab()
        self.before = question["before"]
        self.decode(self.before, 0)
        self.load_seconds = time.monotonic() - started

    def decode(self, tokens: list[int], at: int) -> np.ndarray:
        """Reads tokens from position `at` on, whatever stood there forgotten; the last one's logits."""
        llama_cpp.llama_memory_seq_rm(self.memory, 0, at, -1)
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        if llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(batch, len(tokens))):
            raise RuntimeError("llama_decode failed")
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(logits, shape=(self.vocabulary,))

    def read(self) -> None:
        line = self.question["line"]
        self.decode((line * PROMPT_TOKENS)[:PROMPT_TOKENS], 0)

    def write(self) -> None:
        token = 5
        for at in range(WRITTEN_TOKENS):
            token = int(np.argmax(self.decode([token], LEAD_TOKENS + at)))

    def classify(self) -> None:
        """Their best way: the prefix kept, the first tokens' logits read behind each cue."""
        at = len(self.before)
        lead = self.question["line"] + self.question["after"]
        self.decode(lead, at)
        for cue in self.question["cues"]:
            self.decode(cue, at + len(lead))

    def grammar(self) -> None:
        """The usual way: an answer in JSON, held to a grammar, the prefix kept."""
        at = len(self.before)
        lead = self.question["line"] + self.question["after"]
        parameters = llama_cpp.llama_sampler_chain_default_params()
        chain = llama_cpp.llama_sampler_chain_init(parameters)
        vocabulary = llama_cpp.llama_model_get_vocab(self.llama.model)
        grammar = llama_cpp.llama_sampler_init_grammar(vocabulary, GRAMMAR.encode(), b"root")
        llama_cpp.llama_sampler_chain_add(chain, grammar)
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_greedy())
        self.decode(lead, at)
        at += len(lead)
        for _ in range(64):
            # Samples and tells the grammar what it took.
            token = llama_cpp.llama_sampler_sample(chain, self.context, -1)
            if llama_cpp.llama_vocab_is_eog(vocabulary, token):
                break
            self.decode([token], at)
            at += 1
        llama_cpp.llama_sampler_free(chain)

    def greedy(self) -> list[list[int]]:
        """The likeliest tokens behind each opening."""
        written = []
        for opening in self.question["openings"]:
            tokens, at, texts = opening, 0, []
            for _ in range(self.question["compared_tokens"]):
                logits = self.decode(tokens, at)
                at += len(tokens)
                tokens = [int(np.argmax(logits))]
                texts += tokens
            written.append(texts)
        return written

    def run(self, step: str) -> tuple[float, object]:
        if step == "write":
            self.decode((self.question["line"] * LEAD_TOKENS)[:LEAD_TOKENS], 0)
        elif step not in ("read", "greedy"):
            self.decode(self.before, 0)
        started = time.monotonic()
        written = getattr(self, step)()
        return time.monotonic() - started, written


def main() -> None:
    silent = llama_cpp.llama_log_callback(lambda *_: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p())
    with open(sys.argv[3]) as file:
        peer = Peer(sys.argv[1], int(sys.argv[2]), json.load(file))
    print(json.dumps({"load_seconds": peer.load_seconds}), flush=True)
    for line in sys.stdin:
        seconds, written = peer.run(json.loads(line))
        answer = {"seconds": seconds, "resident_bytes": resident_bytes(), "written": written}
        print(json.dumps(answer), flush=True)
    # Their callbacks complain while the interpreter is taken down.
    os._exit(0)


if __name__ == "__main__":
    main()
