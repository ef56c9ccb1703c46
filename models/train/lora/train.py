"""Tunes a Llama with low-rank adapters and four heads, on the processor or a CUDA device.

Reads a GGUF base and examples already cut into tokens (`vedette-train examples`, then the engine's
`tokens` example), so that training sees exactly what the product sees. Writes an adapter as PEFT writes
it, the heads, and a log of the losses. Checkpoints as it goes and resumes where it stopped.

    python train.py --base MODEL.gguf --examples examples.jsonl --tokens ids --out RUN [--hold dev|0..4]
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

CLASSES = [
    "benign", "reconnaissance", "brute_force", "web_attack", "exploitation", "phishing", "malware",
    "ransomware", "privilege_escalation", "persistence", "defense_evasion", "lateral_movement",
    "command_and_control", "exfiltration", "denial_of_service", "policy_violation",
]
SEVERITIES = ["informational", "low", "medium", "high", "critical"]
MATRICES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
# A technique with fewer examples gets no column: it could only be learnt by heart.
FEWEST = 3


class Base:
    """Matrices and hyperparameters of a GGUF Llama."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        field = lambda name: reader.get_field(f"llama.{name}").contents()
        self.layers = field("block_count")
        self.heads = field("attention.head_count")
        self.kv_heads = field("attention.head_count_kv")
        self.hidden = field("embedding_length")
        self.eps = field("attention.layer_norm_rms_epsilon")
        self.theta = field("rope.freq_base")
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}

    def matrix(self, name):
        tensor = self.tensors[name]
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        return torch.from_numpy(numpy.ascontiguousarray(values, dtype=numpy.float32))


class LoraLinear(nn.Module):
    """A frozen matrix, with a low-rank change where one is learnt."""

    def __init__(self, weight, rank, alpha, dtype):
        super().__init__()
        self.register_buffer("weight", weight.to(dtype), persistent=False)
        self.rank, self.scale = rank, alpha / max(rank, 1)
        if rank:
            self.a = nn.Parameter(torch.empty(rank, weight.shape[1]))
            self.b = nn.Parameter(torch.zeros(weight.shape[0], rank))
            nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x):
        out = functional.linear(x, self.weight)
        if self.rank:
            low = functional.linear(x, self.a.to(x.dtype))
            out = out + functional.linear(low, (self.b * self.scale).to(x.dtype))
        return out


def norm(x, weight, eps):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, base, at, rank, alpha, targets, dtype):
        super().__init__()
        self.base = base
        for theirs, ours in MATRICES.items():
            weight = base.matrix(f"blk.{at}.{ours}.weight")
            here = rank if ours in targets else 0
            setattr(self, ours, LoraLinear(weight, here, alpha, dtype))
        for name in ("attn_norm", "ffn_norm"):
            self.register_buffer(name, base.matrix(f"blk.{at}.{name}.weight"), persistent=False)

    def forward(self, x, turn):
        base = self.base
        batch, length, _ = x.shape
        inner = norm(x, self.attn_norm, base.eps)
        heads = lambda value, count: value.view(batch, length, count, -1).transpose(1, 2)
        q = rotate(heads(self.attn_q(inner), base.heads), turn)
        k = rotate(heads(self.attn_k(inner), base.kv_heads), turn)
        v = heads(self.attn_v(inner), base.kv_heads)
        # Lines are short: the plain form is faster than the one that spares memory.
        group = base.heads // base.kv_heads
        q = q.reshape(batch, base.kv_heads, group * length, -1)
        scores = (q @ k.transpose(2, 3)).view(batch, base.kv_heads, group, length, length)
        scores = (scores.float() * k.shape[-1] ** -0.5).masked_fill(turn[2][:length, :length], -math.inf)
        shares = scores.softmax(-1).to(x.dtype).view(batch, base.kv_heads, group * length, length)
        mixed = (shares @ v).view(batch, base.heads, length, -1)
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(batch, length, -1))
        inner = norm(x, self.ffn_norm, base.eps)
        return x + self.ffn_down(functional.silu(self.ffn_gate(inner)) * self.ffn_up(inner))


