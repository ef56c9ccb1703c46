"""Measures the engine side by side with llama.cpp, in one run, turn by turn, on the same files.

    python3 compare.py --worker target/debug/vedette-worker --model BASE.gguf --state FOLDER \
        [--threads 1,2] [--rounds 5] [--only base] [--json FILE] [--plot FILE.svg]

Needs Python 3.9 with venv, a C++ compiler and a network the first time: llama-cpp-python is built
from PyPI's sources into FOLDER/venv (a quarter of an hour on one core). Built for AVX-512 with VNNI;
AMX is left out, for with gcc 12 it crashes at tile configuration. The machine is shared, so what is
compared runs in turns and the best of all rounds counts.
"""

import argparse
import glob
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
LLAMA_CPP = "llama-cpp-python==0.3.36"
FLAGS = (
    "NATIVE=OFF AVX=ON AVX2=ON FMA=ON F16C=ON BMI2=ON AVX512=ON AVX512_VBMI=ON AVX512_VNNI=ON "
    "AVX512_BF16=ON AMX_TILE=OFF AMX_INT8=OFF AMX_BF16=OFF OPENMP=OFF"
).split()
STEPS = ("read", "write", "classify", "classify_eight", "grammar")
COUNTS = {"read": 256, "write": 32, "classify": 1, "classify_eight": 8, "grammar": 1}
# A row each: what it is called, whose way ours goes, our step, and theirs.
ROWS = {
    "read": ("prefill of 256, tokens/s", "labels", "read", "read"),
    "write": ("decode, tokens/s", "labels", "write", "write"),
    "classify": ("labels scored, lines/s, prefix kept", "labels", "classify", "classify"),
    "classify_eight": ("the same, eight lines together", "labels", "classify_eight", "classify"),
    "grammar": ("labels scored against JSON with a grammar", "labels", "classify", "grammar"),
    "heads": ("one pass and heads, lines/s", "heads", "classify", "classify"),
    "heads_eight": ("the same, eight lines together", "heads", "classify_eight", "classify"),
    "heads_grammar": ("heads against JSON with a grammar", "heads", "classify", "grammar"),
}
# Energy counters of the processor's packages, in microjoules.
COUNTERS = "/sys/class/powercap/intel-rapl:?/energy_uj"
# Llama file types of the quantiser.
FILE_TYPES = {"q8_0": 7, "q4_0": 2}


