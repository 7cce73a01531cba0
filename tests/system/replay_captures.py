#!/usr/bin/env python3
"""Captures as people have them are replayed: pcapng whose interfaces differ, cut and damaged ones, link types that are not read:
replay_captures.py SPANWATCH"""
import gzip
import hashlib
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import wire_frames as wire  # noqa: E402

ETHERNET, RAW_IP, BLUETOOTH = 1, 101, 187
SECRET = b"\x00file" + random.Random(7).randbytes(30_000)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(frames, interfaces):
    """`frames`: (interface, bytes); `interfaces`: (link type, snap length)."""
    made = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    for link_type, snap_length in interfaces:
        made += block(1, struct.pack("<HHI", link_type, 0, snap_length))
    for at, (interface, data) in enumerate(frames):
        time = 1_560_000_000_000_000 + at * 100
        made += block(6, struct.pack("<IIIII", interface, time >> 32, time & 0xffffffff, len(data), len(data)) + data)
    return made + block(5, struct.pack("<III", 0, 0, 0) + struct.pack("<HHQHH", 5, 8, 17, 0, 0))


def upload():
    head = b"PUT /a.dat HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % len(SECRET)
    segments = wire.conversation(("10.20.0.9", 40000), ("198.51.100.7", 80), [(True, head + SECRET)], lambda: 1400, wire.Way())
    return [frame for segment in segments for frame in segment]


class Bench:
    def __init__(self, spanwatch, folder):
        self.spanwatch, self.folder = spanwatch, pathlib.Path(folder)
        self.keys = ["--hashset", self.folder / "a.swset", "--trust", self.folder / "owner.pub", "--record-key", self.folder / "record.key"]
        self.run("keygen", "--out", self.folder / "owner")
        register = ["--register", self.folder / "R.db"]
        self.run("register", "init", *register, "--owner", "A", "--record-key", self.folder / "record.key")
        digests = self.folder / "digests.txt"
        digests.write_text(hashlib.sha256(SECRET).hexdigest() + "\n")
        self.run("register", "import", *register, "--collection", "c", "--sha256", digests)
        self.run("register", "build", *register, "--sign", self.folder / "owner.key", "--out", self.folder / "a.swset")

    def run(self, *arguments):
        return subprocess.run([self.spanwatch, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=True)

    def replay(self, content, *options):
        """How often the file was found, the exit status, and what was said."""
        capture = self.folder / "capture"
        capture.write_bytes(content)
        result = subprocess.run([self.spanwatch, "replay", *map(str, self.keys), "--inside", "10.20.0.0/16", "--events", "-", *options, str(capture)],
                                capture_output=True, text=True, timeout=120)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        found = [e for e in events if e["event"]["dataset"] == "spanwatch.sighting" and e["spanwatch"]["method"] == "exact"]
        return len(found), result.returncode, result.stderr


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def main():
    with tempfile.TemporaryDirectory(prefix="spanwatch-replay.") as folder:
        bench = Bench(sys.argv[1], folder)
        frames = upload()
        mixed = [(at % 2, data[14:] if at % 2 else data) for at, data in enumerate(frames)]
        whole = pcapng(mixed, [(ETHERNET, 65535), (RAW_IP, 262144)])
        for content in (whole, gzip.compress(whole)):
            found, status, said = bench.replay(content)
            expect(found == 1 and status == 0, f"interfaces that differ: found {found}, exit status {status}: {said}")
            expect("frames=17" in said, f"what the capture says was missed is not told: {said}")

        alien = mixed + [(2, b"\x01" * 30)] * 5
        found, status, said = bench.replay(pcapng(alien, [(ETHERNET, 0), (RAW_IP, 0), (BLUETOOTH, 0)]))
        expect(found == 1 and status == 0, f"a link type that is not read: found {found}, exit status {status}: {said}")
        expect(said.count("link_type=187") == 1, f"a link type that is not read is told once by its number: {said}")

        cut = pcapng(mixed + [(0, frames[0])], [(ETHERNET, 0), (RAW_IP, 0)])
        classic = wire.pcap(frames + [frames[0]])
        damaged = whole[:-200] + b"\xff" * 8 + whole[-200:]
        for name, content in {"cut": cut[:-50], "cut pcap": classic[:-5], "cut gzip": gzip.compress(cut, mtime=0)[:-30],
                              "damaged": damaged}.items():
            for options in ([], ["--inspectors", "2"]):
                found, status, said = bench.replay(content, *options)
                errors = [line for line in said.splitlines() if " error " in line]
                expect(found == 1 and status == 1, f"{name}: found {found}, exit status {status}: {said}")
                expect(len(errors) == 1, f"{name} is told in one line: {said}")
    print("captures of every kind were replayed as they should be")


main()