def rotate(x, turn):
    """GGUF keeps the two parts of a rotary pair beside each other."""
    cos, sin = turn[0][: x.shape[-2]], turn[1][: x.shape[-2]]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Classifier(nn.Module):
    """The model with its heads: states after the last norm, averaged over the text and at its end."""

    def __init__(self, base, techniques, args, dtype):
        super().__init__()
        self.base, self.dtype = base, dtype
        self.embedding = base.matrix("token_embd.weight").to(dtype)
        self.output_norm = base.matrix("output_norm.weight")
        targets = args.targets.split(",")
        first = base.layers - args.upper
        self.layers = nn.ModuleList(
            Layer(base, at, args.rank if at >= first else 0, args.alpha, targets, dtype)
            for at in range(base.layers)
        )
        self.first = first
        width = base.hidden // base.heads
        angle = torch.outer(torch.arange(512).float(), base.theta ** (-torch.arange(0, width, 2).float() / width))
        later = torch.ones(512, 512, dtype=torch.bool).triu(1)
        self.turn = (angle.cos().to(dtype), angle.sin().to(dtype), later)
        sizes = {"malicious": 2, "class": len(CLASSES), "severity": len(SEVERITIES), "technique": techniques}
        self.heads = nn.ModuleDict({name: nn.Linear(2 * base.hidden, size) for name, size in sizes.items()})
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
        self.dropout = nn.Dropout(args.dropout)

    def move(self, device):
        self.embedding = self.embedding.to(device)
        self.output_norm = self.output_norm.to(device)
        self.turn = tuple(part.to(device) for part in self.turn)
        return self.to(device)

    def states(self, tokens, lengths):
        x = self.embedding[tokens]
        with torch.no_grad():
            for layer in self.layers[: self.first]:
                x = layer(x, self.turn)
        for layer in self.layers[self.first :]:
            x = layer(x, self.turn)
        x = norm(x, self.output_norm, self.base.eps).float()
        inside = (torch.arange(x.shape[1], device=x.device)[None] < lengths[:, None]).float()[..., None]
        mean = (x * inside).sum(1) / lengths[:, None]
        last = x[torch.arange(len(x)), lengths - 1]
        return torch.cat((mean, last), 1)

    def forward(self, tokens, lengths):
        states = self.dropout(self.states(tokens, lengths))
        return {name: head(states) for name, head in self.heads.items()}


def read(args):
    """Examples with their tokens; which are held out is said by `--hold`."""
    rows = []
    with open(args.examples) as texts, open(args.tokens) as ids:
        for line, tokens in zip(texts, ids, strict=True):
            row = json.loads(line)
            most = args.auxiliary_length if row["kind"].startswith("texts") else args.length
            row["tokens"] = json.loads(tokens)[:most]
            rows.append(row)
    logs = [row for row in rows if row["kind"] == "log lines"]
    held = [row for row in logs if (row["dev"] if args.hold == "dev" else not row["dev"] and str(row["fold"]) == args.hold)]
    groups, templates = {row["group"] for row in held}, {row["template"] for row in held}
    free = lambda row: not row["dev"] and row["group"] not in groups and row["template"] not in templates
    train = [row for row in rows if free(row) and len(row["tokens"]) > 2]
    return train, held


def weight(row, args):
    """How far a row is believed, as the screen's recipe has it."""
    if row["kind"].startswith("texts"):
        return args.auxiliary
    if row["kind"].startswith("lines"):
        return args.synthetic
    return 1.0 if row["strong"] or row["malicious"] is None else args.weak


def targets(row, places, args):
    trust = weight(row, args)
    auxiliary = row["kind"].startswith("texts")
    known = [places[one] for one in row["techniques"] if one in places]
    return {
        "malicious": ([int(row["malicious"])], trust) if row["malicious"] is not None else None,
        "class": ([CLASSES.index(row["class"])], trust) if row["class"] else None,
        "severity": ([SEVERITIES.index(row["severity"])], trust * (0.3 if auxiliary else 1)) if row["severity"] else None,
        "technique": (known, 1.0) if known else None,
    }


