#!/usr/bin/env python3
"""Broken, hostile and too many senders against a built `vedette`, over real time; prints what was counted.

    python3 appliance/ingest/peer/faults.py target/debug/vedette [--seconds 60]

Starts `vedette serve` in a folder of its own and ends it again. Each case says what was sent, what the
appliance counted, and its resident memory; a case whose figures do not add up, or after which a new line is
not stored, is marked WRONG and the script ends with 1. Needs 12,000 file descriptors (ulimit -n).
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

CONNECTIONS = 5_000
CAP = 1_024
SLOW = 1_000
HALVES = 1_000
PATIENCE = 120  # seconds for anything that must come

CONFIG = """
[paths]
state = "{folder}/state"
[ingest]
max-frame-bytes = 65536
[ingest.udp]
listen = ["127.0.0.1:0"]
[ingest.tcp]
listen = ["127.0.0.1:0"]
max-connections = {cap}
max-connections-per-peer = {cap}
[ingest.tls]
listen = ["127.0.0.1:0"]
handshake-timeout-seconds = 10
[ingest.relp]
listen = ["127.0.0.1:0"]
[console]
listen = "127.0.0.1:0"
metrics-listen = "127.0.0.1:{metrics}"
[model]
enabled = false
"""


class Appliance:
    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.metrics_port = probe.getsockname()[1]
        self.config = folder / "vedette.toml"
        self.config.write_text(CONFIG.format(folder=folder, cap=CAP, metrics=self.metrics_port))
        self.program = program
        self.process = subprocess.Popen(
            [program, "serve", "--config", self.config], stderr=open(folder / "log", "wb")
        )
        self.until(lambda: self.status().get("running"), "the start")
        self.wrong = 0

    def status(self):
        asked = subprocess.run(
            [self.program, "status", "--json", "--config", self.config], capture_output=True
        )
        return json.loads(asked.stdout) if asked.returncode == 0 else {}

    def address(self, transport):
        listening = self.status()["ingest"]["listening"]
        return next(
            ("127.0.0.1", int(entry.rsplit(":", 1)[1]))
            for entry in listening
            if entry.startswith(transport + " ")
        )

    def metric(self, name, label):
        """A counter from the metrics page."""
        with socket.create_connection(("127.0.0.1", self.metrics_port)) as stream:
            stream.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            page = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
        rows = [row for row in page.splitlines() if row.startswith(name + "{") and f'"{label}"' in row]
        return int(float(rows[0].rsplit(" ", 1)[1])) if rows else 0

    def refused(self, reason):
        return self.metric("vedette_ingest_refused_connections_total", reason)

    def memory(self):
        """Resident MiB now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.2)
        print(f"  gave up waiting for {what}")
        return False

    def counts(self):
        ingest = self.status()["ingest"]
        return ingest["received"], ingest["stored"], sum(ingest["dropped"].values())

    def end_case(self, name, said, expected_lines, before):
        """A new line is served, and every account agrees."""
        address = self.address("tcp")

        def served():
            try:
                with socket.create_connection(address) as stream:
                    stream.sendall(b"<13>after " + name.encode() + b"\n")
                    stream.shutdown(socket.SHUT_WR)
                    stream.recv(1)
            except OSError:
                pass
            return self.counts()[1] > before[1] + expected_lines

        good = self.until(served, "a new line")
        settled = lambda: self.counts()[0] == sum(self.counts()[1:])
        good = self.until(settled, "the accounts") and good
        received, stored, dropped = self.counts()
        # New lines may be more than one where the first were refused.
        good = good and dropped == before[2] and stored - before[1] > expected_lines
        self.wrong += not good
        print(
            f"{name}: {said}; received {received - before[0]}, stored {stored - before[1]}, "
            f"dropped {dropped - before[2]}, {self.memory()} MiB{'' if good else '  WRONG'}",
            flush=True,
        )


def connections(box):
    before, refused = box.counts(), box.refused("too_many")
    address = box.address("tcp")
    streams = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    box.until(lambda: box.refused("too_many") - refused >= CONNECTIONS - CAP, "refusals")
    over = box.refused("too_many") - refused
    for stream in streams:
        try:
            stream.sendall(b"<13>one of many\n")
        except OSError:
            pass
    box.until(lambda: box.counts()[1] - before[1] >= CAP, "their lines")
    memory = box.memory()
    for stream in streams:
        stream.close()
    box.wrong += over != CONNECTIONS - CAP
    said = f"{CONNECTIONS} at once, cap {CAP}, refused {over}, {memory} MiB while held"
    box.end_case("connections", said, CAP, before)


