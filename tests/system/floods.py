#!/usr/bin/env python3
"""Two hundred thousand short conversations that nobody answers, of every kind: the sensor stays within its memory, names the flood,
tells its transfers together, and finds the registered picture that is sent amid it, in whole and in the flood's own datagrams.
floods.py SPANWATCH"""
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

import jsonschema

import flood_captures

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONVERSATIONS = 200_000
# Without limits 1,350 MB. What is counted: the conversations kept of floods, and those of before a flood was known.
MOST_RESIDENT_MB = 250
MOST_EVENTS = 12_500  # flow.flood_anywhere_count and what more there is to tell
ANOMALIES = {"spoofed_udp": "flood_to", "spoofed_both": "flood_anywhere", "first_fragments": "flood_fragments", "syns": "flood_to",
             "scan": "flood_from", "udp_scan": "flood_from"}


class World:
    def __init__(self, spanwatch, work):
        self.spanwatch, self.work = spanwatch, work
        self.validator = jsonschema.Draft202012Validator(json.loads((ROOT / "rules/event.schema.json").read_text(encoding="utf-8")))
        self.picture = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + random.Random(5).randbytes(30_000) + b"\xff\xd9"
        (work / "picture.jpg").write_bytes(self.picture)
        self.run("keygen", "--out", "owner")
        self.run("register", "init", "--register", "R.db", "--owner", "Agency")
        subprocess.run([spanwatch, "register", "add", "images", "--register", "R.db", "--collection", "lanes", "picture.jpg"], cwd=work,
                       capture_output=True, check=False)  # random bytes are no picture, and are registered by their bytes
        self.run("register", "build", "--register", "R.db", "--sign", "owner.key", "--out", "a.swset")

    def run(self, *arguments):
        done = subprocess.run([self.spanwatch, *arguments], cwd=self.work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}: exit status {done.returncode}\n{done.stderr}")

    def replay(self, kind):
        flood_captures.write(self.work / "flood.pcap", kind, CONVERSATIONS, self.picture)
        (self.work / "events.jsonl").unlink(missing_ok=True)
        self.run("replay", "-q", "--hashset", "a.swset", "--trust", "owner.pub", "--inside", "10.20.0.0/16", "--events", "events.jsonl",
                 "flood.pcap")
        return [json.loads(line) for line in (self.work / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def complaints(world, kind):
    events = world.replay(kind)
    resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    of = {name: [event for event in events if event["event"]["dataset"] == f"spanwatch.{name}"]
          for name in ("sighting", "transfer", "anomaly", "alert")}
    sums = [event["spanwatch"]["flood"] for event in of["transfer"] if "flood" in event["spanwatch"]]
    together = sum(flood["conversations"] for flood in sums)
    codes = {event["spanwatch"]["anomaly"]["code"] for event in of["anomaly"]}
    print(f"{kind}: {resident} MB resident, {len(events)} events, {together} transfers in {len(sums)}, anomalies {sorted(codes)}")
    if resident > MOST_RESIDENT_MB:
        yield f"{resident} MB resident"
    if len(events) > MOST_EVENTS:
        yield f"{len(events)} events"
    if ANOMALIES[kind] not in codes:
        yield f"no {ANOMALIES[kind]}"
    if not any(event["file"].get("name") == "frame.jpg" and event["spanwatch"]["method"] == "exact" for event in of["sighting"]):
        yield "the picture was not found"
    if not any(event["spanwatch"]["alert"]["state"] == "opened" for event in of["alert"]):
        yield "no alert was opened"
    if kind not in ("syns", "scan") and len(of["transfer"]) - len(sums) + together < CONVERSATIONS:
        yield f"{len(of['transfer']) - len(sums) + together} transfers are told"
    told = of["anomaly"] + [event for event in of["transfer"] if "flood" in event["spanwatch"]]
    yield from (f"{error.json_path}: {error.message[:200]}" for event in told for error in world.validator.iter_errors(event))


def in_its_own_datagrams(world):
    """The picture goes out in the flood itself: each piece in a datagram of a port of its own, among those of nothing."""
    pieces = [world.picture[at:at + 1400] for at in range(0, len(world.picture), 1400)]

    def piece_or_nothing(dice, number):
        payload = pieces[number // 200 % len(pieces)] if number % 200 == 0 and number > 20_000 else dice.randbytes(64)
        return flood_captures.packet(flood_captures.SCANNER, flood_captures.VICTIM, flood_captures.UDP,
                                     flood_captures.udp((1024 + number, 9), payload))

    flood_captures.KINDS["pieces"] = piece_or_nothing
    flood_captures.write(world.work / "flood.pcap", "pieces", 40_000, b"nothing")
    (world.work / "events.jsonl").unlink()
    world.run("replay", "-q", "--hashset", "a.swset", "--trust", "owner.pub", "--inside", "10.20.0.0/16", "--events", "events.jsonl",
              "flood.pcap")
    events = [json.loads(line) for line in (world.work / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    flows = {event["spanwatch"]["flow_id"] for event in events if event["event"]["dataset"] == "spanwatch.sighting"}
    transfers = {event["spanwatch"]["flow_id"] for event in events if event["event"]["dataset"] == "spanwatch.transfer"}
    print(f"pieces in the flood's own datagrams: {len(flows)} conversations with a sighting")
    if len(flows) < len(pieces):
        yield f"sightings in {len(flows)} conversations, {len(pieces)} pieces were sent"
    if not flows <= transfers:
        yield "a transfer with a sighting was told together with others"


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(folder))
        found = [f"{kind}: {complaint}" for kind in ANOMALIES for complaint in complaints(world, kind)]
        found += in_its_own_datagrams(world)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