def balance(train, places, args):
    """Weights of malicious and benign rows, so that both count the same."""
    totals = [1e-9, 1e-9]
    for row in train:
        if row["malicious"] is not None:
            totals[int(row["malicious"])] += weight(row, args)
    mean = sum(totals) / 2
    return [mean / total for total in totals]


def loss_of(out, batch, places, sides, args):
    total, parts = 0.0, {}
    for name, share in (("malicious", 1.0), ("class", 1.0), ("severity", 0.5), ("technique", 0.7)):
        logs = functional.log_softmax(out[name], 1)
        terms, weights = [], []
        for at, row in enumerate(batch):
            target = targets(row, places, args)[name]
            if target is None:
                continue
            labels, trust = target
            if name == "malicious":
                trust *= sides[labels[0]]
            terms.append(-logs[at, labels].mean() * trust)
            weights.append(trust)
        if terms:
            value = torch.stack(terms).sum() / len(batch)
            parts[name] = (value.item(), sum(weights) / len(batch))
            total = total + share * value
    return total, parts


def batches(rows, size, rng):
    """Rows of like length together, as many as `size` tokens hold."""
    rows = sorted(rows, key=lambda row: len(row["tokens"]) + rng.random() * 8)
    found, batch, longest = [], [], 0
    for row in rows:
        longest = max(longest, len(row["tokens"]))
        if batch and longest * (len(batch) + 1) > size:
            found.append(batch)
            batch, longest = [], len(row["tokens"])
        batch.append(row)
    if batch:
        found.append(batch)
    rng.shuffle(found)
    return found


def tensor(batch, device):
    lengths = torch.tensor([len(row["tokens"]) for row in batch])
    tokens = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
    for at, row in enumerate(batch):
        tokens[at, : len(row["tokens"])] = torch.tensor(row["tokens"])
    return tokens.to(device), lengths.to(device)


@torch.no_grad()
def judge(model, rows, device):
    """Probabilities of each head for each row, in the rows' order."""
    model.eval()
    said = {}
    for batch in batches(rows, 4096, random.Random(0)):
        out = model(*tensor(batch, device))
        for at, row in enumerate(batch):
            said[id(row)] = {name: functional.softmax(value[at], 0).tolist() for name, value in out.items()}
    model.train()
    return [said[id(row)] for row in rows]


def figures(rows, said, names):
    """What matters, on lines with labels; techniques by parent, severity by macro F1 and accuracy."""
    def share(pairs):
        pairs = list(pairs)
        return round(sum(pairs) / max(1, len(pairs)), 4)

    best = lambda scores: max(range(len(scores)), key=scores.__getitem__)
    strong = [(out["malicious"][1], row["malicious"]) for row, out in zip(rows, said) if row["malicious"] is not None and row["strong"]]
    recall = share(p >= 0.5 for p, truth in strong if truth)
    alarms = share(p >= 0.5 for p, truth in strong if not truth)
    ranks = [(p > q) + 0.5 * (p == q) for p, truth in strong if truth for q, other in strong if not other]
    classed = [(row, CLASSES[best(out["class"])]) for row, out in zip(rows, said) if row["class"]]
    near = lambda row, guess: guess == row["class"] or (row["class"] == "exploitation" and row["http"] and guess == "web_attack")
    def technique(count):
        for row, out in zip(rows, said):
            if row["techniques"]:
                top = sorted(range(len(names)), key=lambda at: -out["technique"][at])[:count]
                yield any(names[at] in row["techniques"] for at in top)
    graded = [(row, SEVERITIES[best(out["severity"])]) for row, out in zip(rows, said) if row["severity"] and row["source"] in ("wazuh", "ossec")]
    low = lambda name: "low" if name == "informational" else name
    graded = [(low(row["severity"]), low(guess)) for row, guess in graded]
    f1 = []
    for label in {truth for truth, _ in graded}:
        hit = sum(truth == guess == label for truth, guess in graded)
        f1.append(2 * hit / max(1, sum(truth == label for truth, _ in graded) + sum(guess == label for _, guess in graded)))
    return {
        "balanced": round((recall + 1 - alarms) / 2, 4), "recall": recall, "false_positives": alarms,
        "auc": round(sum(ranks) / max(1, len(ranks)), 4),
        "class": share(near(row, guess) for row, guess in classed),
        "technique": share(technique(1)), "technique_3": share(technique(3)),
        "severity": share(truth == guess for truth, guess in graded),
        "severity_f1": round(sum(f1) / max(1, len(f1)), 4),
    }


