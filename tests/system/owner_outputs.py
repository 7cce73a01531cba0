#!/usr/bin/env python3
"""No command replaces a file that is not of its own kind and name, or that it reads; keys that others may read are refused; what cannot
be read in a folder is named and ends nothing.
owner_outputs.py SPANWATCH"""
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
DONE, FAILED, USAGE, FOUND = 0, 1, 2, 3
BUILD = ["register", "build", "--register", "R.db", "--sign", "owner.key", "--out"]
SETS = ["--hashset", "agency.swset", "--trust", "owner.pub"]


def run(folder, *arguments):
    done = subprocess.run([spanwatch, *map(str, arguments)], cwd=folder, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def must(folder, *arguments, status=DONE):
    have, output, errors = run(folder, *arguments)
    assert have == status, f"{arguments}: {have} instead of {status}\n{output}\n{errors}"
    return errors


def prepare(folder):
    must(folder, "keygen", "--out", "owner")
    must(folder, "register", "init", "--register", "R.db", "--owner", "Agency", "--record-key", "record.key")
    (folder / "secret.bin").write_bytes(os.urandom(5000))
    must(folder, "register", "add", "images", "--register", "R.db", "--collection", "files", "secret.bin")
    must(folder, *BUILD, "agency.swset")
    must(folder, *BUILD, "other.swset", "--name", "Other")
    (folder / "more.bin").write_bytes(os.urandom(5000))
    must(folder, "register", "add", "images", "--register", "R.db", "--collection", "files", "more.bin")
    must(folder, *BUILD, "delta.swset", "--delta-from", "agency.swset")
    (folder / "notes.txt").write_text("not of this kind\n")
    (folder / "empty").touch()
    (folder / "rules").mkdir()
    (folder / "link.swset").symlink_to("agency.swset")
    os.link(folder / "agency.swset", folder / "hard.swset")
    (folder / "nowhere").symlink_to("missing")
    # A capture without packets (pcap, little endian, Ethernet).
    (folder / "span.pcap").write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))


FOREIGN = ["R.db", "owner.key", "owner.pub", "record.key", "notes.txt", "secret.bin", "span.pcap"]
REPLAY = ["replay", *SETS, "--inside", "any"]
# Command, the name that is taken, exit status.
REFUSED = (
    [([*BUILD, name], name, None) for name in [*FOREIGN, "other.swset", "delta.swset", "rules", "nowhere"]]
    + [([*BUILD, name, "--delta-from", "agency.swset"], name, None) for name in ["agency.swset", "link.swset", "hard.swset", "R.db"]]
    + [([*BUILD, "missing/x.swset"], None, FAILED)]
    + [(["register", "init", "--register", name, "--owner", "A"], name, FAILED) for name in [*FOREIGN, "agency.swset", "rules"]]
    + [(["register", "init", "--register", "new.db", "--owner", "A", "--record-key", name], name, FAILED)
       for name in ["R.db", "owner.key", "notes.txt", "agency.swset"]]
    + [(["register", "init", "--register", "new.db", "--owner", "A", "--record-key", "new.db"], None, USAGE)]
    + [(["keygen", "--out", "owner"], "owner.pub", FAILED), (["keygen", "--public-from", "owner.key", "--out", "taken"], "taken.pub", FAILED)]
    + [(["rules", "sign", "--key", "owner.key", "rules"], "rules/rules.signed", FAILED)]
    + [([*REPLAY, "--events", name, "span.pcap"], name, None) for name in [*FOREIGN, "agency.swset"]])


def sums(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))}


def check_refused(folder):
    (folder / "taken.pub").write_text("something else\n")
    shutil.copytree(pathlib.Path(__file__).resolve().parents[2] / "rules", folder / "rules", dirs_exist_ok=True)
    (folder / "rules/rules.signed").write_text("not a signature\n")
    before = sums(folder)
    for arguments, name, wanted in REFUSED:
        status, output, errors = run(folder, *arguments)
        assert status in ((FAILED, USAGE) if wanted is None else (wanted,)), f"{arguments}: {status}\n{output}\n{errors}"
        assert errors and (name is None or name in errors), f"{arguments}: does not name {name}\n{errors}"
        assert sums(folder) == before, f"{arguments} changed {set(sums(folder).items()) ^ set(before.items())}"


