#!/usr/bin/env python3
"""Reads everything the cases' runs gave out (events, standard error, state with the alerts waiting for delivery, core dumps if any)
and looks for what must be in none of it:
  - a registered plate in any spelling: upper or lower case, whole or with separators
  - a supporting value of six characters or more (the registered times are of other days than the packets')
  - a 16-byte run of a registered picture: raw, hex or base64
  - a path or file name of a registered source
Plates of digits alone are left out: nothing tells them from sizes and counts. So are those that equal a mask (AAA9999).

  privacy.py WORLD            the runs of the cases; exits with 1 and says how often what was found where
  privacy.py WORLD FOLDER     everything in FOLDER in their place"""
import base64
import itertools
import pathlib
import re
import sys

from world import PLATES, World

WORDS = re.compile(rb"[0-9A-Za-z]+(?:(?:[ \-._/:]|\xc2\xb7|\xe2\x80[\x90-\x95]){1,2}[0-9A-Za-z]+)*")
WORD = re.compile(rb"[0-9A-Za-z]+")
HEX = re.compile(rb"[0-9A-Fa-f]{32,}")
BASE64 = re.compile(rb"[0-9A-Za-z+/_-]{21,}")
URL_ALPHABET = bytes.maketrans(b"-_", b"+/")


def spellings(data):
    """What could be a plate: runs of words of 5 to 8 characters together, in upper case."""
    found = set()
    for run in set(WORDS.findall(data.upper())):
        words = WORD.findall(run)
        for start in range(len(words)):
            joined = b""
            for word in words[start:start + 8]:
                joined += word
                if len(joined) > 8:
                    break
                found.add(joined)
    return found


def quads(data, start):
    """The 8-byte words of `data` from `start` on."""
    return memoryview(data)[start:start + (len(data) - start) // 8 * 8].cast("Q")


def telling(word):
    return len(set(word.to_bytes(8, sys.byteorder))) >= 6


def decoded(data):
    """`data`, and what its hex and base64 runs decode to."""
    yield data
    for run in set(HEX.findall(data)):
        for shift in (0, 1):
            yield bytes.fromhex(run[shift:len(run) - (len(run) - shift) % 2].decode())
    for run in set(BASE64.findall(data)):
        for shift in range(4):
            piece = run[shift:].translate(URL_ALPHABET)
            yield base64.b64decode(piece[:len(piece) // 4 * 4])


class Secrets:
    def __init__(self, world):
        registered = {plate for plate in world.plates if not plate.isdigit()}
        registered |= {picture.stem.partition("_")[0] for picture in world.pictures()}
        self.plates = {plate.encode() for plate in registered if set(plate) - set("A9")}
        self.vins = {world.read(number)[4].encode() for number in range(PLATES)}
        self.times = {world.read(number)[2].encode() for number in range(PLATES)}
        self.paths = {str(picture.relative_to(world.folder)).encode() for picture in world.pictures()}
        self.paths |= {picture.stem.encode() for picture in world.pictures()} | {b"entrusted-reads"}
        # A run of 16 bytes holds a whole word that stands at a multiple of 8 in its file.
        self.pixels = set(itertools.chain.from_iterable(quads(picture.read_bytes(), 0) for picture in world.pictures()))

    def found(self, data):
        upper = data.upper()
        yield "registered plates", len(spellings(data) & self.plates)
        yield "supporting values", len(set(re.findall(rb"[0-9A-Z]{17}", upper)) & self.vins)
        yield "supporting times", len(set(re.findall(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", upper)) & self.times)
        yield "source paths", sum(path.upper() in upper for path in self.paths)
        yield "runs of pictures", sum(self.pixel_words(text) for text in decoded(data))

    def pixel_words(self, data):
        return sum(telling(word) for start in range(min(8, len(data))) for word in self.pixels.intersection(quads(data, start)))


def self_test(secrets, world):
    """What the search finds when it is there: without that its silence means nothing."""
    picture = world.pictures()[0].read_bytes()
    plate, _, time, _, vin = world.read(next(n for n in range(PLATES) if not world.plates[n].isdigit()))
    run = picture[5003:5019]
    planted = {"registered plates": [plate, plate.lower(), f"{plate[:3]}-{plate[3:]}", f"x/{plate[0]} {plate[1:4]}.{plate[4:]},"],
               "supporting values": [vin, vin.lower()], "supporting times": [time],
               "source paths": [str(world.pictures()[5]), world.pictures()[6].name],
               "runs of pictures": [b"ab" + run + b"c", run.hex(), run.hex().upper(), b"Y" + base64.b64encode(b"ab" + run + b"c"),
                                    base64.urlsafe_b64encode(picture[7000:7040]).rstrip(b"=")]}
    for kind, texts in planted.items():
        for text in texts:
            data = b'{"a":"' + (text if isinstance(text, bytes) else text.encode()) + b'"}'
            if dict(secrets.found(data))[kind] == 0:
                raise RuntimeError(f"the search for {kind} does not find one that was put there")


def main(folder, given_out=None):
    world = World(None, folder)
    given_out = given_out or world.folder / "runs"
    secrets = Secrets(world)
    self_test(secrets, world)
    files = [file for file in sorted(given_out.rglob("*")) if file.is_file()]
    files += [file for file in world.folder.glob("core*") if file.is_file()]
    if not any(file.name == "events.jsonl" and file.stat().st_size > 0 for file in files):
        print(f"no run in {given_out}")
        return 1
    status, size = 0, 0
    for file in files:
        data = file.read_bytes()
        size += len(data)
        for kind, count in secrets.found(data):
            if count:
                status = 1
                print(f"{file}: {count} {kind}")
    print(f"{len(files)} files, {size} bytes searched for {len(secrets.plates)} plates and {len(secrets.pixels)} words of pictures")
    return status


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
