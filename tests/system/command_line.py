#!/usr/bin/env python3
"""The command line: wrong words are named in one line with the nearest right one; a replay begins a new file of events; an interrupted
command says what it did and keeps; what does not exist is no empty answer; `config check` names every problem, a line each.
command_line.py SPANWATCH"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from replayed_breach import Breach

DONE, FAILED, USAGE = 0, 1, 2
spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
REPLAY = ["replay", "--hashset", "agency.swset", "--trust", "owner.pub", "--record-key", "record.key", "--inside", "10.20.0.0/16"]
MANY = 600


def run(folder, *arguments, expected):
    done = subprocess.run([spanwatch, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == expected, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def wrong_words(folder):
    for arguments, words in (
            (["replya"], ["replya", "'replay'"]),
            (["register", "ad", "images"], ["'ad'", "'add'"]),
            (["register", "add", "imgaes"], ["imgaes", "'images'"]),
            (["rules", "chek"], ["chek", "'check'"]),
            (["register"], ["a command is missing", "build"]),
            ([], ["a command is missing", "replay"]),
            (["replay", "--inspctors", "2", "x.pcap"], ["--inspctors", "'--inspectors'"]),
            (["replay", "--event=x", "x.pcap"], ["'--event'", "'--events'"]),
            (["register", "list", "--registr", "R.db"], ["--registr", "'--register'"]),
            (["register", "build", "--register", "R.db", "--key", "owner.key", "--out", "a"], ["'--key'"]),
            (["version", "more"], ["more"]),
            (["replay", "--inspectors", "many", "x.pcap"], ["many"]),
            (["replay", "--append", "x.pcap"], ["--events"]),
            (["hashset", "info", "--trust"], ["--trust"])):
        output, errors = run(folder, *arguments, expected=USAGE)
        assert errors.count("\n") == 1 and errors.startswith("spanwatch: ") and output == "", f"{arguments}: {errors}"
        for word in words:
            assert word in errors, f"{arguments}: no {word} in {errors}"


def new_file_of_events(folder):
    events = folder / "events.jsonl"
    run(folder, *REPLAY, "--events", events, "span.pcap", expected=DONE)
    first = events.read_text(encoding="utf-8").splitlines()
    run(folder, *REPLAY, "--events", events, "span.pcap", expected=DONE)
    assert len(events.read_text(encoding="utf-8").splitlines()) == len(first) > 0, "a replay writes behind an earlier one"
    run(folder, *REPLAY, "--events", events, "--append", "span.pcap", expected=DONE)
    assert len(events.read_text(encoding="utf-8").splitlines()) == 2 * len(first), "--append does not append"


def interrupted_replay(folder):
    """A capture that comes by a pipe, and never ends: what it brought is told all the same."""
    events = folder / "early.jsonl"
    for number in (signal.SIGINT, signal.SIGTERM):
        read_end, write_end = os.pipe()
        process = subprocess.Popen([spanwatch, *REPLAY, "--events", events, "-"], cwd=folder, stdin=read_end,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.close(read_end)
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write((folder / "span.pcap").read_bytes())
            pipe.flush()
            end = time.monotonic() + 60
            while '"spanwatch.sighting"' not in (events.read_text(encoding="utf-8") if events.exists() else ""):
                assert time.monotonic() < end, "nothing is seen of a capture that comes by a pipe"
                time.sleep(0.05)
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
        assert process.returncode == FAILED and "interrupted after" in said and str(events) in said, said
        assert "Inspected" in said, "no summary"
        for line in events.read_text(encoding="utf-8").splitlines():
            json.loads(line)


def interrupted_registering(folder):
    """What was registered until then is kept, and the same command goes on with the rest."""
    many = folder / "many"
    many.mkdir()
    picture = (folder / "pictures/0.png").read_bytes()
    for number in range(MANY):  # another file each time, at no cost
        (many / f"{number}.png").write_bytes(picture + str(number).encode())
    add = ["register", "add", "images", "--register", "register.db", "--collection", "many", "--threads", "1", "many"]
    process = subprocess.Popen([spanwatch, *add], cwd=folder, stderr=subprocess.PIPE, text=True)
    count = [spanwatch, "register", "list", "--register", "register.db", "--collection", "many"]
    while not subprocess.run(count, cwd=folder, capture_output=True, check=False).stdout:
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)  # it has begun, and is not done
    _, said = process.communicate(timeout=60)
    assert process.returncode == FAILED and "interrupted" in said and "new items" in said, said
    kept = int(said.split("many: ")[1].split(" new items")[0])
    listed, _ = run(folder, "register", "list", "--register", "register.db", "--collection", "many", expected=DONE)
    assert listed.count("\n") == kept < MANY, f"{kept} are said to be kept, {listed}"
    _, said = run(folder, *add, expected=DONE)
    assert f"{MANY - kept} new items" in said and f"{kept} known already" in said, said


def no_empty_answers(folder):
    for arguments in (["list"], ["export", "--format", "sha256"], ["expire", "--at", "now"], ["remove", "--all"]):
        output, errors = run(folder, "register", *arguments, "--register", "register.db", "--collection", "lane", expected=FAILED)
        assert output == "" and errors.count("\n") == 1 and "lane" in errors, f"{arguments}: {output} {errors}"
    assert "'lanes'" in run(folder, "register", "list", "--register", "register.db", "--collection", "lane", expected=FAILED)[1]


def hashset_info(folder):
    output, _ = run(folder, "hashset", "info", "--json", "--trust", "owner.pub", "agency.swset", expected=DONE)
    info = json.loads(output)
    assert info["trusted"] and info["serial"] > 0 and info["created"].endswith("Z") and len(info["digest"]) == 64, info
    assert info["items"] == {"image": 12, "record": 40, "file": 0}, info


def configuration(folder):
    good = f"""
