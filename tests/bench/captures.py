"""Captures for the benchmark, made from a seed: what a contractor uploads, as Ethernet/IPv4/TCP without loss.

write_http(path, bodies): one PUT a body over connections of 50 requests. write_opaque(path, megabytes): one connection of bytes
that no protocol explains. csv_bodies(megabytes): tables of plate-like reads. Frames carry 1,448 bytes as on a real link, and
every second one is acknowledged.
"""
import itertools
import random
import socket
import struct

CLIENT = ("10.20.0.9", 0x020000000009)
SERVER = ("198.51.100.7", 0x020000000007)
SEGMENT_BYTES = 1448
REQUESTS_PER_CONNECTION = 50
SYN, ACK, PUSH_ACK, FIN_ACK, SYN_ACK = 0x02, 0x10, 0x18, 0x11, 0x12


class Capture:
    """A pcap file in the making; its clock goes on by 12 microseconds a frame, as at one gigabit."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=1 << 20)
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.microseconds = 1_557_700_000_000_000
        self.identification = 0

    def close(self):
        self.file.close()

    def frame(self, source, destination, ports, sequence, acknowledgement, flags, payload=b""):
        self.microseconds += 12
        self.identification = (self.identification + 1) & 0xFFFF
        length = 40 + len(payload)
        head = struct.pack("!6s6sHBBHHHBBH4s4sHHIIBBHHH",
                           destination[1].to_bytes(6, "big"), source[1].to_bytes(6, "big"), 0x0800,
                           0x45, 0, length, self.identification, 0x4000, 64, 6, 0,
                           socket.inet_aton(source[0]), socket.inet_aton(destination[0]),
                           ports[0], ports[1], sequence & 0xFFFFFFFF, acknowledgement & 0xFFFFFFFF, 0x50, flags, 0xFFFF, 0, 0)
        captured = len(head) + len(payload)
        self.file.write(struct.pack("<IIII", *divmod(self.microseconds, 1_000_000), captured, captured))
        self.file.write(head)
        self.file.write(payload)


class Connection:
    """One TCP connection from CLIENT to SERVER."""

    def __init__(self, capture, client_port, server_port):
        self.capture = capture
        self.ports = (client_port, server_port)
        self.sent = 1000
        self.answered = 5000
        self._out(SYN)
        self.sent += 1
        self._back(SYN_ACK)
        self.answered += 1
        self._out(ACK)

    def _out(self, flags, payload=b""):
        self.capture.frame(CLIENT, SERVER, self.ports, self.sent, self.answered if flags != SYN else 0, flags, payload)

    def _back(self, flags, payload=b""):
        self.capture.frame(SERVER, CLIENT, self.ports[::-1], self.answered, self.sent, flags, payload)

    def send(self, data):
        for number, start in enumerate(range(0, len(data), SEGMENT_BYTES)):
            payload = data[start:start + SEGMENT_BYTES]
            self._out(PUSH_ACK, payload)
            self.sent += len(payload)
            if number % 2 == 1:
                self._back(ACK)
        self._back(ACK)

    def answer(self, data):
        self._back(PUSH_ACK, data)
        self.answered += len(data)
        self._out(ACK)

    def close(self):
        self._out(FIN_ACK)
        self.sent += 1
        self._back(FIN_ACK)
        self.answered += 1
        self._out(ACK)


def write_http(path, bodies, media_type, extension):
    capture = Capture(path)
    connection = None
    for number, body in enumerate(bodies):
        if number % REQUESTS_PER_CONNECTION == 0:
            if connection is not None:
                connection.close()
            connection = Connection(capture, 20000 + number // REQUESTS_PER_CONNECTION % 40000, 80)
        head = (f"PUT /upload/{number:06d}.{extension} HTTP/1.1\r\nHost: files.example\r\nContent-Type: {media_type}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        connection.send(head + body)
        connection.answer(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    if connection is not None:
        connection.close()
    capture.close()


def write_opaque(path, megabytes, seed=3):
    capture = Capture(path)
    connection = Connection(capture, 30000, 4444)
    dice = random.Random(seed)
    for _ in range(megabytes):
        connection.send(dice.randbytes(1_000_000))
    connection.close()
    capture.close()


def csv_bodies(megabytes, seed=4):
    """Tables of two megabytes, no two rows alike."""
    dice = random.Random(seed)
    letters = ["".join(three) for three in itertools.product("ABCDEFGHJKLMNPRSTUVWXYZ", repeat=3)]
    states = ("TX", "NM", "AZ", "CA")
    made = 0
    while made < megabytes * 1_000_000:
        rows = ["plate,state,timestamp,lane"]
        for number in range(52_000):
            chance = dice.getrandbits(48)
            rows.append(f"{letters[chance % 12167]}{chance // 12167 % 10000:04d},{states[chance & 3]},2019-05-{1 + chance % 28:02d}T"
                        f"{number % 24:02d}:{chance % 60:02d}:{number % 60:02d}Z,lane{1 + (chance >> 9) % 6}")
        body = "\n".join(rows).encode()
        made += len(body)
        yield body