def python(state: pathlib.Path) -> str:
    """The interpreter of the private environment, made the first time."""
    found = state / "venv" / "bin" / "python"
    if not (state / "venv" / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", state / "venv"], check=True)
        defines = " ".join(f"-DGGML_{flag}" for flag in FLAGS)
        environment = dict(os.environ, CMAKE_ARGS=f"{defines} -DLLAMA_CURL=OFF")
        for package in ("numpy", "gguf", f"--no-binary=llama-cpp-python {LLAMA_CPP}"):
            command = [found, "-m", "pip", "install", "--quiet", *package.split()]
            subprocess.run(command, check=True, env=environment)
        (state / "venv" / "ready").touch()
    return str(found)


def quantised(interpreter: str, model: pathlib.Path, kind: str, out: pathlib.Path) -> pathlib.Path:
    code = (
        "import ctypes,sys,llama_cpp as l\n"
        "p=l.llama_model_quantize_default_params()\n"
        "p.ftype,p.allow_requantize=int(sys.argv[3]),True\n"
        "sys.exit(l.llama_model_quantize(sys.argv[1].encode(),sys.argv[2].encode(),ctypes.byref(p)))"
    )
    if not out.exists():
        command = [interpreter, "-c", code, model, out, str(FILE_TYPES[kind])]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return out


def joules() -> float | None:
    """What the processor has used so far, all programs together; None where the machine does not tell."""
    try:
        counts = [int(pathlib.Path(path).read_text()) for path in glob.glob(COUNTERS)]
    except (OSError, ValueError):
        return None
    return sum(counts) / 1e6 if counts else None


def agreement(ours: list, theirs: list) -> dict:
    """Share of equal tokens, and how many are equal before the first that is not, by opening."""
    pairs = [list(zip(own, other)) for own, other in zip(ours, theirs)]
    equal = sum(own == other for pair in pairs for own, other in pair)
    until = [next((at for at, (a, b) in enumerate(pair) if a != b), len(pair)) for pair in pairs]
    return {"share": equal / sum(map(len, pairs)), "equal_before_the_first": until}


class Engine:
    """A process that runs one step for each line it is given."""

    def __init__(self, name: str, command: list, file: pathlib.Path):
        self.name, self.file, self.best, self.resident = name, file, {}, 0
        self.joules = {}
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.report = json.loads(self.process.stdout.readline())

    def ask(self, step: str) -> dict:
        self.process.stdin.write(json.dumps(step) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def run(self, step: str) -> None:
        before = joules()
        answer = self.ask(step)
        after = joules()
        rate = COUNTS[step] / answer["seconds"]
        self.best[step] = max(rate, self.best.get(step, 0))
        self.resident = max(self.resident, answer["resident_bytes"] or 0)
        # A counter that began anew in between tells nothing.
        if before is not None and after is not None and after >= before:
            each = (after - before) / COUNTS[step]
            self.joules[step] = min(each, self.joules.get(step, each))

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(worker, interpreter, files: dict, threads: int, rounds: int, state: pathlib.Path) -> dict:
    """Rates of one model and number of threads by engine and step."""
    memory = ["--memory-mib", "4000"]
    command = [worker, "bench", "--steps", "--threads", threads, *memory, files["ours"]]
    ours = Engine("vedette", command, files["ours"])
    question = state / "question.json"
    question.write_text(json.dumps(ours.report))

    def peer(name: str, file: pathlib.Path) -> Engine:
        return Engine(name, [interpreter, HERE / "llama.py", file, threads, question], file)

    # The same file in both, for what they write must be the same text.
    same = peer("llama.cpp", files["ours"])
    written = agreement(ours.ask("greedy")["written"], same.ask("greedy")["written"])
    same.end()
    ways = {"labels": ours}
    heads = Engine("vedette, heads", [*command, "--heads"], files["ours"])
    if heads.report["bundle"] != ours.report["bundle"]:
        ways["heads"] = heads
    peers = [peer(f"llama.cpp {kind}", file) for kind, file in files.items() if kind != "ours"]
    for _ in range(rounds):
        for step in STEPS:
            # Ours writes no JSON; eight lines of theirs take eight times as long as one.
            mine = [] if step == "grammar" else [ours]
            if step.startswith("classify"):
                mine = list(ways.values())
            for engine in mine + ([] if step == "classify_eight" else peers):
                engine.run(step)
    for engine in {ours, heads, *peers}:
        engine.end()
    rows = {}
    for row, (_, way, mine, theirs) in ROWS.items():
        if way in ways:
            rates = {engine.name: engine.best[theirs] for engine in peers}
            own = ways[way].best[mine]
            rows[row] = {"ours": own, "peers": rates, "ratio": own / max(rates.values())}
    engines = [*ways.values(), *peers]
    return {
        "threads": threads,
        "instructions": ours.report["instructions"],
        "question_tokens": {way: engine.report["question_tokens"] for way, engine in ways.items()},
        "first_answer_seconds": {
            way: engine.report["first_answer_seconds"] for way, engine in ways.items()
        },
        "steps": rows,
        "batch_of_eight": {
            way: engine.best["classify_eight"] / engine.best["classify"] for way, engine in ways.items()
        },
        "greedy": written,
        "joules": {engine.name: engine.joules for engine in engines},
        "resident_bytes": {engine.name: engine.resident for engine in engines},
        "file_bytes": {engine.name: engine.file.stat().st_size for engine in engines},
    }


def table(results: list) -> str:
    lines = []
    for result in results:
        peers = list(result["steps"]["read"]["peers"])
        lines += [
            f"\n{result['model']}, threads: {result['threads']} ({result['instructions']})",
            f"{'':46}{'vedette':>10}" + "".join(f"{peer:>18}" for peer in peers) + f"{'ratio':>8}",
        ]
        for step, row in result["steps"].items():
            rates = "".join(f"{row['peers'][peer]:18.2f}" for peer in peers)
            lines.append(f"{ROWS[step][0]:46}{row['ours']:10.2f}{rates}{row['ratio']:8.2f}")
        for name, value in result["resident_bytes"].items():
            over = value / result["file_bytes"][name]
            lines.append(f"{'resident memory, MiB: ' + name:46}{value / 2**20:10.0f}{over:9.2f} of its file")
        for way, value in result["first_answer_seconds"].items():
            lines.append(f"{'load to first answer, s: ' + way:46}{value:10.2f}")
        for way, value in result["batch_of_eight"].items():
            lines.append(f"{'eight lines together by one line: ' + way:46}{value:10.2f}")
        told = {name: steps["classify"] for name, steps in result["joules"].items() if steps}
        for name, value in told.items():
            lines.append(f"{'joules a line, all programs: ' + name:46}{value:10.2f}")
        if not told:
            lines.append(f"{'energy':46}{'not told here':>14}")
        greedy = result["greedy"]
        until = ", ".join(map(str, greedy["equal_before_the_first"]))
        lines.append(
            f"{'text as llama.cpp writes it, same file':46}{greedy['share']:10.2f} of the tokens; equal up to {until}"
        )
    return "\n".join(lines)


def plot(results: list) -> str:
    """Ratios as bars, a group to each model and number of threads; the line is llama.cpp."""
    width, row, left = 760, 22, 330
    ratios = [
        (f"{result['model']}, {result['threads']} threads: {ROWS[step][0]}", data["ratio"])
        for result in results
        for step, data in result["steps"].items()
    ]
    scale = (width - left - 60) / max(ratio for _, ratio in ratios)
    height = row * len(ratios) + 40
    one = left + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<text x="{one:.0f}" y="14" text-anchor="middle">llama.cpp, its faster file = 1</text>',
        f'<line x1="{one:.0f}" y1="20" x2="{one:.0f}" y2="{height - 10}" stroke="#888"/>',
    ]
    for at, (name, ratio) in enumerate(ratios):
        y = 26 + at * row
        colour = "#2a7" if ratio >= 1 else "#c63"
        parts += [
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end" font-size="10">{name}</text>',
            f'<rect x="{left}" y="{y}" width="{ratio * scale:.1f}" height="16" fill="{colour}"/>',
            f'<text x="{left + ratio * scale + 4:.1f}" y="{y + 13}">{ratio:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("base", "shape"), help="one of the two models")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--plot", type=pathlib.Path)
    given = parser.parse_args()
    state = given.state
    state.mkdir(parents=True, exist_ok=True)
    interpreter = python(state)
    base = {kind: quantised(interpreter, given.model, kind, state / f"base-{kind}.gguf") for kind in FILE_TYPES}
    shapes = {}
    for kind in ("q4_k", "q4_0", "q8_0"):
        shapes[kind] = state / f"shape-{kind}.gguf"
        if not shapes[kind].exists():
            subprocess.run([interpreter, HERE / "shape.py", given.model, kind, shapes[kind]], check=True)
    models = {
        "base": (given.model.stem, {"ours": given.model, **base}),
        "shape": ("TinyLlama-1.1B shape, Q4_K", {"ours": shapes["q4_k"], **shapes}),
    }
    results = []
    for name, files in (models[key] for key in models if given.only in (None, key)):
        for threads in map(int, given.threads.split(",")):
            result = compare(given.worker, interpreter, files, threads, given.rounds, state)
            results.append({"model": name, **result})
            print(table(results[-1:]), flush=True)
    if given.json:
        given.json.write_text(json.dumps({"results": results}, indent=1) + "\n")
    if given.plot:
        given.plot.write_text(plot(results))


if __name__ == "__main__":
    main()
