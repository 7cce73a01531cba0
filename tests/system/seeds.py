#!/usr/bin/env python3
"""Whatever a fuzz target begins with, an inspector reads in its sandbox without a call that the sandbox refuses: a library that
opens something on first use (a time zone, a table of characters) would look like an intruder. Every seed goes by as a file, as the
body of an upload with the encoding that its target is named for, as the conversation or the capture that it is.
seeds.py SPANWATCH CORPUS"""
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cases"))
import wire  # noqa: E402

spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
corpus = pathlib.Path(sys.argv[2]).resolve()
ENCODINGS = {"gzip_layer": "gzip", "deflate_layer": "deflate", "brotli_layer": "br", "zstd_layer": "zstd", "xz_layer": "xz"}
FILES_AT_ONCE = 100


def run(*arguments, allowed=(0,)):
    done = subprocess.run([spanwatch, *map(str, arguments)], capture_output=True, check=False, timeout=240)
    errors = done.stderr.decode(errors="replace")
    assert done.returncode in allowed, f"{arguments[:2]}: {done.returncode}\n{errors[-2000:]}"
    refused = [line for line in errors.splitlines() if "The sandbox refused" in line]
    assert not refused, f"{arguments[0]}: {refused}\nof {arguments[-1]}"
    return errors


def make_set(folder):
    """One picture and some reads, so that pictures are decoded and records looked up."""
    rows = b"".join(b"\0" + random.Random(n).randbytes(3 * 96) for n in range(96))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    (folder / "pictures").mkdir()
    (folder / "pictures/one.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 96, 8, 2, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    (folder / "reads.csv").write_text("plate,state\n" + "".join(f"BCD{n},TX\n" for n in range(1000, 1200)))
    register = ["--register", folder / "R.db"]
    run("keygen", "--out", folder / "owner")
    run("register", "init", *register, "--owner", "Agency", "--record-key", folder / "record.key")
    run("register", "add", "images", *register, "--collection", "lanes", folder / "pictures")
    run("register", "add", "records", *register, "--collection", "reads", "--plate", "plate", "--support", "state", folder / "reads.csv")
    run("register", "build", *register, "--sign", folder / "owner.key", "--out", folder / "agency.swset")
    return ["--hashset", folder / "agency.swset", "--trust", folder / "owner.pub", "--record-key", folder / "record.key"]


def upload(capture, port, body, encoding):
    headers = f"Content-Encoding: {encoding}\r\n" if encoding else ""
    connection = wire.Connection(capture, (wire.INSIDE, port), (wire.SINK, 80))
    connection.exchange(f"POST /up HTTP/1.1\r\nHost: sink.example\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    connection.close()


def converse(capture, port, seed):
    """As tests/support/parser_fuzz.h reads it."""
    connection = wire.Connection(capture, (wire.INSIDE, port), (wire.SINK, 80))
    at = 0
    while at + 3 <= len(seed):
        control, length = seed[at], seed[at + 1] << 8 | seed[at + 2]
        data = seed[at + 3:at + 3 + length]
        at += 3 + (0 if control & 6 == 6 or control & 8 else len(data))
        if data and control & 14 == 0:
            (connection.response if control & 1 else connection.request)(data)
    connection.close()


def main():
    seeds = {target.name: sorted(path for path in target.rglob("*") if path.is_file()) for target in sorted(corpus.iterdir())}
    layers = {name for name in seeds if name.endswith("_layer")}
    assert len(layers) > 15 and all(seeds.values()), "the corpus is not there"
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        keys = make_set(folder)
        files = []
        (folder / "files").mkdir()
        written = open(folder / "exchanges.pcap", "wb")
        capture = wire.Capture(written)
        port = 20000
        for target, paths in seeds.items():
            for path in paths if target != "hashset" else []:  # a hash set is never inspected
                content = path.read_bytes()
                # A content target takes its first byte for how the rest is cut.
                for part, body in enumerate((content, content[1:])):
                    files.append(folder / "files" / f"{target}-{path.name[:60]}-{part}")
                    files[-1].write_bytes(body)
                    port += 1
                    upload(capture, port, body, ENCODINGS.get(target))
                port += 1
                converse(capture, port, content)
        written.close()
        for at in range(0, len(files), FILES_AT_ONCE):
            errors = run("inspect", *keys, *files[at:at + FILES_AT_ONCE], allowed=(0, 3))
            assert f"{len(files[at:at + FILES_AT_ONCE])} files inspected" in errors, errors[-500:]
        run("replay", *keys, "--inside", "10.20.0.0/16", folder / "exchanges.pcap")
        captures = [path for target in ("capture_file", "decoder", "tcp_reassembly") for path in seeds[target]]
        run("replay", *keys, "--inside", "any", *captures, allowed=(0, 1))
        print(f"PASSED: {len(files)} files, {port - 20000} conversations, {len(captures)} captures")


main()
