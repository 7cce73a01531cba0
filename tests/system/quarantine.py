#!/usr/bin/env python3
"""A registered file that goes everywhere: the first flows raise alerts of their own, then one alert stands for the rest, every
sighting is recorded, and another registered file in the same flood still raises its alert.
quarantine.py SPANWATCH"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
import captures  # pylint: disable=wrong-import-position

FLOWS, DESTINATIONS = 20, 10  # the limits
SENT = 60
RULE = "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d00f1"


def make_capture(path, everywhere, other):
    """One upload to each of SENT addresses; the last but one carries another registered file as well."""
    capture = captures.Capture(path)
    for number in range(SENT):
        captures.SERVER = (f"198.51.100.{1 + number}", 0x020000000007)
        connection = captures.Connection(capture, 20000 + number, 80)
        for name, body in [("a.jpg", everywhere)] + ([("b.jpg", other)] if number == SENT - 2 else []):
            head = f"PUT /{name} HTTP/1.1\r\nHost: files.example\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            connection.send(head + body)
            connection.answer(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        connection.close()
    capture.close()


def main():
    spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
    dice = random.Random(5)
    everywhere, other = (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + dice.randbytes(20_000) + b"\xff\xd9" for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)

        def run(*arguments):
            done = subprocess.run([spanwatch, *map(str, arguments)], cwd=work, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"{' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stderr}")
            return done.stdout

        (work / "pictures").mkdir()
        (work / "pictures/a.jpg").write_bytes(everywhere)
        (work / "pictures/b.jpg").write_bytes(other)
        (work / "state").mkdir()
        make_capture(work / "flood.pcap", everywhere, other)
        (work / "limits.yaml").write_text(f"quarantine: {{flows: {FLOWS}, destinations: {DESTINATIONS}}}\n")
        run("keygen", "--out", "owner")
        run("register", "init", "--register", "R.db", "--owner", "Agency")
        subprocess.run([spanwatch, "register", "add", "images", "--register", "R.db", "--collection", "lanes", "pictures"], cwd=work,
                       capture_output=True, check=False)  # random bytes are no picture, and are registered by their bytes
        run("register", "build", "--register", "R.db", "--sign", "owner.key", "--out", "a.swset")
        run("replay", "-q", "--config", "limits.yaml", "--hashset", "a.swset", "--trust", "owner.pub", "--inside", "10.20.0.0/16",
            "--state", "state", "--events", "events.jsonl", "flood.pcap")
        events = [json.loads(line) for line in (work / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        listed = [json.loads(line) for line in run("hashset", "quarantine", "list", "--state", "state", "--json").splitlines()]

    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "rules/event.schema.json").read_text(encoding="utf-8")))
    offenders = [f"{error.json_path}: {error.message[:200]}" for event in events for error in validator.iter_errors(event)]

    def expect(what, is_so):
        if not is_so:
            offenders.append(what)

    sightings = [event for event in events if event["event"]["dataset"] == "spanwatch.sighting"]
    opened = [event["spanwatch"]["alert"] for event in events
              if event["event"]["dataset"] == "spanwatch.alert" and event["spanwatch"]["alert"]["state"] == "opened"]
    # With a state that is kept the end of a capture closes no alert, but tells how it stands.
    latest = {event["spanwatch"]["alert"]["id"]: event["spanwatch"]["alert"] for event in events
              if event["event"]["dataset"] == "spanwatch.alert"}
    of_quarantine = [alert for alert in latest.values() if alert["rules"][0]["id"] == RULE]
    flows = {event["spanwatch"]["flow_id"] for event in sightings}
    held = [event for event in sightings if event["spanwatch"].get("quarantined_count") == len(event["spanwatch"]["items"])]
    expect(f"{len(flows)} flows with a sighting of {SENT}", len(flows) == SENT)
    expect(f"{len(opened)} alerts opened", len(opened) == FLOWS + 1 + 1 + 1)  # the first flows, the quarantine's, the other file's
    expect(f"{len(of_quarantine)} alerts of the quarantine", len(of_quarantine) == 1)
    expect("held sightings are recorded and marked", len({event["spanwatch"]["flow_id"] for event in held}) == SENT - FLOWS - 1)
    if of_quarantine:
        totals = of_quarantine[0]["totals"]
        expect(f"its totals: {totals}", totals["items"] == 1 and totals["destinations"] == SENT - FLOWS)
        expect("it is as severe as those it stands for", of_quarantine[0]["severity"] == "high")
    last = f"198.51.100.{SENT - 1}"
    expect("the other file raises its alert", any(event["event"]["dataset"] == "spanwatch.alert" and
                                                  event["destination"]["ip"] == last and
                                                  event["spanwatch"]["alert"]["rules"][0]["id"] != RULE for event in events))
    expect(f"the list: {listed}", len(listed) == 1 and listed[0]["method"] == "exact" and listed[0]["held_sightings"] > 0)
    for offender in offenders:
        print(offender)
    if offenders:
        sys.exit(1)
    print(f"PASSED: {len(sightings)} sightings, {len(opened)} alerts")


if __name__ == "__main__":
    main()
