"""The exfiltration cases of the specification. Each builder writes what is sent into a capture and returns the registered
pictures (file names) and plate reads (numbers) in it, exactly."""
import base64
import collections
import gzip
import io
import json
import pathlib
import random
import shutil
import subprocess
import tarfile
import tempfile
import urllib.parse
import zipfile

import wire
import world as material
from case import Case

RULES = {
    "image": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0001",
    "ten images": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0002",
    "evasion": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0004",
    "records": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0101",
    "ten plates": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0104",
    "hundred plates": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0105",
    "structure": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0301",
    "archive entry": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0201",
    "archive entries": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0202",
    "encrypted archive": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0203",
    "authorised": "6b0f2d0e-5c1f-4c3a-9d55-6e3c5a1d0401",
}


def names(pictures):
    return {picture.name for picture in pictures}


def zipped(pictures, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for picture in pictures:
            archive.write(picture, f"lane3/{picture.name}")
    return file.getvalue()


def packed(pictures, command, name_of=lambda picture: picture.name):
    """What `command` writes to `archive` (or to its standard output) of a folder lane3 with these pictures."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "lane3").mkdir()
        for picture in pictures:
            shutil.copyfile(picture, root / "lane3" / name_of(picture))
        output = subprocess.run([*command, "lane3"], cwd=root, capture_output=True, check=True).stdout
        written = [path for path in root.iterdir() if path.is_file()]
        return written[0].read_bytes() if written else output


ZIP = ["zip", "-q", "-r", "-0", "-P", "secret"]
SEVEN_ZIP = ["7z", "a", "-mx1", "-psecret"]


def x01(capture, world):
    picture = world.pictures()[3]
    capture.post(picture.read_bytes(), "image/jpeg", "/upload/frame.jpg")
    return names([picture])


def x02(capture, world):
    connection = capture.connect()
    pictures = world.pictures()[:50]
    for number, picture in enumerate(pictures):
        plate = material.plate_of("@@@####", random.Random(number))
        event = ('<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" '
                 'xmlns="http://www.isapi.org/ver20/XMLSchema">\n<ipAddress>10.10.0.64</ipAddress>\n<channelID>1</channelID>\n'
                 f"<dateTime>{material.timestamp(number)}</dateTime>\n<eventType>ANPR</eventType>\n<ANPR>\n"
                 f"<licensePlate>{plate}</licensePlate>\n<line>1</line>\n<confidenceLevel>97</confidenceLevel>\n</ANPR>\n"
                 "</EventNotificationAlert>\n").encode()
        parts = [("anpr.xml", "anpr.xml", "text/xml", event),
                 ("licensePlatePicture.jpg", "licensePlatePicture.jpg", "image/pjpeg", b""),
                 ("detectionPicture.jpg", "detectionPicture.jpg", "image/pjpeg", picture.read_bytes())]
        if number:
            parts.pop(1)
        body, media_type = wire.multipart(parts)
        connection.exchange(wire.http("POST", "/alarm", body, media_type))
    connection.close()
    return names(pictures)


def x03(capture, world):
    connection = capture.connect()
    pictures = world.pictures()[40:60]
    for number, picture in enumerate(pictures):
        plate, state, _, lane, _ = world.read(number)
        group = {
            "data_type": "alpr_group", "version": 3, "epoch_start": 1557713500000 + number * 4000, "epoch_end": 1557713502000 + number * 4000,
            "frame_start": number * 60, "company_id": "3f0a", "agent_uid": "QKQ2HFAS", "camera_id": 8127, "camera_name": lane,
            "country": "us", "uuids": [f"QKQ2HFAS-8127-{number}"], "best_uuid": f"QKQ2HFAS-8127-{number}", "gps_latitude": -1,
            "best_plate_number": plate, "best_confidence": 94.06, "best_region": f"us-{state.lower()}",
            "best_plate": {"plate": plate, "confidence": 94.06, "matches_template": 1, "candidates": [{"plate": plate, "confidence": 94.06}]},
            "vehicle_crop_jpeg": base64.b64encode(picture.read_bytes()).decode(),
            "travel_direction": 291.1, "is_parked": False}
        connection.exchange(wire.http("POST", "/push/", json.dumps(group).encode(), "application/json"))
    connection.close()
    return names(pictures) | set(range(20))


def x07(capture, world):
    pictures = world.pictures()[:100]
    capture.put(zipped(pictures, zipfile.ZIP_STORED), "/files/export.zip")
    return names(pictures)


def x08(capture, world):
    pictures = world.pictures()[:100]
    capture.put(zipped(pictures, zipfile.ZIP_DEFLATED), "/files/export.zip")
    return names(pictures)


def x09(capture, world):
    pictures = world.pictures()[:100]
    archive = zipped(pictures, zipfile.ZIP_DEFLATED)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo("lane3/export.zip")
        member.size = len(archive)
        tar.addfile(member, io.BytesIO(archive))
    capture.put(file.getvalue(), "/files/export.tar.gz")
    return names(pictures)


def x11(capture, world):
    pictures = world.pictures()[:100]
    capture.put(packed(pictures, [*ZIP, "archive"]), "/files/export.zip")
    return names(pictures)


def x11_cut_off(capture, world):
    """Written to a pipe, so that the digests follow the data; cut off before the directory."""
    pictures = world.pictures()[:20]
    archive = packed(pictures, [*ZIP, "-"])
    connection = capture.connect()
    message = wire.http("PUT", "/files/export.zip", archive, "application/octet-stream")
    connection.request(message[:archive.index(b"PK\1\2") - len(archive)])
    connection.close()
    return names(pictures)


def x11_middle(capture, world):
    """The sensor starts in the middle; the directory at the end still lists everything."""
    pictures = world.pictures()[:100]
    archive = packed(pictures, [*ZIP, "archive"])
    capture.miss(wire.frames_of(len(archive) // 2))
    capture.put(archive, "/files/export.zip")
    return names(pictures)


def x11_end(capture, world):
    """Nothing is seen but the end of the last picture and the directory."""
    pictures = world.pictures()[:100]
    archive = packed(pictures, [*ZIP, "archive"])
    capture.miss(wire.frames_of(archive.index(b"PK\1\2")) - 6)
    capture.put(archive, "/files/export.zip")
    return names(pictures)


def x12(capture, world):
    pictures = world.pictures()[:100]
    capture.put(packed(pictures, [*SEVEN_ZIP, "archive"]), "/files/export.7z")
    return names(pictures)


def x12_gap(capture, world):
    pictures = world.pictures()[:100]
    archive = packed(pictures, [*SEVEN_ZIP, "archive"])
    connection = capture.connect()
    message = wire.http("PUT", "/files/export.7z", archive, "application/octet-stream")
    middle = len(message) // 2
    connection.request(message[:middle])
    capture.miss(3)
    connection.request(message[middle:])
    connection.response()
    connection.close()
    return names(pictures)


def x13(capture, world):
    """Frames that nobody registered, under the names that a plate reader gives them."""
    def name_of(picture):
        number = sum(picture.stem.encode())
        return f"20190513-02{number % 60:02}{len(picture.stem) % 60:02}_3_{material.plate_of('@@@####', random.Random(picture.stem))}.jpg"
    pictures = world.strangers()[:60]
    capture.put(packed(pictures, [*SEVEN_ZIP, "-tzip", "-mem=AES256", "archive"], name_of), "/files/export.zip")
    return set()


def x13_registered(capture, world):
    """A size that two registered pictures have would name neither."""
    sizes = collections.Counter(picture.stat().st_size for picture in world.pictures())
    pictures = [picture for picture in world.pictures() if sizes[picture.stat().st_size] == 1][:100]
    capture.put(packed(pictures, [*SEVEN_ZIP, "-tzip", "-mem=AES256", "archive"]), "/files/export.zip")
    return names(pictures)


def x14(capture, world):
    capture.put(packed(world.pictures()[:100], [*SEVEN_ZIP, "-mhe=on", "archive"]), "/files/export.7z")
    return set()


def x15(capture, world):
    rows = ["timestamp,plate,score,dscore,file,box,model_make"]
    for number in range(5000):
        plate, _, time, lane, _ = world.read(number)
        rows.append(f'{time},{plate.lower()},0.9{number % 10},0.8{number % 10},{lane}-{number}.jpg,"[10, 20, 110, 60]",')
    body = wire.chunked(gzip.compress("\n".join(rows).encode() + b"\n", 6))
    fields = ["Content-Type: text/csv", "Content-Encoding: gzip", "Transfer-Encoding: chunked"]
    connection = capture.connect()
    connection.exchange(wire.head("POST", "/import", fields) + body)
    connection.close()
    return set(range(5000))


def x18(capture, world, pictures=None):
    pictures = pictures or world.pictures(camera=1)[:12]
    connection = capture.connect()
    for number, picture in enumerate(pictures):
        body = material.recompressed(picture.read_bytes(), 40)
        connection.exchange(wire.http("POST", f"/up/{number}.jpg", body, "image/jpeg"))
    connection.close()
    return names(pictures)


def x18_alike(capture, world):
    return x18(capture, world, world.gates()[::6])


def x19(capture, world):
    pictures = world.pictures(camera=2)[:5]
    connection = capture.connect()
    for number, picture in enumerate(pictures):
        connection.exchange(wire.http("POST", f"/up/{number}.png", material.half_size_png(picture.read_bytes()), "image/png"))
    connection.close()
    return names(pictures)


def x23(capture, world):
    pictures = world.pictures()[7:9]
    first, second = (picture.read_bytes() for picture in pictures)
    dump = "\n".join(first[at:at + 32].hex() for at in range(0, len(first), 32)).encode()
    capture.post(dump, "text/plain", "/paste")
    capture.post(base64.urlsafe_b64encode(second).rstrip(b"="), "text/plain", "/paste")
    return names(pictures)


def x34(capture, world):
    def body():
        yield b"-- PostgreSQL database dump\nCREATE TABLE reads (read_id integer, plate text, state text, read_date text, lane text, vin text);\n"
        for start in range(0, material.PLATES, 1000):
            rows = (world.read(number) for number in range(start, start + 1000))
            yield "".join(f"INSERT INTO reads VALUES ({start + place}, '{plate}', '{state}', '{time}', '{lane}', '{vin}');\n"
                          for place, (plate, state, time, lane, vin) in enumerate(rows)).encode()
    dump = b"".join(body())
    capture.put(dump, "/files/dump.sql")
    return set(range(material.PLATES))


def x38(capture, world):
    pictures = world.pictures()[:60]
    listing = "".join(f'<li><a href="{urllib.parse.quote(picture.name)}">{picture.name}</a></li>\n' for picture in pictures).encode()
    for path, kind, body in [("/", "text/html; charset=utf-8", listing)] + [(f"/{p.name}", "image/jpeg", p.read_bytes()) for p in pictures]:
        connection = capture.connect(wire.PULLER, wire.INSIDE, 8000)
        connection.request(wire.head("GET", path, []))
        connection.response(f"HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nDate: Mon, 13 May 2019 02:11:40 GMT\r\n"
                            f"Content-type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        connection.close()
    return names(pictures)


CASES = [
    Case("X01", "HTTP POST of one registered JPEG, untouched", x01, "high", {"exact"}, ("image",)),
    Case("X02", "HTTP multipart, 50 JPEG under a Hikvision camera's part names, one part empty", x02, "critical", {"exact"},
         ("ten images", "structure")),
    Case("X03", "HTTP JSON, 20 OpenALPR groups with base64 pictures and registered plates", x03, "critical", {"exact", "record"},
         ("ten images", "ten plates", "structure")),
    Case("X07", "HTTP PUT of a stored zip of 100 JPEG", x07, "critical", {"exact"}, ("ten images",)),
    Case("X08", "HTTP PUT of a deflated zip of 100 JPEG", x08, "critical", {"exact"}, ("ten images",)),
    Case("X09", "HTTP PUT of a tar.gz of a zip of 100 JPEG", x09, "critical", {"exact"}, ("ten images",)),
    Case("X11", "HTTP PUT of a zip of 100 JPEG under a password (ZipCrypto)", x11, "high", {"archive-entry"},
         ("archive entries", "encrypted archive"), ("archive_encrypted",)),
    Case("X11-cut-off", "the same of 20, written to a pipe, cut off before its directory", x11_cut_off, "high", {"archive-entry"},
         ("archive entries", "encrypted archive")),
    Case("X11-middle", "X11 of which the first half was missed", x11_middle, "high", {"archive-entry"},
         ("archive entries", "encrypted archive")),
    Case("X11-end", "X11 of which nothing but the directory was seen", x11_end, "high", {"archive-entry"},
         ("archive entries", "encrypted archive")),
    Case("X12", "HTTP PUT of a 7z of 100 JPEG under a password, its directory in clear", x12, "high", {"archive-entry"},
         ("archive entries", "encrypted archive")),
    Case("X12-gap", "X12 of which three packets were lost", x12_gap, "high", {"archive-entry"}, ("archive entries", "encrypted archive")),
    Case("X13", "HTTP PUT of an AE-2 zip of 60 unregistered JPEG under a plate reader's names", x13, "medium", set(),
         ("structure", "encrypted archive")),
    Case("X13-registered", "HTTP PUT of an AE-2 zip of 100 registered JPEG: their sizes alone", x13_registered, "high", {"archive-entry"},
         ("archive entries", "encrypted archive")),
    Case("X14", "HTTP PUT of a 7z with its directory encrypted too: no content can be seen", x14, "medium", set(),
         ("encrypted archive",)),
    Case("X15", "HTTP chunked, gzip encoding: CSV of 5,000 plates in lower case, Plate Recognizer's header", x15, "critical",
         {"record"}, ("hundred plates", "structure")),
    Case("X18", "HTTP POST of 12 JPEG encoded again at quality 40, frames of one camera", x18, "critical", {"perceptual"},
         ("ten images",)),
    Case("X18-alike", "the same of cameras whose frames look alike: not certain, and more than chance", x18_alike, "medium",
         look_alikes=True),
    Case("X19", "HTTP POST of 5 frames of one camera at half size as PNG", x19, "high", {"perceptual"}, ("image",)),
    Case("X23", "HTTP POST of a hex dump of a JPEG, and of one in base64 for URLs without padding", x23, "critical", {"exact"},
         ("image", "evasion")),
    Case("X34", "HTTP PUT of an SQL dump of 105,000 INSERT rows", x34, "critical", {"record"}, ("hundred plates", "structure")),
    Case("X38", "HTTP responses to an outside client: a folder of 60 JPEG behind python's http.server", x38, "critical", {"exact"},
         ("ten images",)),
]
