"""Who can receive syslog, each as a process of its own: the appliance, rsyslog and syslog-ng."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

PACKAGES = (
    "rsyslog rsyslog-gnutls rsyslog-relp librelp0 libgnutls30 libestr0 libfastjson4 syslog-ng-core "
    "libivykis0 libpcre3 libnet1 libwrap0 libglib2.0-0"
).split()
TRIPLE = f"{os.uname().machine}-linux-gnu"
TICKS = os.sysconf("SC_CLK_TCK")
BUFFER = 32 << 20
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
            files = {"CA": certificate, "Cert": certificate, "Key": key}
            tls = "".join(f' defaultNetstreamDriver{name}File="{path}"' for name, path in files.items())
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
