#!/usr/bin/env python3
"""Runs cases of the specification through `spanwatch replay` and compares severity, methods, rules and the exact items.

  cases.py make SPANWATCH MAKE_PICTURES FOLDER      the register and the set, once
  cases.py run SPANWATCH FOLDER NUMBER...           the cases
Of evasion (hex, base64 for URLs, slow pacing) these have a rule: encodings that no format of the carrier explains (images.yml, level
critical; X23), spreading over destinations or days (images.yml and records.yml, correlations over a week). Have none: a name that
belies the content, splitting over requests, carriers never used for files. Of E5, plate reader structure has a rule
(transfers.yml, medium; X02, X03, X15, X34, X35); a plate reader's file names are one when ten of them come together (X45b).
What the runs gave stays in FOLDER/runs/NUMBER, for the privacy test."""
import contextlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import breach_cases
import encoding_cases
import harmless_cases
import record_cases
import wire
from case import SEVERITIES
from world import World

CASES = {case.number: case for case in breach_cases.CASES + harmless_cases.CASES + record_cases.CASES + encoding_cases.CASES}


class Run:
    """One replay and what it said."""

    def __init__(self, world, case):
        self.world, self.case = world, case
        self.folder = world.folder / "runs" / case.number
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "state").mkdir(parents=True)
        self.command = [world.program, "replay", "--hashset", "agency.swset", "--trust", "owner.pub", "--record-key", "record.key",
                        "--inside", "10.20.0.0/16", "--rules", "rules", "--state", str(self.folder / "state"),
                        "--events", str(self.folder / "events.jsonl")]

    def replay(self):
        case = self.case
        with open(self.folder / "stderr.txt", "wb") as errors:
            if case.streamed:
                process = subprocess.Popen([*self.command, "-"], cwd=self.world.folder, stdin=subprocess.PIPE, stderr=errors)
                with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                    self.left = case.write(wire.Capture(pipe), self.world)
                status = process.wait()
            else:
                capture = self.folder / "span.pcap"
                with open(capture, "wb") as file:
                    self.left = case.write(wire.Capture(file), self.world)
                status = subprocess.run([*self.command, str(capture)], cwd=self.world.folder, stderr=errors, check=False).returncode
                capture.unlink()
        if status != 0:
            raise RuntimeError(f"replay ended with {status}: {(self.folder / 'stderr.txt').read_text(encoding='utf-8')[-500:]}")
        self.events = [json.loads(line) for line in (self.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]

    def of(self, dataset):
        return [event for event in self.events if event["event"]["dataset"] == "spanwatch." + dataset]

    def complete(self):
        return [event["spanwatch"] for event in self.of("sighting") if event["spanwatch"]["phase"] == "complete"]

    def alerts(self):
        """The last that was said of each alert."""
        return {event["spanwatch"]["alert"]["id"]: event["spanwatch"]["alert"] for event in self.of("alert")}.values()

    def items(self):
        """Every item of every flow; an event lists only some of a large sighting's."""
        with contextlib.closing(sqlite3.connect(self.folder / "state" / "state.db")) as state:
            return {item.hex() for (item,) in state.execute("SELECT DISTINCT item FROM flow_items")}

    def wrong_of_look_alikes(self, expected):
        """What left is named; besides, weak sightings by looks may name anything."""
        sightings = self.complete()
        found = [f"{len(expected - self.items())} of {len(expected)} items missed"] if not expected <= self.items() else []
        sure = {item for sighting in sightings if sighting["confidence"] == "sure" for item in sighting["items"]}
        if not sure <= expected:
            found.append(f"{len(sure - expected)} items are sure that did not leave")
        if not all(sighting["pictures"]["seen"] >= sighting["pictures"]["alike"] > 0 for sighting in sightings
                   if sighting["confidence"] == "weak"):
            found.append("a weak sighting does not tell the pictures that were seen")
        methods = {sighting["method"] for sighting in sightings}
        return found + ([f"methods {sorted(methods)}"] if not methods <= {"perceptual"} else [])

    def wrong(self, known):
        """What is not as the case demands, in words."""
        case, found = self.case, []
        severity = max((alert["severity"] for alert in self.alerts()), key=SEVERITIES.index, default=None)
        if severity != case.severity and (severity is None or severity != case.tolerated):
            found.append(f"severity {severity}, should be {case.severity}")
        expected = {known[name] for name in self.left}
        items = self.items()
        if case.look_alikes:
            return found + self.wrong_of_look_alikes(expected)
        if items != expected:
            found.append(f"{len(expected - items)} of {len(expected)} items missed, {len(items - expected)} too many")
        complete = self.complete()
        listed = {item for sighting in complete for item in sighting["items"]}
        if not listed <= expected:
            found.append(f"events list {len(listed - expected)} items that did not leave")
        if sum(sighting["item_count"] for sighting in complete) < len(expected):
            found.append("complete sightings count fewer items than left")
        if max((sighting["item_count"] for sighting in complete), default=0) <= 32 and listed != expected:
            found.append(f"complete sightings list {len(listed)} items")
        methods = {sighting["method"] for sighting in complete}
        if methods != set(case.methods):
            found.append(f"methods {sorted(methods)}, should be {sorted(case.methods)}")
        raised = {rule["id"] for alert in self.alerts() for rule in alert["rules"]}
        found += [f"rule not met: {name}" for name in case.rules if breach_cases.RULES[name] not in raised]
        codes = {event["spanwatch"]["anomaly"]["code"] for event in self.of("anomaly")}
        found += [f"anomaly not reported: {code}" for code in case.anomalies if code not in codes]
        return found


def run(program, folder, numbers):
    world = World(program, folder)
    known, failed = world.items(), 0
    for number in numbers:
        began = time.monotonic()
        result = Run(world, CASES[number])
        result.replay()
        wrong = result.wrong(known)
        failed += bool(wrong)
        expect = (result.case.severity or "none").upper()
        print(f"{'FAILED' if wrong else 'ok':6} {number}  {expect:13} {result.case.description} ({len(result.left)} items, "
              f"{time.monotonic() - began:.1f} s)", flush=True)
        for line in wrong:
            print(f"         {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        shutil.rmtree(sys.argv[4], ignore_errors=True)
        World(sys.argv[2], pathlib.Path(sys.argv[4]), sys.argv[3]).make()
    else:
        sys.exit(run(sys.argv[2], sys.argv[3], sys.argv[4:] or list(CASES)))
