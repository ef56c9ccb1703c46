"""Measures the appliance side by side with rsyslog and syslog-ng, in one run, turn by turn.

    python3 compare.py --vedette target/release/vedette [--state FOLDER] [--peers FOLDER] [--quick]
        [--only udp,tcp,tls,relp] [--receivers "vedette,vedette triage,rsyslog,syslog-ng"]
        [--sizes 200,500] [--rates 10000,100000] [--busy no,yes] [--seconds 10] [--rounds 1]
        [--kill N] [--kill-after 0.5] [--json FILE]

Needs Linux, Python 3.9, `openssl` for TLS, and for the peers `apt-get` and `dpkg-deb` of a Debian of
the age of bookworm: their packages are downloaded and unpacked, not installed, into FOLDER the first
time. Everything runs as the ordinary user, on free ports of this machine.

Every receiver is sent the same lines by the same sender (`vedette bench send`), at rates kept with
absolute deadlines; each peer parses, and writes its lines to a plain file. All get a receive buffer of
32 MiB for UDP, as far as the system grants it. CPU is user and system time of the receiver's process,
from before the first line until everything is stored; loopback's own work is the sender's. `busy` rows
stand for a saturated model worker: as many endless loops as there are cores, at the lowest priority
(nice 19).

With --kill, receivers are killed (SIGKILL) N times while lines come: over plain TCP at 20,000 a
second, where what the sender's kernel took and nobody stored is lost; and over RELP at 5,000, where a
loss is a line that was acknowledged and is not there afterwards. Each dies between --kill-after seconds
after its first line and three times as long; 0.1 makes hundreds of kills a matter of an hour.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from receivers import RECEIVERS, Receiver, Rsyslog, Vedette, VedetteTriage, cpu_seconds, peak_bytes, unpack

UDP_RATES = (10_000, 50_000, 100_000, 200_000)
RATES = {"udp": UDP_RATES, "tcp": (50_000,), "tls": (50_000,), "relp": (5_000,)}
QUICK_RATES = {**RATES, "udp": (10_000, 100_000)}
KILL_RATES = {"tcp": 20_000, "relp": 5_000}
# Longer than a receiver lives.
KILL_SECONDS = 6
# Kills after which a word is said of those so far.
TOLD_EVERY = 25


def sender(receiver: Receiver, *options) -> list:
    command = [receiver.given.vedette, "bench", "send", "--to", f"{receiver.way}:127.0.0.1:{receiver.port}"]
    trust = ["--ca", receiver.certificate()] if receiver.way == "tls" else []
    return [str(part) for part in [*command, *trust, *options]]


@contextlib.contextmanager
def busy(wanted: bool):
    """Every core taken by something that must give way to everybody."""
    code = "import os\nos.nice(19)\nwhile True: pass"
    loops = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(os.cpu_count() if wanted else 0)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(kind, case: dict, given) -> dict:
    """What one receiver makes of one load."""
    with tempfile.TemporaryDirectory(dir=given.state) as folder:
        receiver = kind(case["way"], pathlib.Path(folder), given)
        receiver.start()
        process, disk = receiver.process.pid, receiver.disk_bytes()
        with busy(case["busy"]):
            before = cpu_seconds(process)
            options = ["--rate", case["rate"], "--seconds", given.seconds, "--size", case["size"]]
            done = subprocess.run(sender(receiver, *options), stdout=subprocess.PIPE)
            sent = json.loads(done.stdout)
            stored = receiver.wait_stored(sent["lines"])
            cpu = cpu_seconds(process) - before
        row = {
            **case,
            "receiver": receiver.name,
            "sent": sent["lines"],
            "rate_reached": sent["rate"],
            "error": sent["error"],
            "stored": stored,
            "loss_percent": 100 * (sent["lines"] - stored) / sent["lines"],
            "cpu_us": cpu * 1e6 / max(stored, 1),
            "peak_bytes": peak_bytes(process),
        }
        if isinstance(receiver, Vedette):
            status = receiver.status()
            row["dropped"] = status["ingest"]["dropped"]
            row["unaccounted"] = sent["lines"] - stored - sum(row["dropped"].values())
            row["waiting"] = status["store"]["waiting"] if receiver.triage else 0
        receiver.stop()
        row["disk_bytes"] = (receiver.disk_bytes() - disk) / max(stored, 1)
        row["disk_by_raw"] = row["disk_bytes"] / case["size"]
    return row


def middle(rows: list) -> dict:
    """The row of median CPU, with the median loss."""
    rows = sorted(rows, key=lambda row: row["cpu_us"])
    loss = statistics.median(row["loss_percent"] for row in rows)
    return {**rows[(len(rows) - 1) // 2], "loss_percent": loss, "rounds": len(rows)}


def cases(given) -> list:
    usual = QUICK_RATES if given.quick else RATES
    return [
        {"size": size, "way": way, "rate": rate, "busy": busy == "yes"}
        for busy in given.busy
        for size in given.sizes
        for way in given.only
        for rate in given.rates or usual[way]
    ]


HEAD = (
    "| way | rate | size | busy | receiver | rate reached | loss % | CPU µs | by rsyslog's | peak MiB | disk bytes | by raw |\n"
    "|---|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|"
)


def line(row: dict, reference) -> str:
    """A row of the table; the ratio is to what rsyslog needed in the same case."""
    ratio = f"{row['cpu_us'] / reference['cpu_us']:.2f}" if reference and reference["cpu_us"] else ""
    note = f" ({row['waiting']} not judged in time)" if row.get("waiting") else ""
    cells = [
        row["way"],
        row["rate"],
        row["size"],
        "yes" if row["busy"] else "no",
        row["receiver"] + note,
        f"{row['rate_reached']:.0f}",
        f"{row['loss_percent']:.2f}",
        f"{row['cpu_us']:.2f}",
        ratio,
        f"{row['peak_bytes'] / 2**20:.0f}",
        f"{row['disk_bytes']:.0f}",
        f"{row['disk_by_raw']:.2f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def kill_once(kind, way: str, turn: int, given) -> dict:
    """One life that ends badly while lines come."""
    with tempfile.TemporaryDirectory(dir=given.state) as folder:
        receiver = kind(way, pathlib.Path(folder), given)
        receiver.start()
        options = ["--rate", KILL_RATES[way], "--seconds", KILL_SECONDS, "--size", 200, "--numbered"]
        sending = subprocess.Popen(sender(receiver, *options), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while sending.poll() is None and not receiver.stored():
            time.sleep(0.05)
        # At another moment of its work each time.
        time.sleep(given.kill_after * (1 + 2 * (turn * 37 % 100) / 100))
        if sending.poll() is not None:
            raise SystemExit(f"the sender ended before {receiver.name} was killed")
        receiver.kill()
        sent = json.loads(sending.communicate()[0])
        if isinstance(receiver, Vedette):
            # Whether it starts again is part of the answer.
            receiver.start()
            receiver.stop()
        there = receiver.numbers()
        acknowledged = set(range(sent["lines"])) - set(sent["unacknowledged"])
        told = sent["acknowledged"] if way == "relp" else sent["lines"]
        return {"told": told, "lost": len(acknowledged - there), "stored": len(there)}


def kills(given) -> list:
    results = []
    for way in ("tcp", "relp"):
        if way not in given.only:
            continue
        for kind in given.kinds:
            if way not in kind.ways or kind is VedetteTriage:
                continue
            lives = []
            for turn in range(given.kill):
                lives.append(kill_once(kind, way, turn, given))
                if len(lives) % TOLD_EVERY == 0:
                    lost = sum(life["lost"] for life in lives)
                    told = sum(life["told"] for life in lives)
                    print(f"{kind.name}, {way}: {len(lives)} kills, {lost} of {told} lost", file=sys.stderr, flush=True)
            lost = [life["lost"] for life in lives]
            results.append(
                {
                    "way": way,
                    "receiver": kind.name,
                    "kills": given.kill,
                    "told": sum(life["told"] for life in lives),
                    "lost": sum(lost),
                    "median_lost": statistics.median(lost),
                    "most_lost": max(lost),
                    "lives": lives,
                }
            )
            print(kill_line(results[-1]), flush=True)
    return results


KILL_HEAD = (
    "\n| way | receiver | kills | lines accepted or acknowledged | lost of them | median a kill | most |\n"
    "|---|---|---:|---:|---:|---:|---:|"
)


def kill_line(result: dict) -> str:
    keys = ("way", "receiver", "kills", "told", "lost", "median_lost", "most_lost")
    return "| " + " | ".join(str(result[key]) for key in keys) + " |"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vedette", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("target/tmp/peers"))
    parser.add_argument("--quick", action="store_true", help="three seconds each, the main cases only")
    parser.add_argument("--only", default="udp,tcp,tls,relp")
    parser.add_argument("--receivers", default="vedette,vedette triage,rsyslog,syslog-ng")
    parser.add_argument("--sizes", default=None)
    parser.add_argument("--rates", default="", help="lines a second, instead of the usual ones")
    parser.add_argument("--busy", default=None, help="no, yes or both: no,yes")
    parser.add_argument("--seconds", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=1, help="each case so often; the median counts")
    parser.add_argument("--kill", type=int, default=0, metavar="N", help="kill each so often, measure nothing else")
    parser.add_argument("--kill-after", type=float, default=0.5, metavar="SECONDS")
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    given.only = given.only.split(",")
    wanted = given.receivers.split(",")
    given.kinds = [kind for kind in RECEIVERS if kind.name.replace(", ", " ") in wanted]
    given.sizes = [int(size) for size in (given.sizes or ("200" if given.quick else "200,500")).split(",")]
    given.rates = [int(rate) for rate in given.rates.split(",") if rate]
    given.busy = (given.busy or ("no" if given.quick else "no,yes")).split(",")
    given.seconds = given.seconds or (3 if given.quick else 10)
    given.vedette = given.vedette.resolve()
    given.state = given.state.resolve()
    given.state.mkdir(parents=True, exist_ok=True)
    given.root = unpack(given.peers.resolve())
    return given


def main() -> None:
    given = arguments()
    report = {"rows": [], "kills": []}
    if given.kill:
        print(KILL_HEAD)
        report["kills"] = kills(given)
    else:
        print(HEAD)
        for case in cases(given):
            kinds = [kind for kind in given.kinds if case["way"] in kind.ways]
            rounds = [[measure(kind, case, given) for kind in kinds] for _ in range(given.rounds)]
            rows = [middle(list(turns)) for turns in zip(*rounds)]
            reference = next((row for row in rows if row["receiver"] == Rsyslog.name), None)
            for row in rows:
                print(line(row, reference), flush=True)
            report["rows"] += rows
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
