#!/usr/bin/env python3
"""A year of the data owner with the register: chains of deltas, a restored copy, erasure, damage and backups, what expires, lists for
others, another record key. Nothing is lost in silence, and nothing that was removed stays in a file.
owner_register.py SPANWATCH"""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
DONE, FAILED, USAGE, FOUND = 0, 1, 2, 3
REGISTER = ["--register", "R.db"]
ADD = ["register", "add", "images", *REGISTER, "--collection", "files"]
READS = ["register", "add", "records", *REGISTER, "--collection", "reads", "--plate", "plate"]
BUILD = ["register", "build", *REGISTER, "--sign", "owner.key", "--out"]


def run(folder, *arguments, text=None):
    done = subprocess.run([spanwatch, *map(str, arguments)], cwd=folder, capture_output=True, check=False, timeout=120,
                          input=None if text is None else text.encode())
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def must(folder, *arguments, status=DONE, says="", text=None):
    have, output, errors = run(folder, *arguments, text=text)
    assert have == status, f"{arguments}: {have} instead of {status}\n{output}\n{errors}"
    assert re.search(says, output + errors), f"{arguments}: does not say /{says}/\n{output}\n{errors}"
    if status in (FAILED, USAGE):
        assert errors.strip(), f"{arguments}: no word"
    return output


def make_file(path, seed, size=6000):
    path.write_bytes(random.Random(seed).randbytes(size))


def plate(number):
    return f"{'ABCDEFGH'[number % 8]}{'KLMNPRST'[number // 8 % 8]}Z{1000 + number}"


def prepare(folder):
    folder.mkdir()
    must(folder, "keygen", "--out", "owner")
    must(folder, "register", "init", *REGISTER, "--owner", "Agency", "--record-key", "record.key")
    for number in range(30):
        make_file(folder / f"f{number}.bin", number)
    (folder / "reads.csv").write_text("plate\n" + "".join(plate(number) + "\n" for number in range(400)))
    must(folder, *ADD, *(f"f{number}.bin" for number in range(20)))
    must(folder, *READS, "reads.csv")


def found(folder, sets, name, keys=()):
    """What is found of this file with these sets: how many items."""
    options = [option for file in sets for option in ("--hashset", file)] + [option for key in keys for option in ("--record-key", key)]
    status, output, errors = run(folder, "inspect", *options, "--trust", "owner.pub", "--json", name)
    assert status in (DONE, FOUND), errors
    return max((json.loads(line)["item_count"] for line in output.splitlines()), default=0)


def serial_of(folder, name):
    return int(re.search(r"serial +(\d+)", must(folder, "hashset", "info", name)).group(1))


def check_deltas(folder):
    must(folder, *BUILD, "day0.swset")
    chain = ["day0.swset"]
    for day in range(1, 10):
        must(folder, *ADD, f"f{20 + day}.bin")
        must(folder, "register", "remove", *REGISTER, "--collection", "files", "--source", f"f{day}.bin", says=f"f{day}.bin")
        name = f"day{day}.swset"
        must(folder, *BUILD, name, *(option for base in chain for option in ("--delta-from", base)))
        chain.append(name)
    must(folder, *BUILD, "whole.swset")
    sizes = [(folder / name).stat().st_size for name in ("whole.swset", *chain[1:])]
    assert max(sizes[1:]) < sizes[0] / 2, sizes
    for number in range(30):
        wanted = found(folder, ["whole.swset"], f"f{number}.bin", ["record.key"])
        assert wanted == (0 if 1 <= number <= 9 or number == 20 else 1), (number, wanted)
        # One key is enough for a base and its deltas.
        assert found(folder, chain, f"f{number}.bin", ["record.key"]) == wanted, f"f{number}.bin in the chain"
    for sets in (["whole.swset"], chain):
        assert found(folder, sets, "reads.csv", ["record.key"]) == 400, sets
    must(folder, "inspect", *(o for name in ("day0.swset", "day2.swset") for o in ("--hashset", name)), "--trust", "owner.pub", "f1.bin",
         status=FAILED, says="day2.swset: is a delta to 'Agency' serial .* with digest [0-9a-f]+, which is not given")
    must(folder, "hashset", "diff", "day0.swset", "day1.swset", says="1 items added, 1 removed, 0 changed")
    must(folder, "hashset", "diff", "day0.swset", "day3.swset", *(o for n in (1, 2) for o in ("--base", f"day{n}.swset")),
         says="3 items added, 3 removed, 0 changed")
    must(folder, "hashset", "diff", "day0.swset", "day3.swset", status=FAILED, says="day3.swset.*--base|--base.*day3.swset")


