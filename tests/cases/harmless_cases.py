"""The look-alikes of the specification: what must stay silent although it resembles the breach."""
import base64
import io
import os
import random
import uuid
import zipfile

import wire
import world as material
from breach_cases import names
from case import Case


def rows(header, count, row):
    return "\n".join([header, *(row(number) for number in range(count))]).encode() + b"\n"


def b01(capture, world):
    connection = capture.connect(destination=wire.AGENCY)
    for picture in world.pictures():
        connection.exchange(wire.http("POST", f"/ingest/{picture.name}", picture.read_bytes(), "image/jpeg"))
    connection.close()
    return names(world.pictures())


def b03(capture, world):
    """Every photograph in ten files that differ in a comment."""
    connection = capture.connect()
    for picture in world.photographs():
        jpeg = picture.read_bytes()
        for number in range(10):
            comment = f"holiday {number}".encode()
            body = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
            connection.exchange(wire.http("PUT", f"/gallery/{picture.stem}-{number}.jpg", body, "image/jpeg"))
    connection.close()
    return set()


def b04(capture, world, pictures=None):
    connection = capture.connect()
    for number, picture in enumerate(pictures or world.strangers()):
        connection.exchange(wire.http("POST", f"/demo/{number}.jpg", picture.read_bytes(), "image/jpeg"))
    connection.close()
    return set()


def b04_alike(capture, world):
    return b04(capture, world, world.gates(strangers=True))


def b05(capture, _):
    dice = random.Random(5)
    capture.post(rows("part,description,quantity,price", 10_000, lambda n: f"{material.plate_of('@@@####', dice)},bearing,{n % 90},{n % 700}.50"),
                 "text/csv", "/parts.csv")
    return set()


def b06(capture, _):
    dice = random.Random(6)
    capture.post(rows("sku,description,stock", 10_000, lambda n: f"{material.plate_of('@@@', dice)}-{dice.randrange(1000):03},shirt,{n % 90}"),
                 "text/csv", "/catalogue.csv")
    return set()


def b07(capture, _):
    dice = random.Random(7)
    airports = ("DFW", "IAH", "ATL", "ORD", "LAX", "JFK")
    capture.post(rows("flight,from,to,departure", 5000, lambda n: f"{dice.choice(('AA', 'UA', 'DL', 'WN', 'BA'))}{dice.randrange(10000):04},"
                      f"{airports[n % 6]},{airports[(n + 1) % 6]},{n // 60 % 24:02}:{n % 60:02}"), "text/csv", "/timetable.csv")
    return set()


