#!/usr/bin/env python3
"""What nobody trusted has signed silences nothing that is signed: unsigned filters and correlations beside signed rules, a signed file
that was changed or taken away, an older signed folder, and what `rules check` says of each. Also zones under which nothing crosses.
trusted_rules.py SPANWATCH"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from replayed_breach import Breach

DONE, FAILED, USAGE = 0, 1, 2
spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
FILTER = "title: Local exception\nfilter:\n  rules: any\n  selection: {event.kind: event}\n  condition: selection\n"
SILENCER = ("title: Silencer\nid: silencer\ngenerate: false\ncorrelation:\n  type: event_count\n  rules: [%s]\n  timespan: 1h\n"
            "  condition: {gte: 100000}\n")


def run(folder, *arguments, expected):
    done = subprocess.run([spanwatch, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == expected, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def replay(breach, *more, expected=DONE, inside="10.20.0.0/16", rules="rules"):
    return run(breach.folder, "replay", "--hashset", "agency.swset", "--trust", "owner.pub", "--record-key", "record.key", "--inside",
               inside, "--rules", rules, "--events", "events.jsonl", *more, "span.pcap", expected=expected)


def opened(breach):
    """The alerts that were opened, by their rules: whether all of these are muted."""
    alerts = {}
    for line in breach.events():
        event = json.loads(line)
        if event["event"]["dataset"] != "spanwatch.alert":
            continue
        rules = event["spanwatch"]["alert"]["rules"]
        alerts[event["spanwatch"]["alert"]["id"]] = all(rule.get("muted", False) for rule in rules)
    return alerts


def variant(breach, name):
    folder = breach.folder / name
    shutil.copytree(breach.folder / "rules", folder)
    return folder


def first_rule(folder):
    for line in (folder / "images.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("id: "):
            return line.removeprefix("id: ")
    raise AssertionError("no rule in images.yml")


def unsigned_additions(breach):
    replay(breach)
    before = opened(breach)
    assert len(before) >= 4 and not any(before.values()), before
    filtered = variant(breach, "filtered")
    (filtered / "local.yml").write_text(FILTER, encoding="utf-8")
    said = replay(breach, rules="filtered")
    assert "nobody trusted has signed" in said and "local.yml" in said, said
    after = opened(breach)
    assert after.keys() == before.keys(), f"an unsigned filter silenced {before.keys() - after.keys()}"
    assert all(after.values()), "what the filter keeps from the operator is not marked"
    silenced = variant(breach, "silenced")
    (silenced / "local.yml").write_text(SILENCER % first_rule(silenced), encoding="utf-8")
    replay(breach, rules="silenced")
    assert opened(breach).keys() == before.keys(), "an unsigned correlation silenced a signed rule"
    # The same filter, signed by the owner, is the owner's word.
    run(breach.folder, "rules", "sign", "--key", "owner.key", "filtered", expected=DONE)
    replay(breach, rules="filtered")
    assert not opened(breach), "a signed filter does not work"


def refused_folders(breach):
    changed = variant(breach, "changed")
    (changed / "images.yml").write_text((changed / "images.yml").read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert "'images.yml' was changed" in replay(breach, rules="changed", expected=FAILED)
    missing = variant(breach, "missing")
    (missing / "transfers.yml").unlink()
    assert "'transfers.yml' was signed and is not there" in replay(breach, rules="missing", expected=FAILED)
    older = variant(breach, "older")
    newer = variant(breach, "newer")
    said = run(breach.folder, "rules", "sign", "--key", "owner.key", "newer", expected=DONE)
    assert "serial" in said, said
    (breach.folder / "state").mkdir()
    replay(breach, "--state", "state", rules="newer")
    assert "serial" in replay(breach, "--state", "state", rules="older", expected=FAILED)
    run(breach.folder, "rules", "sign", "--key", "owner.key", "older", expected=DONE)
    replay(breach, "--state", "state", rules="older")
    # Fewer and unsigned rules are taken, and told: by the log, and by an alert of their own.
    (older / "rules.signed").unlink()
    (older / "archives.yml").unlink()
    said = replay(breach, "--state", "state", rules="older")
    assert "change=fewer" in said and "change=unsigned" in said, said
    titles = [json.loads(line)["rule"]["name"] for line in breach.events() if '"spanwatch.alert"' in line]
    assert any("rules in force are other than before" in title for title in titles), titles
    assert newer.exists()


def checks(breach):
    run(breach.folder, "rules", "check", "--trust", "owner.pub", "rules", expected=DONE)
    run(breach.folder, "keygen", "--out", "stranger", expected=DONE)
    said = run(breach.folder, "rules", "check", "--trust", "stranger.pub", "rules", expected=FAILED)
    assert "no key that --trust names has signed it" in said, said
    added = variant(breach, "added")
    (added / "local.yml").write_text(FILTER, encoding="utf-8")
    said = run(breach.folder, "rules", "check", "--trust", "owner.pub", "added", expected=FAILED)
    assert "local.yml" in said, said
    run(breach.folder, "rules", "check", "added", expected=DONE)
    (added / "rules.signed").unlink()
    run(breach.folder, "rules", "check", "--trust", "owner.pub", "added", expected=FAILED)
    said = run(breach.folder, "rules", "sign", "--key", "owner.key", "--serial", "7", "rules", expected=USAGE)
    assert "not higher" in said, said


def zones(breach):
    assert "crossed nothing" not in replay(breach)
    for inside, why in (("192.168.0.0/16", "both ends were outside"), ("0.0.0.0/0", "both ends were inside")):
        said = replay(breach, inside=inside)
        assert "Registered material was seen, but crossed nothing" in said and why in said, said


with tempfile.TemporaryDirectory(prefix="spanwatch-rules.") as name:
    the_breach = Breach(spanwatch, name)
    unsigned_additions(the_breach)
    refused_folders(the_breach)
    checks(the_breach)
    zones(the_breach)
print("PASSED")
