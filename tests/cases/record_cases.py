"""Cases of plate records alone: lists, forms and databases that carry registered plates out, and the everyday texts beside them that
must stay silent."""
import json
import random
import string
import struct
import urllib.parse
import zlib

import office
import wire
import world as material
from case import Case
from harmless_cases import rows

def of_shape(world, shape, count, first=0):
    """Numbers of `count` registered reads whose plate has this shape."""
    kinds = str.maketrans(string.ascii_uppercase + string.digits, "@" * 26 + "#" * 10)
    found = [number for number in range(first, first + count * 4) if world.plates[number].translate(kinds) == shape]
    return found[:count]


def unregistered(world, shape, count, seed):
    dice, registered, found = random.Random(seed), set(world.plates), []
    while len(found) < count:
        plate = material.plate_of(shape, dice)
        if plate not in registered:
            found.append(plate)
    return found


def send_mail(capture, text):
    """One message by SMTP, in clear."""
    connection = capture.connect(source=wire.LAPTOP, port=25)
    connection.response(b"220 mx.example ESMTP\r\n")
    for command, answer in ((b"EHLO laptop.example\r\n", b"250 mx.example\r\n"), (b"MAIL FROM:<a@contractor.example>\r\n", b"250 OK\r\n"),
                            (b"RCPT TO:<b@example.org>\r\n", b"250 OK\r\n"), (b"DATA\r\n", b"354 go ahead\r\n")):
        connection.request(command)
        connection.response(answer)
    connection.request(b"From: a@contractor.example\r\nTo: b@example.org\r\nSubject: gate\r\nMIME-Version: 1.0\r\n"
                       b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.replace("\n", "\r\n").encode() + b"\r\n.\r\n")
    connection.response(b"250 queued\r\n")
    connection.close()


def b11(capture, _):
    dice = random.Random(11)

    def row(number):
        vessel = f"{dice.choice(('NH', 'FL', 'TX', 'MI'))} {dice.randrange(10000):04} {material.plate_of('@@', dice)}"
        owner, serial = material.plate_of("@@@", dice), dice.randrange(10**6)
        container = f"{owner}U {serial:06} {number % 10}" if number % 2 else f"{owner}U{serial:06}{number % 10}"
        return f"{vessel},{material.vehicle_number(dice.randrange(10**9))},{container},{number % 40}"

    capture.post(rows("vessel,vin,container,berth", 5000, row), "text/csv", "/port.csv")
    return set()


def b17(capture, world):
    plate, state, *_ = world.read(of_shape(world, "@@@####", 1)[0])
    form = urllib.parse.urlencode({"employee": "4711", "name": "A. Person", "plate": plate, "state": state, "floor": "2"})
    capture.post(form.encode(), "application/x-www-form-urlencoded", "/parking/register", source=wire.LAPTOP)
    return {of_shape(world, "@@@####", 1)[0]}


def b18(capture, world):
    plate = world.plates[of_shape(world, "@@@####", 1)[0]]
    send_mail(capture, f"Hello,\nyesterday a grey van, {plate}, stood in front of gate 3 for two hours.\nCould you have a look?\n")
    return set()


def b19(capture, world):
    first, second = (world.plates[number] for number in of_shape(world, "@@@####", 2))
    send_mail(capture, f"Hello,\nboth {first} and {second[:3]}-{second[3:]} left at noon, the first one again at 3 pm.\nRegards\n")
    return set()


def b20(capture, world):
    plates = unregistered(world, "@@@####", 60, 20) + unregistered(world, "#@@@###", 20, 21)
    dice = random.Random(20)
    table = [("Name", "Department", "License Plate", "State", "Make", "Permit")]
    table += [(f"{name}. Person", dice.choice(("HR", "IT", "Sales")), plate, dice.choice(world.states), "Sedan", 1000 + place)
              for place, (name, plate) in enumerate(zip(string.ascii_uppercase * 4, plates))]
    capture.put(office.workbook([("Permits", table)]), "/hr/permits.xlsx")
    capture.post("\n".join(",".join(map(str, row)) for row in table).encode(), "text/csv", "/hr/permits.csv")
    return set()


def pack(blobs):
    """A git pack of undeltified blobs (gitformat-pack)."""
    objects = [b"PACK" + struct.pack(">II", 2, len(blobs))]
    for blob in blobs:
        size, head = len(blob) >> 4, [3 << 4 | len(blob) & 15]
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        objects.append(bytes(head) + zlib.compress(blob))
    return b"".join(objects) + bytes(20)