def check_restored(folder):
    """A copy from before is put back: no serial comes twice, and no delta goes with a set that it was not built from."""
    must(folder, "register", "backup", *REGISTER, "--out", "B.db", says="read back and checked")
    must(folder, "register", "backup", *REGISTER, "--out", "B.db", status=FAILED, says="B.db exists already")
    make_file(folder / "lost.bin", 900)
    must(folder, *ADD, "lost.bin")
    must(folder, *BUILD, "lost.swset")
    serial = serial_of(folder, "lost.swset")
    shutil.copy(folder / "B.db", folder / "R.db")
    must(folder, "register", "check", *REGISTER, says="whole")
    make_file(folder / "again.bin", 901)
    must(folder, *ADD, "again.bin")
    must(folder, *BUILD, "again.swset", "--serial", serial)  # what a careless owner may do
    make_file(folder / "more.bin", 902)
    must(folder, *ADD, "more.bin")
    must(folder, *BUILD, "delta.swset", "--delta-from", "again.swset")
    must(folder, "inspect", "--hashset", "lost.swset", "--hashset", "delta.swset", "--trust", "owner.pub", "more.bin", status=FAILED,
         says="delta.swset: is a delta to 'Agency' serial .* another set of that serial")
    assert found(folder, ["again.swset", "delta.swset"], "more.bin", ["record.key"]) == 1
    must(folder, *BUILD, "x.swset", "--serial", serial, status=USAGE, says="give a higher one")
    must(folder, *BUILD, "later.swset")
    assert serial_of(folder, "later.swset") > serial


def content(folder):
    return b"".join(path.read_bytes() for path in folder.glob("R.db*"))


def check_erased(folder):
    listed = [json.loads(line) for line in must(folder, "register", "list", *REGISTER, "--json").splitlines()]
    victims = {item["source"].rsplit("/", 1)[1]: item for item in listed}
    picture, row = victims["f15.bin"], victims["reads.csv:44"]  # the header is line 1
    (folder / "elsewhere.csv").write_text("plate\n" + plate(42) + "\n")
    must(folder, *READS, "elsewhere.csv")
    reader = sqlite3.connect(folder / "R.db")
    identity, = reader.execute("SELECT identity FROM items WHERE id=?", [bytes.fromhex(row["id"])]).fetchone()
    reader.close()
    digest, md5 = bytes.fromhex(picture["sha256"]), hashlib.md5((folder / "f15.bin").read_bytes()).digest()
    assert all(value in content(folder) for value in (identity, digest, md5, b"f15.bin"))

    reader = sqlite3.connect(folder / "R.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM items").fetchone()
    must(folder, "register", "remove", *REGISTER, "--plate", "-", text=plate(42), status=FAILED, says="R.db.*nothing was removed")
    reader.close()
    assert identity in content(folder)
    must(folder, "register", "remove", *REGISTER, "--plate", "-", text=plate(42),
         says=r"elsewhere\.csv:2.*reads\.csv:44")
    must(folder, "register", "remove", *REGISTER, "--picture", "f15.bin", says="f15.bin")
    left = content(folder)
    for value in (identity, identity[1:], identity[:0:-1], bytes.fromhex(row["id"]), digest, md5, b"f15.bin", b"elsewhere.csv"):
        assert value not in left, value
    assert b"f16.bin" in left
    must(folder, *BUILD, "erased.swset")
    (folder / "plate.txt").write_text(plate(42) + "\n")
    assert found(folder, ["erased.swset"], "f15.bin", ["record.key"]) == 0 and found(folder, ["erased.swset"], "f16.bin", ["record.key"]) == 1
    assert plate(42) not in must(folder, "register", "log", *REGISTER, says="removed")
    for wrong, says in ((["--plate", plate(42)], "nothing was removed"), (["--picture", "f15.bin"], "nothing was removed"),
                        (["--digest", "00" * 32], "nothing was removed"), (["--picture", "missing.jpg"], "missing.jpg"),
                        (["--plate", plate(1), "--record-key", "missing.key"], "missing.key")):
        must(folder, "register", "remove", *REGISTER, *wrong, status=FAILED, says=says)
    for wrong in (["--plate", "?"], ["--digest", "12"], [], ["--all"], ["--item", "00" * 16], ["--plate", plate(1), "--all"]):
        must(folder, "register", "remove", *REGISTER, *wrong, status=USAGE)
    must(folder, "register", "remove", *REGISTER, "--digest", hashlib.md5((folder / "f16.bin").read_bytes()).hexdigest(), says="f16.bin")


