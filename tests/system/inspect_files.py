#!/usr/bin/env python3
"""`spanwatch inspect` over files, a folder, standard input (a pipe and a file) and what cannot be read.
inspect_files.py SPANWATCH WORLD"""
import bz2
import email.message
import gzip
import io
import json
import lzma
import pathlib
import subprocess
import sys
import tempfile
import zipfile

DONE, FAILED, FOUND = 0, 1, 3
spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
world = pathlib.Path(sys.argv[2]).resolve()
KEYS = ["--hashset", world / "agency.swset", "--trust", world / "owner.pub", "--record-key", world / "record.key"]


def run(*arguments, expected, **standard_input):
    done = subprocess.run([spanwatch, *map(str, arguments)], capture_output=True, check=False, timeout=120, **standard_input)
    output, errors = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expected, f"{arguments}: {done.returncode} instead of {expected}\n{output}\n{errors}"
    return output, errors


def inspect(*arguments, expected, **standard_input):
    return run("inspect", *KEYS, *arguments, expected=expected, **standard_input)


def findings(*arguments, **standard_input):
    output, _ = inspect("--json", *arguments, expected=FOUND, **standard_input)
    return [json.loads(line) for line in output.splitlines()]


def inspect_files(folder):
    registered = sorted((world / "lanes/lane1").glob("*.jpg"))[:3]
    stranger = sorted((world / "strangers").glob("*/*.jpg"))[0]
    archive = folder / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for picture in registered:
            made.write(picture, picture.name)
    # A file, with how it was wrapped.
    found = findings(archive)
    exact = [finding for finding in found if finding["method"] == "exact"]
    assert len({item for finding in exact for item in finding["items"]}) == 3, found
    assert all(finding["file"] == str(archive) and finding["collection"] == "lanes" for finding in exact), found
    assert all(any("zip" in step for step in finding["provenance"]) for finding in exact), found
    # The same from a pipe and from a redirected file.
    items = sorted(item for finding in exact for item in finding["items"])
    content = archive.read_bytes()
    with open(archive, "rb") as opened:
        for source in ({"input": content}, {"stdin": opened}):
            piped = [finding for finding in findings("-", **source) if finding["method"] == "exact"]
            assert sorted(item for finding in piped for item in finding["items"]) == items, piped
    # A folder, in readable form: each file with its findings, and the count.
    (folder / "below/deeper").mkdir(parents=True)
    (folder / "below/deeper/one.jpg").write_bytes(registered[0].read_bytes())
    (folder / "below/stranger.jpg").write_bytes(stranger.read_bytes())
    output, errors = inspect(folder / "below", expected=FOUND)
    assert "one.jpg: 1 registered item of lanes by exact (sure)" in output and "stranger" not in output, output
    assert "2 files inspected" in errors, errors
    # Nothing registered, nothing said.
    output, errors = inspect(folder / "below/stranger.jpg", expected=DONE)
    assert output == "" and "1 files inspected, 0 sightings" in errors, (output, errors)
    # One that is missing is named; the others are looked at all the same.
    output, errors = inspect(folder / "nothing.jpg", folder / "below/deeper/one.jpg", expected=FAILED)
    assert "nothing.jpg" in errors and "1 files not readable" in errors and "by exact" in output, (output, errors)


class Unseekable(io.RawIOBase):
    """What a program writes to that streams an archive: sizes stand behind the members."""

    def __init__(self):
        self.written = b""

    def writable(self):
        return True

    def write(self, piece):
        self.written += bytes(piece)
        return len(piece)


def inspect_wrapped(folder):
    """One of each writer that is at hand: a registered picture is found in it."""
    picture = sorted((world / "lanes/lane1").glob("*.jpg"))[0]
    content = picture.read_bytes()
    made = {"a.jpg.bz2": bz2.compress(content), "a.jpg.xz": lzma.compress(content), "a.jpg.gz": gzip.compress(content),
            "a.jpg.lzma": lzma.compress(content, format=lzma.FORMAT_ALONE)}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        stream = Unseekable()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.write(picture, "a.jpg")
        made[f"{method}.zip"] = stream.written
        # What a reader of the directory never looks at: the sizes of the local header.
        lying = bytearray(stream.written)
        lying[14:26] = bytes(12)
        made[f"{method}-lies.zip"] = bytes(lying)
    mail = email.message.EmailMessage()
    mail["X-Mozilla-Status"] = "0001"
    mail["Subject"] = "x"
    mail.add_attachment(content, "image", "jpeg", filename="a.jpg")
    made["a.eml"] = mail.as_bytes()
    made["Inbox"] = b"From - Mon May 13 02:11:40 2019\n" + mail.as_bytes()
    for name, wrapped in made.items():
        (folder / name).write_bytes(wrapped)
    for name, option in (("d64.zip", "-mm=Deflate64"), ("ppmd.zip", "-mm=PPMd"), ("bcj2.7z", "-m0=BCJ2")):
        subprocess.run(["7z", "a", option, folder / name, picture], check=True, capture_output=True)
        made[name] = b""
    for name in made:
        assert any(finding["method"] == "exact" for finding in findings(folder / name)), name


def inspect_unread(folder):
    """What is recognised and not read is named with its reason; the rest of it is read all the same."""
    picture = sorted((world / "lanes/lane1").glob("*.jpg"))[0]
    subprocess.run(["7z", "a", "-pxyz", folder / "locked.7z", picture], check=True, capture_output=True)
    subprocess.run(["7z", "a", "-pxyz", "-mhe=on", folder / "hidden.7z", picture], check=True, capture_output=True)
    _, errors = inspect(folder / "locked.7z", folder / "hidden.7z", expected=FOUND)
    for name in ("locked.7z", "hidden.7z"):
        assert f"{name}: 1 object or archive member not read: encrypted" in errors, errors
    (folder / "cut.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\xff" * 600)
    _, errors = inspect(folder / "cut.gz", expected=DONE)
    assert "cut.gz: An encoding or archive broke off" in errors, errors


def inspect_table(folder):
    """A table of reads is seen, and no plate of it is said."""
    lines = (world / "entrusted-reads.csv").read_text().splitlines()[:200]
    table = folder / "reads.csv"
    table.write_text("\n".join(lines) + "\n")
    records = [finding for finding in findings(table) if finding["method"] == "record"]
    assert records and records[-1]["item_count"] == len(lines) - 1, records
    output, errors = inspect(table, expected=FOUND)
    said = output + errors + json.dumps(records)
    for line in lines[1:]:
        assert line.split(",")[0] not in said


with tempfile.TemporaryDirectory(prefix="spanwatch-inspect.") as name:
    inspect_files(pathlib.Path(name))
    inspect_table(pathlib.Path(name))
    inspect_unread(pathlib.Path(name))
    inspect_wrapped(pathlib.Path(name))
