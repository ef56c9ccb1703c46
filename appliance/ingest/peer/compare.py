"""Measures the appliance side by side with rsyslog and syslog-ng, in one run, turn by turn.

    python3 compare.py --vedette target/release/vedette [--state FOLDER] [--peers FOLDER] [--quick]
        [--only udp,tcp,tls,relp] [--receivers "vedette,vedette triage,rsyslog,syslog-ng"]
        [--sizes 200,500] [--rates 10000,100000] [--busy no,yes] [--seconds 10] [--rounds 1]
        [--kill N] [--json FILE]

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
loss is a line that was acknowledged and is not there afterwards.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PACKAGES = (
    "rsyslog rsyslog-gnutls rsyslog-relp librelp0 libgnutls30 libestr0 libfastjson4 syslog-ng-core "
    "libivykis0 libpcre3 libnet1 libwrap0 libglib2.0-0"
).split()
TRIPLE = f"{os.uname().machine}-linux-gnu"
TICKS = os.sysconf("SC_CLK_TCK")
BUFFER = 32 << 20
UDP_RATES = (10_000, 50_000, 100_000, 200_000)
RATES = {"udp": UDP_RATES, "tcp": (50_000,), "tls": (50_000,), "relp": (5_000,)}
QUICK_RATES = {"udp": (10_000, 100_000), "tcp": (50_000,), "tls": (50_000,), "relp": (5_000,)}
KILL_RATES = {"tcp": 20_000, "relp": 5_000}
# Longer than a receiver lives.
KILL_SECONDS = 6
START_SECONDS = 60
# Nothing new for so long: all is stored that will be.
QUIET_SECONDS = 2.0
JUDGING_SECONDS = 120
# The sender's lines are numbered at their ends.
NUMBER = re.compile(rb" no=(\d{10})$", re.MULTILINE)


def unpack(base: pathlib.Path) -> pathlib.Path:
    """The peers' files, downloaded the first time."""
    root, complete, packages = base / "root", base / "complete", base / "packages"
    if complete.exists() and complete.read_text() == " ".join(PACKAGES):
        return root
    packages.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "-q", "download", *PACKAGES], cwd=packages, check=True)
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    complete.write_text(" ".join(PACKAGES))
    return root


def free_port(way: str) -> int:
    kind = socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(way: str, port: int) -> bool:
    """Whether somebody holds the port (proc(5), /proc/net/tcp; state 0A is LISTEN)."""
    table = pathlib.Path("/proc/net", "udp" if way == "udp" else "tcp").read_text()
    rows = [row.split() for row in table.splitlines()[1:]]
    wanted = f":{port:04X}"
    return any(row[1].endswith(wanted) and (way == "udp" or row[3] == "0A") for row in rows)


def cpu_seconds(process: int) -> float:
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_bytes(process: int) -> int:
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def bytes_in(folder: pathlib.Path) -> int:
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(min(stat.st_size, stat.st_blocks * 512) for stat in stats)


class Receiver:
    """A process that takes lines of one transport into a folder of its own."""

    name = ""
    ways = ("udp", "tcp", "tls", "relp")

    def __init__(self, way: str, folder: pathlib.Path, given):
        self.way, self.folder, self.given = way, folder, given
        self.port = free_port(way)
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        command, environment = self.command()
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        deadline = time.monotonic() + START_SECONDS
        while not (listens(self.way, self.port) and self.ready()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def ready(self) -> bool:
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_stored(self, sent: int) -> int:
        """Lines stored, once all are or nothing more comes."""
        last, since = -1, time.monotonic()
        while last < sent and time.monotonic() - since < QUIET_SECONDS:
            stored = self.stored()
            if stored != last:
                last, since = stored, time.monotonic()
            time.sleep(0.2)
        return last

    def certificate(self) -> pathlib.Path:
        """A certificate of its own, made the first time."""
        path, key = self.folder / "certificate.pem", self.folder / "key.pem"
        if not path.exists():
            subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
            kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
            subprocess.run(["openssl", *kind, "-keyout", key, "-out", path, *subject], check=True, stderr=subprocess.DEVNULL)
        return path

    # What a peer does, who writes lines to a file.

    def stored(self) -> int:
        path = self.folder / "out"
        if not path.exists():
            return 0
        with open(path, "rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))

    def disk_bytes(self) -> int:
        path = self.folder / "out"
        return path.stat().st_size if path.exists() else 0

    def numbers(self) -> set:
        """Numbers of the lines stored."""
        path = self.folder / "out"
        return {int(found) for found in NUMBER.findall(path.read_bytes())} if path.exists() else set()

    def peer_environment(self) -> dict:
        root = self.given.root
        folders = [root / top / TRIPLE for top in ("usr/lib", "lib")] + [root / "usr/lib/syslog-ng"]
        return dict(
            os.environ,
            LD_LIBRARY_PATH=":".join(map(str, folders)),
            RSYSLOG_MODDIR=str(root / "usr/lib" / TRIPLE / "rsyslog"),
        )


class Vedette(Receiver):
    """Lines stored, none judged."""

    name, triage = "vedette", False

    def command(self):
        text = f'[paths]\nstate = "{self.folder}/state"\n[console]\nlisten = "127.0.0.1:0"\n[model]\nenabled = false\n'
        for way in self.ways:
            listen = f'"127.0.0.1:{self.port}"' if way == self.way else ""
            text += f"[ingest.{way}]\nlisten = [{listen}]\n"
            if way == "udp":
                text += f"receive-buffer-bytes = {BUFFER}\n"
        (self.folder / "vedette.toml").write_text(text)
        only = [] if self.triage else ["--no-triage"]
        return [self.given.vedette, "serve", *only, "--config", self.folder / "vedette.toml"], None

    def status(self) -> dict:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.folder / "state/control.sock"))
            control.sendall(b'{"request":"status"}\n')
            return json.loads(control.makefile().readline())["status"]

    def ready(self) -> bool:
        try:
            return self.status()["running"]
        except OSError:
            return False

    def stored(self) -> int:
        return self.status()["store"]["events"]

    def wait_stored(self, sent: int) -> int:
        stored = super().wait_stored(sent)
        deadline = time.monotonic() + JUDGING_SECONDS
        while self.triage and self.status()["store"]["waiting"] and time.monotonic() < deadline:
            time.sleep(0.5)
        return stored

    def certificate(self) -> pathlib.Path:
        return self.folder / "state/identity/console.pem"

    def disk_bytes(self) -> int:
        return bytes_in(self.folder / "state")

    def numbers(self) -> set:
        command = [self.given.vedette, "events", "export", "--format", "raw", "--config", self.folder / "vedette.toml"]
        raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        return {int(found) for found in NUMBER.findall(raw)}