def check_damage(folder):
    must(folder, "register", "check", *REGISTER, says="whole")
    whole = (folder / "R.db").read_bytes()
    dice, missed, total = random.Random(3), 0, 40
    for _ in range(total):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        (folder / "D.db").write_bytes(damaged)
        status, _, errors = run(folder, "register", "build", "--register", "D.db", "--sign", "owner.key", "--out", "d.swset")
        checked = run(folder, "register", "check", "--register", "D.db")[0]
        assert not (status == FAILED and checked == DONE), errors
        if status == DONE:  # the bit lies where nothing is
            missed += 1
            must(folder, *BUILD, "w.swset")
            must(folder, "hashset", "diff", "w.swset", "d.swset", says="\n0 items added, 0 removed, 0 changed")
        else:
            assert "D.db" in errors or "the register is damaged" in errors, errors
    assert missed < total / 2, f"{missed} of {total} flipped bits built a set"
    (folder / "D.db").unlink()
    shutil.copy(folder / "R.db", folder / "T.db")
    with open(folder / "T.db", "r+b") as file:
        file.truncate(len(whole) // 2)
    must(folder, "register", "build", "--register", "T.db", "--sign", "owner.key", "--out", "t.swset", status=FAILED)
    must(folder, "register", "backup", "--register", "T.db", "--out", "TB.db", status=FAILED)
    assert not (folder / "TB.db").exists() and not (folder / "t.swset").exists()


def check_told(folder):
    must(folder, "register", "expire", *REGISTER, "--collection", "files", "--source", "f17.bin", "--at", "2040-05-06")
    must(folder, "register", "status", *REGISTER, says=r"files: 0 images, 0 records, \d+ files\n  1 expire on 2040-05-06")
    lines = [json.loads(line) for line in must(folder, "register", "status", *REGISTER, "--json").splitlines()]
    assert {line.get("collection") for line in lines} == {"files", "reads", None} and lines[-1]["owner"] == "Agency"
    assert next(line for line in lines if line.get("collection") == "files")["expiring"] == {"2040-05-06": 1}
    log = [json.loads(line) for line in must(folder, "register", "log", *REGISTER, "--json").splitlines()]
    assert {entry["action"] for entry in log} >= {"made", "added", "removed", "expires", "built"}, log
    assert all(entry["actor"] and entry["time"] for entry in log)


def check_lists(folder):
    count = int(re.search(r"files: .* (\d+) files", must(folder, "register", "status", *REGISTER)).group(1))
    for form in ("sha256", "md5", "stix"):
        (folder / f"list.{form}").write_text(must(folder, "register", "export", *REGISTER, "--format", form, says=f"{count} items"))
        must(folder, "register", "init", "--register", f"{form}.db", "--owner", "Other")
        must(folder, "register", "import", "--register", f"{form}.db", "--collection", "c", "--list", f"list.{form}",
             says=f"{count} new items")
    assert "f17.bin" not in (folder / "list.sha256").read_text()
    must(folder, "register", "export", *REGISTER, "--format", "pdq", says="0 items")
    must(folder, "register", "export", *REGISTER, "--format", "sha256", "--collection", "none", status=FAILED, says="no collection 'none'")


def check_rotated(folder):
    must(folder, *BUILD, "before.swset")
    must(folder, "register", "rotate-key", *REGISTER, "--record-key", "record.key", status=USAGE, says="is the key that the register has")
    must(folder, "register", "rotate-key", *REGISTER, "--record-key", "new.key", says="both sets")
    (folder / "late.csv").write_text("plate\nXYZ9876\n")
    must(folder, *READS, "late.csv")
    must(folder, *BUILD, "now.swset", says=r"\d+ records are still under the record key before")
    must(folder, *BUILD, "earlier.swset", "--earlier-key")
    must(folder, *BUILD, "x.swset", "--delta-from", "before.swset", status=USAGE, says="record key was rotated")
    both = ["now.swset", "earlier.swset"]
    (folder / "one.txt").write_text("seen: XYZ9876 at the gate\n")
    rows = found(folder, ["before.swset"], "reads.csv", ["record.key"])
    assert rows > 300
    assert found(folder, both, "reads.csv", ["new.key", "record.key"]) == rows
    must(folder, "register", "rotate-key", *REGISTER, "--record-key", "third.key", status=FAILED, says="enrol their tables again")
    must(folder, *READS, "reads.csv", says="under the new record key only now; 0 of the register")
    must(folder, *BUILD, "after.swset")
    assert found(folder, ["after.swset"], "reads.csv", ["new.key"]) >= rows
    must(folder, *BUILD, "earlier.swset", "--earlier-key", status=FAILED, says="holds nothing")
    must(folder, "register", "check", *REGISTER)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "owner"
        prepare(folder)
        for check in (check_deltas, check_restored, check_erased, check_damage, check_told, check_lists, check_rotated):
            check(folder)
    print("a year with the register")


if __name__ == "__main__":
    main()