capture: {{interface: lo}}
zones: {{inside: [10.20.0.0/16]}}
hashsets: [{{file: {folder}/agency.swset, record_key: {folder}/record.key}}]
trust: [{folder}/owner.pub]
rules: {{directory: {folder}/rules}}
events: {{file: {folder}/live.jsonl}}
state: {{directory: {folder}}}
metrics: {{listen: "127.0.0.1:0"}}
"""
    file = folder / "spanwatch.yaml"

    def check(text, expected):
        file.write_text(text, encoding="utf-8")
        return run(folder, "config", "check", file, expected=expected)

    output, errors = check(good, DONE)
    assert output.endswith(f"{file}: good\n") and errors == "", output + errors
    bad = (good.replace("interface: lo", "interface: nowhere0").replace("[10.20.0.0/16]", "[]")
           .replace("record.key", "missing.key").replace("live.jsonl", "no/folder/live.jsonl").replace("owner.pub]", "nobody.pub]"))
    bad += "webhooks: [{name: soc, url: 'http://203.0.113.9/alerts', secret_env: NONE_OF_THESE}]\n"
    output, errors = check(bad, FAILED)
    for word in ("nowhere0", "zones.inside", "missing.key", "no/folder", "nobody.pub", "http://", "NONE_OF_THESE"):
        assert sum(word in line for line in errors.splitlines()) >= 1, f"no {word} in {errors}"
    assert all(line.startswith("spanwatch: ") for line in errors.splitlines()), errors
    output, errors = check(good + "trust: [other.pub]\nsensr: {name: a}\n", USAGE)
    assert "trust: the key comes more than once" in errors and "did you mean 'sensor'?" in errors, errors
    assert errors.count("\n") == 2, errors
    done = subprocess.run([spanwatch, "run", "-T", "-c", file], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == USAGE and "more than once" in done.stderr, done.stderr
    if os.geteuid() == 0:  # what root may read, the sensor's user may not
        output, errors = check(good + "sensor: {run_as: nobody}\n", FAILED)
        assert "record.key" in errors and "state.directory" in errors, errors


with tempfile.TemporaryDirectory(prefix="spanwatch-words.") as name:
    where = pathlib.Path(name)
    where.chmod(0o755)
    Breach(spanwatch, where)
    wrong_words(where)
    new_file_of_events(where)
    interrupted_replay(where)
    interrupted_registering(where)
    no_empty_answers(where)
    hashset_info(where)
    configuration(where)
print("PASSED")