def b23(capture, _):
    dice, names = random.Random(23), ("parses", "masks", "refuses", "joins")
    sources = []
    for number in range(12):
        checks = "".join(f'  EXPECT_EQ(Normalise("{material.plate_of("@@@####", dice)}"), {dice.choice(names)}({n}));\n' for n in range(40))
        sources.append(f'#include "plates.h"\n\nTEST(Plates, Suite{number}) {{\n{checks}}}\n'.encode())
    command = b"0" * 40 + b" " + dice.randbytes(20).hex().encode() + b" refs/heads/main\0 report-status side-band-64k agent=git/2.39.5\n"
    body = b"%04x" % (len(command) + 4) + command + b"0000" + pack(sources)
    capture.post(body, "application/x-git-receive-pack-request", "/team/plates.git/git-receive-pack")
    patch = b"".join(b"diff --git a/t%d.cc b/t%d.cc\n@@ -0,0 +1,%d @@\n" % (n, n, source.count(b"\n")) +
                     b"".join(b"+" + line for line in source.splitlines(keepends=True)) for n, source in enumerate(sources))
    capture.post(patch, "text/x-patch", "/review")
    return set()


def tds_packets(message, size=4096):
    """MS-TDS packets of type bulk load: 8 bytes of header each (type, status, length, SPID, number, window)."""
    pieces = [message[at:at + size - 8] for at in range(0, len(message), size - 8)]
    return b"".join(struct.pack(">BBHHBB", 7, place == len(pieces) - 1, len(piece) + 8, 0, place + 1 & 0xFF, 0) + piece
                    for place, piece in enumerate(pieces))


def nvarchar(text):
    return struct.pack("<H", 2 * len(text)) + text.encode("utf-16-le")


def x33(capture, world):
    """Bulk insert into an ELSAG reads table. A plate that a packet header cuts is not there for a search of the raw stream."""
    dice, message, whole = random.Random(33), bytearray(b"\x81\x05\0"), set()
    for name in ("read_id", "plate", "device_id", "read_date", "image"):
        message += b"\0\0\0\0\x09\0\xe7\x64\0\x09\x04\xd0\0\x34" + bytes([len(name)]) + name.encode("utf-16-le")
    numbers = of_shape(world, "@@@####", 1000, 2000)
    for number in numbers:
        plate, _, time, lane, _ = world.read(number)
        message += b"\xd1\x04" + struct.pack("<I", number) + b"\x0e\0"
        begin = len(message)
        message += plate.encode("utf-16-le")
        if begin // 4088 == (len(message) - 1) // 4088:
            whole.add(number)
        message += nvarchar(lane) + nvarchar(time.rstrip("Z").replace("T", " ")) + struct.pack("<H", 120) + dice.randbytes(120)
    message += b"\xfd\0\0\0\0" + bytes(8)
    connection = capture.connect(port=1433)
    connection.request(tds_packets(bytes(message)))
    connection.close()
    return whole


def mqtt(kind, body):
    """A control packet of MQTT 3.1.1."""
    length, size = b"", len(body)
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return bytes([kind]) + length + body


def mqtt_text(text):
    return struct.pack(">H", len(text)) + text.encode()


def x35(capture, world):
    connection = capture.connect(port=1883)
    connection.request(mqtt(0x10, mqtt_text("MQTT") + b"\x04\x02\0\x3c" + mqtt_text("frigate")))
    connection.response(mqtt(0x20, b"\0\0"))
    numbers = of_shape(world, "@@@####", 500, 4000)
    for place, number in enumerate(numbers):
        plate, _, _, lane, _ = world.read(number)
        update = {"type": "lpr", "id": f"{1557713500 + place}.475377-mx{place:04}", "name": "", "plate": plate, "score": 0.95,
                  "camera": lane, "timestamp": 1557713500.5 + number}
        connection.request(mqtt(0x30, mqtt_text("frigate/tracked_object_update") + json.dumps(update).encode()))
    connection.request(mqtt(0xE0, b""))
    connection.close()
    return set(numbers)


def x43(capture, world):
    numbers = of_shape(world, "@@@####", 400, 8000)
    lines = []
    for number in numbers:
        plate = world.plates[number].replace("0", "O")
        lines.append(f"{plate[:2]} {plate[2]}-{plate[3:5]} {plate[5:]}")
    form = urllib.parse.urlencode({"api_option": "paste", "api_paste_name": "list", "api_paste_code": "\n".join(lines)})
    capture.post(form.encode(), "application/x-www-form-urlencoded", "/api/api_post.php")
    return set(numbers)


def file_list(plates):
    return "\n".join(f"export/lane{place % 8 + 1}/20190513-{place // 60 + 10:02}{place % 60:02}07_cam{place % 8 + 1}_{plate}.jpg"
                     for place, plate in enumerate(plates)).encode() + b"\n"


def x45a(capture, world):
    numbers = of_shape(world, "@@@####", 40, 12000)
    capture.post(file_list([world.plates[number] for number in numbers] + unregistered(world, "@@@####", 20, 45)), "text/plain", "/paste")
    return set(numbers)


def x45b(capture, world):
    capture.post(file_list(unregistered(world, "@@@####", 60, 46)), "text/plain", "/paste")
    return set()


def x16(capture, world):
    """The workbook of X16 without its mail: texts in sharedStrings behind the worksheet, times as Excel's serials."""
    numbers = of_shape(world, "@@@####", 2000, 16000)
    table = [("Read", "Plate", "State", "Timestamp", "Lane")]
    for place, number in enumerate(numbers):
        plate, state, time, lane, _ = world.read(number)
        days, hours = int(time[8:10]), (int(time[11:13]) * 60 + int(time[14:16])) / 1440 + int(time[17:19]) / 86400
        table.append((place, plate, state, round(43585 + days + hours, 9), lane))
    capture.put(office.workbook([("Reads", table)]), "/files/reads.xlsx")
    return set(numbers)


