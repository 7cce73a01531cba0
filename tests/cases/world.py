"""What the cases share: a data owner with pictures of fixed lane cameras and 105,000 plate reads, registered and built into a
hash set once; strangers of the same cameras that are not registered; the shipped rules with one authorisation, signed. All of it
is made here from seeds; no plate belongs to anybody."""
import json
import pathlib
import random
import struct
import subprocess
import zlib

import wire

CAMERAS, REGISTERED_PER_CAMERA, STRANGERS_PER_CAMERA = 4, 28, 28
GATES, FRAMES_PER_GATE = 2, 70  # one half registered
PLATES = 105_000
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q: they have a second spelling
VIN_ALPHABET = "0123456789" + LETTERS
# Shape, and how many of the registered plates have it.
SHAPES = (("@@@####", 60_000), ("@@@###", 22_000), ("#@@@###", 10_000), ("@@####", 8_000), ("######", 5_000))


def plate_of(shape, dice):
    return "".join(dice.choice(LETTERS) if slot == "@" else str(dice.randrange(10)) for slot in shape)


def plates():
    dice, distinct = random.Random(105), {}
    for shape, count in SHAPES:
        until = len(distinct) + count
        while len(distinct) < until:
            distinct[plate_of(shape, dice)] = None
    mixed = list(distinct)
    dice.shuffle(mixed)
    return mixed


def timestamp(number):
    return f"2019-05-{number // 86400 + 11:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"


def vehicle_number(number):
    """As long as a VIN and of its alphabet, of no vehicle."""
    return "1ZZ" + "".join(VIN_ALPHABET[(number * 7919 + place * place * 31 + (number >> place)) % 33] for place in range(14))


class World:
    """A folder with everything; made once, opened by every group of cases."""

    def __init__(self, program, folder, make_pictures=None):
        self.program, self.make_pictures = str(program), make_pictures
        self.folder = pathlib.Path(folder).resolve()
        self.plates = plates()
        self.states = ("TX", "NM", "OK", "LA")

    # What is registered, and what is not.
    def pictures(self, camera=None):
        if camera is not None:
            return [picture for picture in self.pictures() if picture.parent.name == f"lane{camera}"]
        return sorted((self.folder / "lanes").glob("*/*.jpg"))

    def strangers(self):
        return sorted((self.folder / "strangers").glob("*/*.jpg"))

    def gates(self, strangers=False):
        """Frames that look alike: calibration calls none of their collection sure."""
        return sorted((self.folder / ("gate-strangers" if strangers else "gates")).glob("*/*.jpg"))

    def photographs(self):
        return sorted((self.folder / "photographs").glob("*/*.jpg"))

    def make(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.make_frames()
        with open(self.folder / "entrusted-reads.csv", "w", encoding="utf-8") as table:
            table.write("plate,state,timestamp,lane,vin\n")
            for number in range(PLATES):
                table.write(",".join(self.read(number)) + "\n")
        register = ["--register", "register.db"]
        self.run("keygen", "--out", "owner")
        self.run("register", "init", *register, "--owner", "Agency", "--record-key", "record.key")
        self.run("register", "add", "images", *register, "--collection", "lanes", "lanes")
        self.run("register", "add", "images", *register, "--collection", "gates", "gates")
        self.run("register", "add", "records", *register, "--collection", "reads", "--plate", "plate", "--support",
                 "state,timestamp,lane,vin", "entrusted-reads.csv")
        self.run("register", "build", *register, "--sign", "owner.key", "--out", "agency.swset")
        (self.folder / "items.jsonl").write_text(self.run("register", "list", *register, "--json"), encoding="utf-8")
        self.make_rules()

    def make_frames(self):
        """Of the frames of each camera one half is registered, the other half are its strangers."""
        frames = REGISTERED_PER_CAMERA + STRANGERS_PER_CAMERA
        for name, cameras, number, seed in (("frames", CAMERAS, frames, 2019), ("photographs", 25, 2, 7)):
            subprocess.run([self.make_pictures, str(self.folder / name), "--cameras", str(cameras), "--frames", str(number),
                            "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([self.make_pictures, str(self.folder / "gate-frames"), "--gates", "--cameras", str(GATES), "--frames",
                        str(FRAMES_PER_GATE), "--seed", "2019", "--size", "640x360"], check=True, stdout=subprocess.DEVNULL)
        for frames, halves in (("frames", ("lanes", "strangers")), ("gate-frames", ("gates", "gate-strangers"))):
            for camera in sorted((self.folder / frames).iterdir()):
                pictures = sorted(camera.glob("*.jpg"), key=lambda picture: int(picture.stem.rpartition("_")[2]))
                for place, picture in enumerate(pictures):
                    folder = self.folder / halves[place % 2] / camera.name
                    folder.mkdir(parents=True, exist_ok=True)
                    for file in (picture, picture.with_suffix(".json")):
                        if file.exists():
                            file.rename(folder / file.name)

    def make_rules(self):
        rules = self.folder / "rules"
        rules.mkdir()
        for shipped in (pathlib.Path(__file__).resolve().parents[2] / "rules").glob("*.yml"):
            (rules / shipped.name).write_bytes(shipped.read_bytes())
        (rules / "authorisations.yml").write_text(
            "authorisations:\n  - {name: nightly-upload, reference: TICKET-1234, collections: [lanes], "
            f"sources: [{wire.INSIDE}],\n     destinations: [{wire.AGENCY}], protocols: [http], expires: 2030-01-01}}\n", encoding="utf-8")
        self.run("rules", "sign", "--key", "owner.key", "rules")

    def run(self, *arguments):
        result = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"spanwatch {' '.join(arguments)}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def read(self, number):
        """Row `number` of the registered table."""
        return self.plates[number], self.states[number % 4], timestamp(number), f"lane{number % 8 + 1}", vehicle_number(number)

    def items(self):
        """Item of a picture by its file name, of a plate read by its number."""
        known = {}
        for line in (self.folder / "items.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            name = item["source"].rpartition("/")[2]
            if item["kind"] == "record":
                known[int(name.rpartition(":")[2]) - 2] = item["id"]
            else:
                known[name] = item["id"]
        return known


def recompressed(jpeg, quality):
    """Decoded and encoded again: no metadata survives."""
    pixels = subprocess.run(["djpeg", "-pnm"], input=jpeg, capture_output=True, check=True).stdout
    return subprocess.run(["cjpeg", "-quality", str(quality)], input=pixels, capture_output=True, check=True).stdout


def half_size_png(jpeg):
    image = subprocess.run(["djpeg", "-scale", "1/2", "-pnm"], input=jpeg, capture_output=True, check=True).stdout
    kind, width, height, _, pixels = split_pnm(image)
    return png(kind, int(width), int(height), pixels)


def split_pnm(image):
    """Header fields and pixels; pixels may begin with what looks like a space."""
    fields, at = [], 0
    for _ in range(4):
        end = min(place for place in (image.find(mark, at) for mark in (b" ", b"\n")) if place >= 0)
        fields.append(image[at:end])
        at = end + 1
    return (*fields, image[at:])


def png(kind, width, height, pixels):
    row = width * (3 if kind == b"P6" else 1)
    rows = b"".join(b"\0" + pixels[at:at + row] for at in range(0, height * row, row))

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if kind == b"P6" else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 3)) + chunk(b"IEND", b"")