def slow(box, seconds):
    before = box.counts()
    address = box.address("tcp")
    streams = [socket.create_connection(address) for _ in range(SLOW)]
    quick = 0
    rounds = max(seconds // 10, 2)
    for _ in range(rounds):
        for stream in streams:
            stream.sendall(b"x")
        with socket.create_connection(address) as other:
            other.sendall(b"<13>quick\n")
        quick += 1
        box.until(lambda: box.counts()[1] - before[1] >= quick, "the quick line")
        time.sleep(10)
    memory = box.memory()
    for stream in streams:
        stream.close()
    said = f"{SLOW} senders, a byte in 10 s, {rounds} times, {quick} quick ones between, {memory} MiB"
    box.end_case("slow", said, SLOW + quick, before)


def lengths(box):
    address = box.address("tcp")
    for name, start, mebibytes in [
        ("octet count of 10^18", b"1000000000000000000 <13>x", 0),
        ("octet count never met", b"9999999 <13>x", 1),
        ("no newline in 1 GiB", b"<13>", 1024),
    ]:
        before, peak = box.counts(), 0
        chunk = b"x" * (1 << 20)
        with socket.create_connection(address) as stream:
            stream.sendall(start)
            for _ in range(mebibytes):
                stream.sendall(chunk)
                peak = max(peak, box.memory())
        box.end_case(name, f"{mebibytes} MiB sent, at most {peak} MiB resident", 1, before)


def handshakes(box):
    before, refused = box.counts(), box.refused("tls_handshake")
    address = box.address("tls")
    half = bytes([0x16, 3, 1, 2, 0, 1, 0])
    streams = []
    for _ in range(HALVES):
        stream = socket.create_connection(address)
        stream.sendall(half)
        streams.append(stream)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(address)) as good:
        good.sendall(b"<13>over TLS\n")
    memory = box.memory()
    box.until(lambda: box.refused("tls_handshake") - refused >= HALVES, "the handshake limit")
    ended = box.refused("tls_handshake") - refused
    for stream in streams:
        stream.close()
    box.wrong += ended != HALVES
    box.end_case("half handshakes", f"{HALVES} begun, {ended} ended and counted, {memory} MiB", 1, before)


def relp(box):
    before, refused = box.counts(), box.refused("protocol")
    address = box.address("relp")
    garbage = [b"\0\1\2\n", b"1 syslog 999999999999 x", b"-1 syslog 3 abc\n", b"7" * 100_000]
    for _ in range(250):
        for bad in garbage:
            with socket.create_connection(address) as stream:
                try:
                    stream.sendall(bad)
                    stream.shutdown(socket.SHUT_WR)
                    while stream.recv(4096):
                        pass
                except OSError:
                    pass
    box.until(lambda: box.refused("protocol") - refused >= 1_000, "the refusals")
    ended = box.refused("protocol") - refused
    box.wrong += ended != 1_000
    lines = 20_000
    with socket.create_connection(address) as stream:
        # No answer is read until all is written: what the window does not take waits in the sender.
        pid = os.fork()
        if pid == 0:
            stream.sendall(b"1 open 14 relp_version=0\n")
            for number in range(lines):
                stream.sendall(b"%d syslog 7 <13>own\n" % (number + 2))
            os._exit(0)
        acknowledged, rest = 0, b""
        while acknowledged < lines + 1:
            rest += stream.recv(65536)
            acknowledged += rest.count(b"200 OK")
            rest = rest[-5:]
        os.waitpid(pid, 0)
    said = f"1000 sessions of garbage, {ended} ended and counted; {lines} lines, all acknowledged"
    box.end_case("relp", said, lines, before)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=60, help="how long slow senders go on")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        box = Appliance(os.path.abspath(arguments.program), pathlib.Path(folder))
        try:
            print(f"idle: {box.memory()} MiB")
            connections(box)
            slow(box, arguments.seconds)
            lengths(box)
            handshakes(box)
            relp(box)
        finally:
            box.process.send_signal(signal.SIGTERM)
            box.process.wait()
    sys.exit(1 if box.wrong else 0)


if __name__ == "__main__":
    main()