LOOKUPS = 13


def lookup(plate, place):
    """One request that names one plate, each time in another place."""
    def get(path, *fields):
        return wire.head("GET", path, fields)
    part = f'--b\r\nContent-Disposition: form-data; name="plate"\r\n\r\n{plate}\r\n--b--\r\n'.encode()
    return (get(f"/lookup?lang=en&plate={plate[:3].lower()}%20{plate[3:]}"),
            get(f"/api/plates/{plate}"),
            get("/lookup", f"X-License-Plate: {plate}"),
            get("/lookup", f"Cookie: session=0123456789abcdef; plate={plate[:3]}-{plate[3:]}"),
            get("/style.css", f"Referer: http://api.example/lookup?plate={plate[:3]}+{plate[3:]}&lang=en"),
            wire.http("POST", "/lookup", f"lang=en&plate={plate}".encode(), "application/x-www-form-urlencoded"),
            wire.http("POST", "/lookup", part, "multipart/form-data; boundary=b"),
            wire.http("POST", "/lookup", json.dumps({"plate": plate}).encode(), "application/json"),
            wire.http("POST", "/lookup", f"<lookup><plate>{plate}</plate></lookup>".encode(), "text/xml"),
            get(f"/odata/Cars('{plate}')"),
            get(f"/search?q=%22{plate[:3]}-{plate[3:]}%22"),
            wire.http("POST", "/lookup", json.dumps({"q": plate}).encode(), "application/json"),
            wire.http("POST", "/lookup", f"{plate}\n".encode(), "text/plain"))[place % LOOKUPS]


def x47(capture, world):
    numbers = of_shape(world, "@@@####", 4 * LOOKUPS, 20000)
    for place, number in enumerate(numbers):
        connection = capture.connect()
        connection.request(lookup(world.plates[number], place))
        connection.response(b"HTTP/1.1 204 No Content\r\n\r\n")
        connection.close()
    return set(numbers)


def x48(capture, world):
    """Asked for by name on one connection; the names of the answers go the other way."""
    numbers = of_shape(world, "@@@####", 60, 22000)
    connection = capture.connect()
    for number in numbers:
        connection.request(wire.head("GET", f"/vehicles/{world.plates[number]}", []))
        connection.response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    connection.close()
    return set(numbers)


def b26(capture, world):
    """One or two of these thousands are registered plates, as chance has it: a low alert at most."""
    dice, left = random.Random(23), set()
    registered = {plate: number for number, plate in enumerate(world.plates)}
    for _ in range(300):
        connection = capture.connect(source=wire.LAPTOP)
        for _ in range(10):
            number = material.plate_of("@@@####", dice)
            left |= {registered[number]} if number in registered else set()
            connection.request(dice.choice((wire.head("GET", f"/product/{number}", []), wire.head("GET", f"/shop?item={number}", []),
                                            wire.http("POST", "/basket", f"item={number}".encode(), "application/x-www-form-urlencoded"),
                                            wire.http("POST", "/basket", json.dumps({"item": number}).encode(), "application/json"))))
            connection.response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.close()
    return left


CASES = [
    Case("X16w", "HTTP PUT of a workbook of 2,000 reads", x16, "critical", {"record"}, ("hundred plates", "structure")),
    Case("X33", "TDS bulk insert, UTF-16LE plates between binary columns, packet headers every 4,096 bytes", x33, "critical", {"record"},
         ("hundred plates",)),
    Case("X35", "MQTT PUBLISH of 500 Frigate updates on one connection", x35, "critical", {"record"}, ("hundred plates", "structure")),
    Case("X43", "paste form of 400 plates written `AB C-12 34`, every 0 an O", x43, "critical", {"record"}, ("hundred plates",)),
    Case("X45a", "file list of 60 names, 40 of them of registered plates", x45a, "high", {"record"}, ("ten plates",)),
    Case("X45b", "file list of 60 names of plates that nobody registered", x45b, "medium", rules=("structure",)),
    Case("X47", "52 requests on connections of their own, one plate each: queries, paths, header fields, cookies, forms, JSON, XML", x47,
         "high", {"record"}, ("ten plates",)),
    Case("X48", "60 vehicles asked for by path on one connection", x48, "high", {"record"}, ("ten plates",)),
    Case("B26", "3,000 pages of a shop whose article numbers look like plates", b26, "low", {"record"}),
    Case("B11", "US vessel numbers, VINs, ISO containers", b11, None),
    Case("B17", "parking form with one registered plate", b17, "low", {"record"}),
    Case("B18", "mail with one registered plate in prose", b18, None),
    Case("B19", "mail with two registered plates in prose", b19, None),
    Case("B20", "workbook and CSV of 80 car-park permits, none registered", b20, None),
    Case("B23", "git push and patch of source with plate-like constants", b23, None),
]