class VedetteTriage(Vedette):
    """Lines stored and judged by screen, rules and correlation."""

    name, triage = "vedette, triage", True


class Rsyslog(Receiver):
    name = "rsyslog"

    def command(self):
        options, tls = f'address="127.0.0.1" port="{self.port}" ruleset="in"', ""
        module = {"udp": "imudp", "relp": "imrelp"}.get(self.way, "imtcp")
        load = f'module(load="{module}"'
        if self.way == "udp":
            options += f' rcvbufSize="{BUFFER}"'
        if self.way == "tls":
            certificate, key = self.certificate(), self.folder / "key.pem"
            tls = f' defaultNetstreamDriverCAFile="{certificate}" defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"'
            load += ' StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
        text = (
            f'global(workDirectory="{self.folder}"{tls})\n{load})\n'
            'template(name="raw" type="string" string="%rawmsg%\\n")\n'
            f'input(type="{module}" {options})\n'
            f'ruleset(name="in") {{ action(type="omfile" file="{self.folder}/out" template="raw") }}\n'
        )
        (self.folder / "rsyslog.conf").write_text(text)
        arguments = ["-n", "-f", self.folder / "rsyslog.conf", "-i", self.folder / "pid"]
        return [self.given.root / "usr/sbin/rsyslogd", *arguments], self.peer_environment()


class SyslogNg(Receiver):
    name = "syslog-ng"
    ways = ("udp", "tcp", "tls")

    def command(self):
        options = f'ip("127.0.0.1") port({self.port}) transport("{self.way}")'
        if self.way == "udp":
            options += f" so-rcvbuf({BUFFER})"
        if self.way == "tls":
            certificate, key = self.certificate(), self.folder / "key.pem"
            options += f' tls(key-file("{key}") cert-file("{certificate}") peer-verify(optional-untrusted))'
        text = (
            "@version: 3.38\noptions { use-dns(no); keep-hostname(yes); };\n"
            f"source in {{ network({options}); }};\n"
            f'destination out {{ file("{self.folder}/out" template("<$PRI>$DATE $HOST $MSGHDR$MSG\\n")); }};\n'
            "log { source(in); destination(out); };\n"
        )
        (self.folder / "syslog-ng.conf").write_text(text)
        root = self.given.root
        files = {"cfgfile": "syslog-ng.conf", "persist-file": "persist", "pidfile": "pid", "control": "control"}
        arguments = [f"--{option}={self.folder / name}" for option, name in files.items()]
        arguments += ["--foreground", "--no-caps", f"--module-path={root / 'usr/lib/syslog-ng/3.38'}"]
        return [root / "usr/sbin/syslog-ng", *arguments], self.peer_environment()


RECEIVERS = (Vedette, VedetteTriage, Rsyslog, SyslogNg)


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
        # At another moment of its work each time: half a second and some odd hundredths.
        time.sleep(0.5 + turn * 37 % 100 / 100)
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
            lives = [kill_once(kind, way, turn, given) for turn in range(given.kill)]
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