def b08(capture, _):
    """Six texts of the same number of bytes each."""
    dice, each = random.Random(8), int(os.environ.get("SPANWATCH_CASES_NOISE_BYTES", 24_000_000)) // 6
    commits = "\n".join(dice.randbytes(20).hex() for _ in range(each // 41))
    colours = ";".join(f"#{dice.randrange(1 << 24):06x}" for _ in range(each // 8))
    identifiers = "\n".join(str(uuid.UUID(bytes=dice.randbytes(16), version=4)) for _ in range(each // 37))
    macs = "\n".join(dice.randbytes(6).hex(":" if n % 2 else "-").upper() for n in range(each // 18))
    base64_lines = base64.encodebytes(dice.randbytes(each * 3 // 4)).decode()
    hex_lines = "\n".join(dice.randbytes(32).hex().upper() for _ in range(each // 65))
    for number, text in enumerate((commits, colours, identifiers, macs, base64_lines, hex_lines)):
        capture.post(text.encode(), "text/plain", f"/log/{number}.txt")
    return set()


def b09(capture, _):
    dice = random.Random(9)
    digits = "BCDFGHJKMPQRTVWXY2346789"
    def key():
        return "-".join("".join(dice.choice(digits) for _ in range(5)) for _ in range(5))
    capture.post(rows("product key,patch,advisory", 5000, lambda n: f"{key()},KB{dice.randrange(10**6, 10**7)},CVE-{1999 + n % 27}-{dice.randrange(10**4, 10**5)}"),
                 "text/csv", "/licences.csv")
    return set()


def b10(capture, _):
    dice = random.Random(10)
    capture.post(rows("zip,date,code,phone", 10_000, lambda n: f"{dice.randrange(100000):05},{dice.randrange(10, 26)}{n % 12 + 1:02}{n % 28 + 1:02},"
                      f"{dice.randrange(10**6):06},956-{dice.randrange(1000):03}-{dice.randrange(10000):04}"), "text/csv", "/contacts.csv")
    return set()


class Pipe(io.RawIOBase):
    """What a ZipFile writes, to be taken away piece by piece: it cannot be sought in."""

    def __init__(self):
        self.pieces = []

    def writable(self):
        return True

    def write(self, data):
        self.pieces.append(bytes(data))
        return len(data)

    def take(self):
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def b15(capture, world):
    """Frames nobody registered, each with a scan of its own (so no two files are alike), in one stored zip."""
    wanted, dice = int(os.environ.get("SPANWATCH_CASES_BACKUP_BYTES", 300_000_000)), random.Random(15)
    models = [picture.read_bytes() for picture in world.photographs()]

    def archive():
        pipe, written, number = Pipe(), 0, 0
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as file:
            while written < wanted:
                jpeg = models[number % len(models)]
                cut = 700 + number % 200
                scan = dice.randbytes(2_000_000).replace(b"\xff", b"\xfe") if number % 4 == 0 else jpeg[cut:-2]
                file.writestr(f"photographs/{number:06}.jpg", jpeg[:cut] + scan + b"\xff\xd9")
                number += 1
                block = pipe.take()
                written += len(block)
                yield block
        yield pipe.take()

    connection = capture.connect()
    connection.request(wire.head("PUT", "/backup/photographs.zip", ["Content-Type: application/zip", "Transfer-Encoding: chunked"]))
    connection.request(b"%x\r\n%s\r\n" % (len(block), block) for block in archive() if block)
    connection.request(b"0\r\n\r\n")
    connection.response()
    connection.close()
    return set()


def nested_bomb(levels, width, zeros):
    """Zeros in a zip, `width` times in a zip, and so on."""
    name, content = "0.bin", bytes(zeros)
    for level in range(levels):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(width if level else 1):
                archive.writestr(f"{number}-{name}", content)
        name, content = f"{level}.zip", file.getvalue()
    return content


def b24(capture, world):
    picture = world.strangers()[0].read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", picture)
    capture.put(nested_bomb(4, 16, 10_000_000), "/files/bomb.zip")
    capture.put(b"", "/files/empty.bin")
    capture.put(b"\0", "/files/one.bin")
    capture.put(archive.getvalue()[:-len(picture) // 2], "/files/cut.zip")
    capture.put(picture[:5000], "/files/cut.jpg")
    capture.put(b"PK\5\6" + bytes(18), "/files/empty.zip")
    cut = capture.connect()
    cut.request(wire.http("PUT", "/files/cut-in-transfer.jpg", picture, "image/jpeg")[:20_000])
    cut.close()
    return set()


CASES = [
    Case("B01", "authorised upload of every registered picture to the agency", b01, "informational", {"exact"}, ("authorised",)),
    Case("B03", "500 photographs to a web host", b03, None),
    Case("B04", "frames of the registered cameras that nobody registered", b04, None),
    Case("B04-alike", "70 frames of registered cameras whose frames look alike, that nobody registered", b04_alike, None,
         look_alikes=True, tolerated="low"),
    Case("B05", "part list of 10,000 numbers LLLNNNN", b05, None),
    Case("B06", "stock list of 10,000 numbers AAA-999", b06, None),
    Case("B07", "timetable of 5,000 flights AA1234", b07, None),
    Case("B08", "commit hashes, colours, UUIDs, MAC addresses, base64 and hex noise", b08, None),
    Case("B09", "product keys, KB and CVE numbers", b09, None),
    Case("B10", "ZIP codes, dates YYMMDD, six-digit codes, telephone numbers", b10, None),
    Case("B15", "backup of unregistered photographs in a plain zip, streamed", b15, None, streamed=True),
    Case("B24", "a nested zip bomb, empty and truncated objects", b24, None, anomalies=("content_expansion_limit",)),
]