def check_replaced(folder):
    """What is of its own kind and name is replaced."""
    must(folder, *BUILD, "agency.swset")
    must(folder, *BUILD, "empty")
    must(folder, *BUILD, "delta.swset", "--delta-from", "agency.swset")
    must(folder, *BUILD, "other.swset", "--name", "Other")
    (folder / "rules/rules.signed").unlink()
    for _ in range(2):
        must(folder, "rules", "sign", "--key", "owner.key", "rules")
        must(folder, *REPLAY, "--events", "events.jsonl", "span.pcap")
    (folder / "nothing").mkdir()
    for command in (REPLAY, ["inspect", *SETS]):
        status, _, errors = run(folder, *command, "nothing")
        assert status == FAILED and "there is no file in nothing" in errors, errors
    public = (folder / "owner.pub").read_bytes()
    (folder / "owner.pub").unlink()
    must(folder, "keygen", "--public-from", "owner.key")
    assert (folder / "owner.pub").read_bytes() == public
    must(folder, "keygen", "--public-from", "owner.key")


def check_keys(folder):
    (folder / "reads.csv").write_text("plate\nABC1234\n")
    add = ["register", "add", "records", "--register", "R.db", "--collection", "reads", "--plate", "plate", "reads.csv"]
    inspect = ["inspect", *SETS, "--record-key", "record.key", "notes.txt"]
    must(folder, *add)
    must(folder, *BUILD, "agency.swset")
    must(folder, *inspect)
    status, _, errors = run(folder, "inspect", *SETS, "notes.txt")
    assert status == FAILED and "1 records were not looked for" in errors, errors
    for mode in (0o644, 0o640, 0o604, 0o660):
        os.chmod(folder / "record.key", mode)
        for command in (add, inspect, [*REPLAY, "--record-key", "record.key", "span.pcap"]):
            assert "chmod 600" in must(folder, *command, status=FAILED), command
        os.chmod(folder / "owner.key", mode)
        assert "chmod 600" in must(folder, *BUILD, "agency.swset", status=FAILED)
    os.chmod(folder / "owner.key", 0o600)
    os.chmod(folder / "record.key", 0o600)


def check_options(folder):
    """A set or a key behind another is no file to inspect."""
    for command in (["inspect"], ["replay", "--inside", "any"]):
        file = "notes.txt" if command == ["inspect"] else "span.pcap"
        both = ["--hashset", "agency.swset", "--hashset", "other.swset", "--trust", "owner.pub", "--record-key", "record.key"]
        must(folder, *command, *both, file)
        for wrong in (["--hashset", "agency.swset", "other.swset", "--trust", "owner.pub"], [*SETS, "owner.pub"], [*SETS, "record.key"],
                      ["--hashset", "agency.swset"] * 9 + ["--trust", "owner.pub"]):
            must(folder, *command, *wrong, file, status=USAGE)


def check_folders(folder):
    drop = folder / "drop"
    (drop / "below").mkdir(parents=True)
    shutil.copy(folder / "secret.bin", drop / "below/a.bin")
    shutil.copy(folder / "span.pcap", drop / "below/span.pcap")
    inspect = ["inspect", *SETS, "drop"]
    must(folder, *inspect, status=FOUND)
    (drop / "below/up").symlink_to("..")
    must(folder, *inspect, status=FOUND)
    traps = {"loop.jpg": lambda path: path.symlink_to("loop.jpg"), "gone.jpg": lambda path: path.symlink_to("nowhere"),
             "pipe.jpg": os.mkfifo, "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path))}
    for name, make in traps.items():
        make(drop / name)
        for command, found in ((inspect, "a.bin"), (["register", "add", "images", "--register", "R.db", "--collection", name, "drop"],
                                                    "new items"), ([*REPLAY, "drop"], "")):
            status, output, errors = run(folder, *command)
            assert status == FAILED and name in errors and found in output + errors, f"{command}: {status}\n{output}\n{errors}"
        (drop / name).unlink()
    status, _, errors = run(folder, *REPLAY, "span.pcap", "missing.pcap")
    assert status == FAILED and "missing.pcap" in errors and "Inspected" in errors, errors
    # What may not be read: only for others than root.
    if os.getuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
    (drop / "closed").mkdir(mode=0o700)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", spanwatch, *inspect], cwd=folder,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == FAILED and b"drop/closed" in done.stderr and b"a.bin" in done.stdout, done


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(folder)
        for check in (check_refused, check_replaced, check_keys, check_options, check_folders):
            check(folder)
    print(f"{len(REFUSED)} outputs refused")


if __name__ == "__main__":
    main()
