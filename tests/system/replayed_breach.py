"""A small breach for tests over the whole program: pictures and plate reads of no real vehicle, registered and built into a
hash set, and a capture in which they leave over HTTP among other traffic. Everything is made here, from a seed."""
import http.client
import io
import pathlib
import random
import socket
import struct
import subprocess
import time
import zipfile
import zlib

INSIDE, COLLECTOR, AGENCY = "10.20.0.9", "198.51.100.7", "203.0.113.10"
START = 1557713500  # 2019-05-13T02:11:40Z


def png(seed, noise=None, side=640, block=40):
    """A grey picture of random blocks with a little noise; with other noise it looks the same and has no byte in common."""
    dice = random.Random(seed)
    blocks = [[dice.randrange(256) for _ in range(side // block)] for _ in range(side // block)]
    dice = random.Random(noise) if noise is not None else dice
    rows = b"".join(b"\0" + bytes(blocks[y // block][x // block] // 2 + dice.randrange(32) for x in range(side)) for y in range(side))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


def plate_reads(count):
    dice = random.Random(7)
    rows = ["plate,state,timestamp,lane"]
    for i in range(count):
        letters = "".join(dice.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(3))
        rows.append(f"{letters}{dice.randrange(1000, 10000)},TX,2019-05-13T01:{i % 60:02}:00Z,{i % 8 + 1}")
    return "\n".join(rows).encode() + b"\n"


class Capture:
    """Writes a pcap file of TCP conversations over Ethernet, one after the other."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.micros = START * 1_000_000

    vlan = None  # of the conversations that follow

    def _packet(self, ends, flags, sequence, acknowledged, payload=b""):
        (source, source_port), (destination, destination_port) = ends
        self.micros += 300
        tcp = struct.pack(">HHIIBBHHH", source_port, destination_port, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(destination))
        total = sum(struct.unpack(">10H", ip))
        total = (total & 0xFFFF) + (total >> 16)
        ip = ip[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + ip[12:]
        frame = b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01"
        frame += struct.pack(">HH", 0x8100, self.vlan) if self.vlan else b""
        frame += b"\x08\0" + ip + tcp
        self.file.write(struct.pack("<IIII", self.micros // 1_000_000, self.micros % 1_000_000, len(frame), len(frame)) + frame)

    def conversation(self, client, server, request, response=b"", lost=()):
        """`lost`: numbers of the request's segments that the span port did not deliver, although the server acknowledged them."""
        there, back = (client, server), (server, client)
        self._packet(there, 0x02, 999, 0)
        self._packet(back, 0x12, 4999, 1000)
        self._packet(there, 0x10, 1000, 5000)
        sequence = 1000
        for number, at in enumerate(range(0, len(request), 1400)):
            segment = request[at:at + 1400]
            if number not in lost:
                self._packet(there, 0x18, sequence, 5000, segment)
            sequence += len(segment)
            self._packet(back, 0x10, 5000, sequence)
        answered = 5000
        for at in range(0, len(response), 1400):
            segment = response[at:at + 1400]
            self._packet(back, 0x18, answered, sequence, segment)
            answered += len(segment)
        self._packet(there, 0x11, sequence, answered)
        self._packet(back, 0x11, answered, sequence + 1)
        self._packet(there, 0x10, sequence + 1, answered + 1)

    def close(self):
        self.file.close()


def post(path, body, kind, more=""):
    return f"POST {path} HTTP/1.1\r\nHost: files.example\r\n{more}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def zipped(files, encrypted=False):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, (2019, 5, 13, 2, 0, 0)), content)
    whole = bytearray(memory.getvalue())
    if encrypted:  # only the flags: nothing can be read without the password that there is not
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            found = whole.find(mark)
            while found >= 0:
                whole[found + at] |= 1
                found = whole.find(mark, found + 4)
    return bytes(whole)


def client_hello(name, protocol=b"h2"):
    def sized(width, body):
        return len(body).to_bytes(width, "big") + body

    server_name = struct.pack(">H", 0) + sized(2, sized(2, b"\0" + sized(2, name.encode())))
    alpn = struct.pack(">H", 16) + sized(2, sized(2, sized(1, protocol)))
    versions = struct.pack(">H", 43) + sized(2, sized(1, b"\x03\x04"))
    body = b"\x03\x03" + bytes(32) + sized(1, b"") + sized(2, b"\x13\x01\x13\x02") + sized(1, b"\0") + sized(2, server_name + alpn + versions)
    return b"\x16\x03\x01" + sized(2, b"\x01" + sized(3, body))


def write_capture(path, pictures, table):
    accepted = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    dice = random.Random(3)
    capture = Capture(path)
    web = (COLLECTOR, 80)
    for number, picture in enumerate(pictures):
        capture.conversation((INSIDE, 40000 + number), web, post(f"/up/{number}.png", picture, "image/png"), accepted)
    capture.conversation((INSIDE, 41000), web, post("/up/reads.csv", table, "text/csv"), accepted)
    capture.conversation((INSIDE, 42000), (AGENCY, 80), post("/nightly", pictures[0], "image/png"), accepted)
    capture.conversation((INSIDE, 43000), web, post("/up/part.png", pictures[1], "image/png"), accepted, lost={3, 4})
    capture.conversation((INSIDE, 44000), (COLLECTOR, 9000), dice.randbytes(60_000))
    both_lengths = b"POST /a HTTP/1.1\r\nHost: files.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    capture.conversation((INSIDE, 45000), web, both_lengths, accepted)
    capture.vlan = 120
    for seed in range(3):
        alike = png(seed, noise=100 + seed)
        capture.conversation((INSIDE, 46000 + seed), web, post("/up/a.png", alike, "image/png", "User-Agent: curl/8.0\r\n"), accepted)
    pair = [("lane3/AAA1234_1.png", pictures[2]), ("lane3/2.png", pictures[3])]
    capture.conversation((INSIDE, 47000), web, post("/up/a.zip", zipped(pair), "application/zip"), accepted)
    capture.conversation((INSIDE, 47001), web, post("/up/b.zip", zipped(pair, encrypted=True), "application/zip"), accepted)
    capture.vlan = None
    records = b"".join(b"\x17\x03\x03" + struct.pack(">H", 1000) + dice.randbytes(1000) for _ in range(20))
    capture.conversation((INSIDE, 48000), (COLLECTOR, 443), client_hello("files.example") + records, records)
    capture.conversation((INSIDE, 49000), (COLLECTOR, 22), b"SSH-2.0-OpenSSH_9.2p1\r\n" + dice.randbytes(20_000),
                         b"SSH-2.0-OpenSSH_9.6\r\n" + dice.randbytes(2_000))
    capture.close()


class Breach:
    """The breach in a folder: hash set, rules with an authorisation, capture; `replay` runs the sensor over it."""

    def __init__(self, program, folder):
        self.program = str(program)
        self.folder = pathlib.Path(folder)
        pictures = [png(seed) for seed in range(12)]
        table = plate_reads(40)
        (self.folder / "pictures").mkdir()
        for number, picture in enumerate(pictures):
            (self.folder / f"pictures/{number}.png").write_bytes(picture)
        (self.folder / "reads.csv").write_bytes(table)
        register = ["--register", "register.db"]
        self._run("keygen", "--out", "owner")
        self._run("register", "init", *register, "--owner", "Agency", "--record-key", "record.key")
        self._run("register", "add", "images", *register, "--collection", "lanes", "pictures")
        self._run("register", "add", "records", *register, "--collection", "reads", "--plate", "plate", "--support",
                  "state,timestamp,lane", "reads.csv")
        self._run("register", "build", *register, "--sign", "owner.key", "--out", "agency.swset")
        self._rules()
        write_capture(self.folder / "span.pcap", pictures, table)

    def _run(self, *arguments):
        result = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"spanwatch {' '.join(arguments)}: {result.returncode}\n{result.stdout}{result.stderr}")

    def _rules(self):
        rules = self.folder / "rules"
        rules.mkdir()
        for shipped in (pathlib.Path(__file__).resolve().parents[2] / "rules").glob("*.yml"):
            (rules / shipped.name).write_bytes(shipped.read_bytes())
        (rules / "authorisations.yml").write_text(
            "authorisations:\n  - {name: nightly, reference: TICKET-1, collections: [any], sources: [10.20.0.9],\n"
            f"     destinations: [{AGENCY}], expires: 2030-01-01}}\n", encoding="utf-8")
        self._run("rules", "sign", "--key", "owner.key", "rules")

    def replay(self, *more):
        """The running process; its events go to events.jsonl."""
        return subprocess.Popen(
            [self.program, "replay", "--hashset", "agency.swset", "--trust", "owner.pub", "--record-key", "record.key", "--inside",
             "10.20.0.0/16", "--rules", "rules", "--events", "events.jsonl", *more, "span.pcap"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def events(self):
        return (self.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path, deadline=30):
    """The body of a page on loopback, as soon as somebody answers with 200."""
    until = time.monotonic() + deadline
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
            if response.status == 200:
                return body
            reason = f"{response.status} {body[:200]}"
        except OSError as error:
            reason = str(error)
        if time.monotonic() > until:
            raise RuntimeError(f"http://127.0.0.1:{port}{path}: {reason}")
        time.sleep(0.2)
