#!/usr/bin/env python3
"""Measures `spanwatch replay` on four kinds of traffic, beside what reading them costs at least.

measure.py --build DIR [--megabytes N] [--check]: DIR holds spanwatch, make_pictures, bench_floor, bench_pictures_decode and
bench_allocations.
Prints a Markdown table. With --check small and quick, it fails when opaque bytes cost an allocation per packet.
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import captures

OPAQUE_ALLOCATIONS_MAX = 0.02  # of a small capture: tables still grow a little
PICTURES_PER_CAMERA = 50


class Cost:
    def __init__(self, wall, cpu, output):
        self.wall, self.cpu, self.output = wall, cpu, output


def timed(command):
    """Runs a command; the CPU time of everything it started counts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout)


def pictures(build, folder, megabytes, seed):
    """At least so many megabytes of pictures, no two alike; their contents."""
    made = []
    total = 0
    for camera in range(1000):
        into = folder / f"camera{camera}"
        subprocess.run([build / "tests/make_pictures", into, "--cameras", "1", "--frames", str(PICTURES_PER_CAMERA),
                        "--seed", str(seed + camera)], check=True, stdout=subprocess.DEVNULL)
        for path in sorted(into.glob("*/*.jpg")):
            made.append(path.read_bytes())
            total += len(made[-1])
            if total >= megabytes * 1_000_000:
                return made
    return made


def make_register(spanwatch, work):
    """The hash set that every case is matched with: the pictures to be recognised, and a thousand plate reads."""
    table = b"\n".join(next(captures.csv_bodies(1, seed=99)).split(b"\n")[:1001])
    (work / "reads.csv").write_bytes(table)
    for arguments in (["keygen", "--out", "owner"],
                      ["register", "init", "--register", "R.db", "--owner", "Agency", "--record-key", "record.key"],
                      ["register", "add", "images", "--register", "R.db", "--collection", "lanes", "registered"],
                      ["register", "add", "records", "--register", "R.db", "--collection", "reads", "--plate", "plate",
                       "--support", "state,timestamp,lane", "reads.csv"],
                      ["register", "build", "--register", "R.db", "--sign", "owner.key", "--out", "agency.swset"]):
        subprocess.run([spanwatch, *arguments], cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_captures(build, work, megabytes):
    registered = pictures(build, work / "registered", megabytes, 1000)
    strangers = pictures(build, work / "strangers", megabytes, 5000)
    captures.write_http(work / "registered.pcap", registered, "image/jpeg", "jpg")
    captures.write_http(work / "strangers.pcap", strangers, "image/jpeg", "jpg")
    captures.write_opaque(work / "opaque.pcap", megabytes)
    captures.write_http(work / "csv.pcap", captures.csv_bodies(megabytes), "text/csv", "csv")
    return [("JPEG, registered", "registered.pcap"), ("JPEG, not registered", "strangers.pcap"),
            ("opaque bytes", "opaque.pcap"), ("CSV of plate reads", "csv.pcap")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    tools = build / "tests/bench"
    with tempfile.TemporaryDirectory(prefix="spanwatch-bench.") as name:
        work = pathlib.Path(name)
        print(f"{options.megabytes} MB a case; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
        cases = make_captures(build, work, options.megabytes)
        make_register(build / "spanwatch", work)
        trust = ["--hashset", work / "agency.swset", "--trust", work / "owner.pub", "--record-key", work / "record.key"]
        print("| traffic | replay Gbit/s wall | Gbit/s per CPU | CPU: libpcap loop = 1 | SHA-256 = 1 | tcpflow = 1 | "
              "allocations per packet |\n|---|---|---|---|---|---|---|")
        failed = False
        decode_rate = []
        for title, file in cases:
            capture = work / file
            capture.read_bytes()  # into the page cache
            replay = timed([build / "spanwatch", "replay", *trust, "--inside", "10.20.0.0/16", "-q", "--events", work / "events.jsonl",
                            capture])
            loop = timed([tools / "bench_floor", "loop", capture])
            digest = timed([tools / "bench_floor", "sha256", capture])
            tcpflow = timed(["tcpflow", "-q", "-r", capture, "-o", work / f"{file}.flows"])
            counted = timed([tools / "bench_allocations", capture, work / "agency.swset", work / "owner.pub", work / "record.key"])
            payload_bits = int(digest.output.split()[1]) * 8
            per_packet = float(counted.output.split()[2])
            print(f"| {title} | {payload_bits / replay.wall / 1e9:.2f} | {payload_bits / replay.cpu / 1e9:.2f} | "
                  f"{replay.cpu / max(loop.cpu, 1e-3):.1f} | {replay.cpu / max(digest.cpu, 1e-3):.2f} | "
                  f"{replay.cpu / max(tcpflow.cpu, 1e-3):.2f} | {per_packet:.4f} |", flush=True)
            if title == "JPEG, not registered":
                files = sorted((work / "strangers").glob("*/*/*.jpg"))
                decoded = timed([tools / "bench_pictures_decode", *files]).output.split()
                decode_rate = [float(decoded[0]) / float(decoded[1]), float(decoded[0]) / replay.cpu]
            failed |= options.check and title == "opaque bytes" and per_packet > OPAQUE_ALLOCATIONS_MAX
        print(f"\nJPEG, not registered: libjpeg-turbo alone, grey at 1/8, every byte: {decode_rate[0] / 1e6:.0f} MB/s; the whole replay "
              f"{decode_rate[1] / 1e6:.0f} MB/s = {decode_rate[1] / decode_rate[0]:.2f} of it")
        if failed:
            sys.exit(f"opaque bytes cost more than {OPAQUE_ALLOCATIONS_MAX} allocations a packet")


if __name__ == "__main__":
    main()
