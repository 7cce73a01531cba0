#!/usr/bin/env python3
"""Half of the larger packets of a transfer lost at random: the file is still found by fragment. captures_fragments.py SPANWATCH"""
import collections
import concurrent.futures
import hashlib
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import shared_captures as shared

SMALLEST_FILE = 100_000
LARGE_PACKET = 1000
SEEDS = 20
LEAST_CONTENT = 0.01  # of a file's size, compressed


def whole_files(row_by_capture, folder):
    """Files of the truth that tshark or tcpflow extracts byte for byte, as {digest: path}."""
    found = {}
    for number, (capture, rows) in enumerate(sorted(row_by_capture.items())):
        out = folder / f"export{number}"
        subprocess.run(["tshark", "-q", "-r", shared.CAPTURES / capture, "--export-objects", f"http,{out}"],
                       capture_output=True, timeout=120, check=False)
        out.mkdir(exist_ok=True)
        if shutil.which("tcpflow"):
            subprocess.run(["tcpflow", "-q", "-a", "-o", out / "tcpflow", "-r", as_pcap(capture, folder)], capture_output=True,
                           timeout=120, check=False)
        wanted = {row["sha256"] for row in rows}
        for path in sorted(path for path in out.rglob("*") if path.is_file()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest in wanted and is_carried_plainly(path.read_bytes(), as_pcap(capture, folder)):
                found[digest] = path
    return found


def as_pcap(capture, folder):
    """The capture as a plain pcap file, whatever it was."""
    plain = folder / (hashlib.sha256(capture.encode()).hexdigest()[:16] + ".pcap")
    if plain.exists():
        return plain
    subprocess.run(["tshark", "-r", shared.CAPTURES / capture, "-F", "pcap", "-w", plain], capture_output=True, timeout=120,
                   check=True)
    return plain


def is_carried_plainly(content, plain):
    """Whether runs of the content stand in the packets as they are: no content coding lies on them."""
    packets = plain.read_bytes()
    runs = [content[at:at + 32] for at in range(0, len(content) - 32, len(content) // 50)]
    return sum(run in packets for run in runs) > len(runs) // 2


def with_losses(plain, seed):
    """The bytes of the pcap file without half of its packets of LARGE_PACKET bytes and more."""
    data = plain.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    generator = random.Random(seed)
    kept = [data[:24]]
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        if length < LARGE_PACKET or generator.random() < 0.5:
            kept.append(data[at:at + 16 + length])
        at += 16 + length
    return b"".join(kept)


def missed(register, job, digest_of):
    """The digests that one lossy replay did not find."""
    plain, seed, wanted, folder = job
    lossy = folder / f"{plain.stem}-{seed}.pcap"
    lossy.write_bytes(with_losses(plain, seed))
    found = shared.sightings(register.replay("--inside", "any", lossy))
    lossy.unlink()
    named = {digest_of[item] for event in found for item in event["spanwatch"]["items"]
             if event["spanwatch"]["method"] in ("fragment", "exact")}
    return wanted - named


def main():
    shared.need_captures()
    if shutil.which("tshark") is None:
        print("SKIPPED: tshark is not installed")
        sys.exit(shared.SKIPPED)
    row_by_capture = collections.defaultdict(list)
    for row in shared.rows("truth.jsonl"):
        coded = any(condition.startswith("ce-") for condition in row["conditions"])
        if (row["protocol"] == "http1" and shared.only_plain_links(row["encap"]) and row["grade"] == "confirmed" and not coded and
                row["complete"] and row["size"] >= SMALLEST_FILE):
            row_by_capture[row["capture"]].append(row)
    with tempfile.TemporaryDirectory(prefix="spanwatch-fragments.") as name:
        folder = pathlib.Path(name)
        files = whole_files(row_by_capture, folder)
        pictures = folder / "files"
        pictures.mkdir()
        left_out = set()
        for digest, path in list(files.items()):
            content = path.read_bytes()
            if len(zlib.compress(content)) < len(content) * LEAST_CONTENT:
                print(f"left out, nearly all zeros, which no fragment tells from other zeros: {path.name}, {len(content)} bytes")
                del files[digest]
                left_out.add(digest)
                continue
            shutil.copy(path, pictures / digest)
        register = shared.Register(sys.argv[1], folder)
        register.add_files(pictures)
        register.build()
        digest_of = register.digest_of_item()
        jobs = []
        for capture, rows in sorted(row_by_capture.items()):
            wanted = {row["sha256"] for row in rows} & set(files)
            if wanted:
                plain = as_pcap(capture, folder)
                jobs += [(plain, seed, wanted, folder) for seed in range(SEEDS)]
        with concurrent.futures.ThreadPoolExecutor(shared.in_worker_pool()) as pool:
            results = list(pool.map(lambda job: missed(register, job, digest_of), jobs))
    lost = collections.Counter(digest for result in results for digest in result)
    every = {row["sha256"]: (capture, row["size"]) for capture, rows in row_by_capture.items() for row in rows}
    for digest in every.keys() - files.keys() - left_out:
        print(f"not extracted whole and uncoded by tshark or tcpflow: {every[digest]}")
    for digest, times in lost.items():
        print(f"{every[digest]}: missed with {times} of {SEEDS} seeds")
    print(f"{len(files)} files, {len(jobs)} lossy replays")
    if lost or not files:
        sys.exit("FAILED: not every file was found by its fragments")


main()