def adapter(model, args):
    """The adapter's tensors as PEFT names them."""
    tensors = {}
    for at, layer in enumerate(model.layers):
        for theirs, ours in MATRICES.items():
            one = getattr(layer, ours)
            if one.rank:
                name = f"base_model.model.model.layers.{at}.{theirs}"
                b = one.b.detach()
                if ours in ("attn_q", "attn_k") and args.rearranged:
                    b = apart(b, model.base.hidden // model.base.heads)
                tensors[f"{name}.lora_A.weight"] = one.a.detach().to(torch.bfloat16).contiguous()
                tensors[f"{name}.lora_B.weight"] = b.to(torch.bfloat16).contiguous()
    return tensors


def apart(rows, width):
    """Rows as PEFT has them: a rotary pair is one of each half of a head, not two neighbours."""
    return rows.view(-1, width // 2, 2, rows.shape[1]).transpose(1, 2).reshape(rows.shape)


def save(model, names, args, history):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    save_file(adapter(model, args), out / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": args.rank, "lora_alpha": args.alpha,
              "target_modules": [theirs.split(".")[1] for theirs, ours in MATRICES.items() if ours in args.targets.split(",")]}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    heads = {f"{name}.{part}": value.detach().contiguous() for name, head in model.heads.items() for part, value in head.named_parameters()}
    save_file(heads, out / "heads.safetensors", metadata={"techniques": ",".join(names), "classes": ",".join(CLASSES), "severities": ",".join(SEVERITIES)})
    (out / "history.json").write_text(json.dumps({"arguments": vars(args), "history": history}, indent=1) + "\n")


def checkpoint(model, optimiser, args, done):
    learnt = {name: value for name, value in model.named_parameters()}
    torch.save({"learnt": learnt, "optimiser": optimiser.state_dict(), "done": done}, Path(args.out) / "checkpoint.pt")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--hold", default="dev", help="dev, the number of a fold, or none")
    parser.add_argument("--start", help="begin with what another run has learnt, on a plan of its own")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--targets", default=",".join(MATRICES.values()))
    parser.add_argument("--upper", type=int, default=18, help="layers from the top that are tuned")
    parser.add_argument("--length", type=int, default=129)
    parser.add_argument("--auxiliary-length", type=int, default=48, help="tokens of a text about a rule")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--head-rate", type=float, default=3e-4)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=2048, help="tokens in a step")
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--real", type=int, default=1, help="times each labelled log line is read in an epoch")
    parser.add_argument("--weak", type=float, default=0.3)
    parser.add_argument("--auxiliary", type=float, default=0.5)
    parser.add_argument("--synthetic", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=75, help="stop, with a checkpoint, after so many")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--synthetic-rows", type=int, default=0, help="lines of our own generator in an epoch; 0: all")
    parser.add_argument("--auxiliary-rows", type=int, default=0, help="texts about rules in an epoch; 0: all")
    parser.add_argument("--most", type=int, default=0, help="rows to train on at most, drawn by the seed")
    parser.add_argument("--plain", action="store_true", help="do not compile the layers: slower by half, but starts at once")
    parser.add_argument("--full", action="store_true", help="full precision instead of bfloat16")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.rearranged = True
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train, held = read(args)
    counts = {}
    for row in train:
        for one in row["techniques"]:
            counts[one] = counts.get(one, 0) + 1
    names = sorted(one for one, count in counts.items() if count >= FEWEST)
    places = {name: at for at, name in enumerate(names)}
    rng = random.Random(args.seed)
    plan = []
    for epoch in range(math.ceil(args.epochs)):
        rows = []
        for kind, most, times in (("log", 0, args.real), ("lines", args.synthetic_rows, 1), ("texts", args.auxiliary_rows, 1)):
            some = [row for row in train if row["kind"].startswith(kind)] * times
            rng.shuffle(some)
            rows += some[: most or None]
        rng.shuffle(rows)
        share = min(1.0, args.epochs - epoch)
        rows = rows[: int(len(rows) * share)]
        if args.most:
            rows = rows[: args.most]
        plan += batches(rows, args.batch, rng)
    sides = balance(train, places, args)
    model = Classifier(Base(args.base), len(names), args, torch.float32 if args.full else torch.bfloat16).move(device)
    if not args.plain:
        # Once for all layers; batches differ in both measures.
        torch._dynamo.config.cache_size_limit = 64
        Layer.forward = torch.compile(Layer.forward, dynamic=True)
    heads = {id(value) for value in model.heads.parameters()}
    learnt = [value for value in model.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": [v for v in learnt if id(v) not in heads], "lr": args.rate},
         {"params": [v for v in learnt if id(v) in heads], "lr": args.head_rate}],
        weight_decay=args.decay, betas=(0.9, 0.98))
    rate = lambda step: min(1.0, (step + 1) / 50) * max(0.02, 0.5 * (1 + math.cos(math.pi * step / max(1, len(plan)))))
    done, history = 0, []
    saved = Path(args.out) / "checkpoint.pt"
    if args.start and not saved.exists():
        model.load_state_dict(torch.load(Path(args.start) / "checkpoint.pt")["learnt"], strict=False)
    if saved.exists():
        state = torch.load(saved)
        model.load_state_dict(state["learnt"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        done = state["done"]
        history = json.loads((Path(args.out) / "history.json").read_text())["history"]
        for group, value in zip(optimiser.param_groups, (args.rate, args.head_rate)):
            group["lr"] = group["initial_lr"] = value
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step + done))
    tokens = sum(len(row["tokens"]) for batch in plan for row in batch)
    print(f"{len(train)} rows to learn, {len(held)} held out, {len(names)} techniques, {len(plan)} steps, {tokens} tokens", flush=True)
    begun, read_tokens, running, last = time.time(), 0, {}, time.time()
    model.train()
    for step in range(done, len(plan)):
        batch = plan[step]
        out = model(*tensor(batch, device))
        loss, parts = loss_of(out, batch, places, sides, args)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimiser.step()
        schedule.step()
        read_tokens += sum(len(row["tokens"]) for row in batch)
        for name, (value, share) in parts.items():
            old = running.get(name, (0.0, 0.0))
            running[name] = (old[0] + value, old[1] + share)
        over = time.time() - begun > args.minutes * 60
        if step % 25 == 24 or step + 1 == len(plan) or over:
            means = {name: round(value / max(share, 1e-9), 4) for name, (value, share) in running.items()}
            history.append({"step": step + 1, "tokens": read_tokens, "loss": means})
            print(f"{step + 1}/{len(plan)} {read_tokens / (time.time() - begun):.0f} tokens/s {means}", flush=True)
            running = {}
        if time.time() - last > 600 or step + 1 == len(plan) or over:
            if held:
                found = figures(held, judge(model, held, device), names)
                history.append({"step": step + 1, "held": found})
                print(json.dumps(found), flush=True)
            save(model, names, args, history)
            checkpoint(model, optimiser, args, step + 1)
            last = time.time()
        if over:
            print("time is up: run the same command again to go on", flush=True)
            return
    if held:
        with open(Path(args.out) / "held.jsonl", "w") as out:
            for row, said in zip(held, judge(model, held, device)):
                out.write(json.dumps({"group": row["group"], "said": said}) + "\n")


if __name__ == "__main__":
    main()
