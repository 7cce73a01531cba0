#!/usr/bin/env python3
"""Thousands of transfers that begin and then stand still: the inspector stays within its memory, says so, and finds the registered
picture that is sent amid them.
open_transfers.py SPANWATCH WORLD"""
import gzip
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cases"))
import wire  # pylint: disable=wrong-import-position

TRANSFERS = 6000
LIMIT_MB = 64
# Without the limit it were 1,400 MB. Beside what is counted stand the flows themselves and the program.
MOST_RESIDENT_MB = 300


def make_capture(path, picture):
    dice = random.Random(3)
    begun = gzip.compress(" ".join(str(dice.random()) for _ in range(1000)).encode())
    with path.open("wb") as file:
        capture = wire.Capture(file)
        late = None
        for number in range(TRANSFERS):
            connection = wire.Connection(capture, (f"10.20.1.{number % 200}", 20000 + number // 200), (wire.SINK, 80))
            connection.request(wire.http("PUT", f"/{number}.gz", begun, "application/gzip")[:1600])
            if number == 1:
                late = connection
            if number == TRANSFERS // 2:
                capture.put(picture, "/frame.jpg")
        # A connection whose transfer was given up goes on.
        late.request(wire.http("PUT", "/late.jpg", picture, "image/jpeg"))


def main():
    spanwatch, world = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()
    picture = sorted((world / "lanes").rglob("*.jpg"))[7]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_capture(work / "open.pcap", picture.read_bytes())
        (work / "limits.yaml").write_text(f"content: {{memory_bytes: {LIMIT_MB << 20}}}\n")
        done = subprocess.run([spanwatch, "replay", "-q", "--config", "limits.yaml", "--hashset", str(world / "agency.swset"), "--trust",
                               str(world / "owner.pub"), "--record-key", str(world / "record.key"), "--inside", "10.20.0.0/16", "--events", "events.jsonl", "open.pcap"],
                              cwd=work, capture_output=True, text=True, check=False)
        resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        if done.returncode != 0:
            sys.exit(f"exit status {done.returncode}\n{done.stderr}")
        events = [json.loads(line) for line in (work / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    flows = {event["spanwatch"]["flow_id"] for event in events if event["event"]["dataset"] == "spanwatch.sighting"}
    anomalies = {event["spanwatch"]["anomaly"]["code"] for event in events if event["event"]["dataset"] == "spanwatch.anomaly"}
    print(f"{TRANSFERS} transfers stand still: {resident} MB resident, {len(flows)} of 2 uploads found, anomalies {sorted(anomalies)}")
    if resident > MOST_RESIDENT_MB or len(flows) != 2 or "content_memory_limit" not in anomalies:
        sys.exit(1)


if __name__ == "__main__":
    main()
