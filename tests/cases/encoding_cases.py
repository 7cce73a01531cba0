"""Cases of what leaves inside encodings and carriers that compress a part at a time: PDF, git packs, mail of the old kind, queues."""
import base64
import binascii
import json
import random
import zlib

import world as material
from case import Case
from record_cases import of_shape, pack, send_mail


def table(world, numbers):
    return ("plate,state,timestamp,lane\n" + "".join(",".join(world.read(number)[:4]) + "\n" for number in numbers)).encode()


def x49(capture, world):
    """A push by smart HTTP of a folder with a table."""
    numbers = of_shape(world, "@@@####", 300, 24000)
    command = b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/main\0 report-status side-band-64k agent=git/2.39.5\n"
    body = b"%04x" % (len(command) + 4) + command + b"0000" + pack([b"# reads\n", table(world, numbers), b"all of May\n"])
    capture.post(body, "application/x-git-receive-pack-request", "/team/reads.git/git-receive-pack")
    return set(numbers)


def pdf(pages, picture):
    """As ReportLab and its like write it: each page's operators under Flate, one picture as it is."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    for page in pages:
        body = base64.a85encode(zlib.compress(page)) + b"~>"
        objects.append(b"<< /Filter [ /ASCII85Decode /FlateDecode ] /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
    objects.append(b"<< /Type /XObject /Subtype /Image /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (len(picture), picture))
    return b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(objects, 1)) + b"%%EOF\n"


def x50(capture, world):
    numbers, picture = of_shape(world, "@@@####", 120, 28000), world.pictures()[9]

    def line(number, place):
        plate, state, time, lane, _ = world.read(number)
        text = f"({plate}  {state}) Tj 120 0 Td ({time} {lane}) Tj" if place % 2 else f"[({plate[:2]}) -20 ({plate[2:5]}) 15 ({plate[5:]})] TJ"
        return f"1 0 0 1 72 {720 - 12 * (place % 50)} Tm {text}\n"
    pages = [("BT /F1 9 Tf\n" + "".join(line(number, place) for place, number in enumerate(numbers[at:at + 50])) + "ET\n").encode()
             for at in range(0, len(numbers), 50)]
    capture.put(pdf(pages, picture.read_bytes()), "/reports/may.pdf")
    return set(numbers) | {picture.name}


def uuencoded(name, content):
    lines = b"".join(binascii.b2a_uu(content[at:at + 45]) for at in range(0, len(content), 45))
    return f"begin 644 {name}\n".encode() + lines + b"`\nend\n"


def x51(capture, world):
    """Pictures in mail: one in uuencode, one in base32; a patch of git with a third."""
    pictures = world.pictures()[10:13]
    contents = [picture.read_bytes() for picture in pictures]
    send_mail(capture, "See below.\n\n" + uuencoded("1.jpg", contents[0]).decode())
    capture.post(base64.b32encode(contents[1]), "text/plain", "/paste")
    packed = zlib.compress(contents[2])
    lines = b"".join(bytes([64 + len(line) if len(line) < 27 else 70 + len(line)]) + base64.b85encode(line, pad=True) + b"\n"
                     for line in (packed[at:at + 52] for at in range(0, len(packed), 52)))
    patch = b"diff --git a/3.jpg b/3.jpg\nnew file mode 100644\nGIT binary patch\nliteral %d\n%s\nliteral 0\nHcmV?d00001\n\n" % (
        len(contents[2]), lines)
    capture.post(patch, "text/x-patch", "/review")
    return {picture.name for picture in pictures}


def x52(capture, world):
    """A record of a queue a request, a row of the table in each."""
    numbers = of_shape(world, "@@@####", 40, 30000)
    for number in numbers:
        row = ",".join(world.read(number)[:3]).encode()
        capture.post(json.dumps({"StreamName": "reads", "Data": base64.b64encode(row).decode(), "PartitionKey": "1"}).encode(),
                     "application/x-amz-json-1.1", "/")
    return set(numbers)


def b27(capture, world):
    """Tokens, digests and identifiers as any service has them, and rows of plates that nobody registered."""
    dice, registered = random.Random(27), set(world.plates)
    for _ in range(400):
        plate = material.plate_of("@@@####", dice)
        if plate in registered:
            continue
        record = {"trace": dice.randbytes(16).hex(), "etag": base64.b64encode(dice.randbytes(15)).decode(), "id": str(dice.randrange(10**18)),
                  "token": base64.urlsafe_b64encode(json.dumps({"sub": dice.randrange(10**9), "v": 1}).encode()).decode(),
                  "Data": base64.b64encode(f"{plate},TX".encode()).decode(), "blob": "0x" + dice.randbytes(24).hex()}
        capture.post(json.dumps(record).encode(), "application/json", f"/v1/items/{dice.randbytes(9).hex()}")
    return set()


CASES = [
    Case("X49", "git push of a table of 300 reads", x49, "critical", {"record"}, ("hundred plates",)),
    Case("X50", "HTTP PUT of a PDF of 120 reads, half of them in pieces, and one JPEG", x50, "critical", {"record", "exact"},
         ("hundred plates", "image")),
    Case("X51", "pictures in uuencode, base32 and a patch of git", x51, "critical", {"exact"}, ("image", "evasion")),
    Case("X52", "40 records of a queue, a row in base64 in each", x52, "high", {"record"}, ("ten plates",)),
    Case("B27", "tokens, digests, identifiers, and rows that nobody registered, in base64 and hex", b27, None),
]
