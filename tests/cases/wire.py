"""A capture of conversations as a span port would deliver them: Ethernet, IPv4, TCP with handshake, segments of 1460 bytes,
acknowledgements and FIN; HTTP/1.1 on top. Bodies may be iterables, so that a capture larger than memory can be streamed."""
import itertools
import socket
import struct

INSIDE, LAPTOP = "10.20.0.9", "10.20.0.31"
SINK, AGENCY, PULLER = "198.51.100.7", "203.0.113.10", "198.51.100.66"
START = 1557713500  # 2019-05-13T02:11:40Z
SEGMENT = 1460
SYN, ACK, PUSH, FIN = 0x02, 0x10, 0x08, 0x01


class Side:
    """One direction of a conversation: the header that its packets share, and where its stream stands."""

    def __init__(self, source, destination, sequence):
        (address, port), (other, other_port) = source, destination
        self.addresses = socket.inet_aton(address) + socket.inet_aton(other)
        self.ports = struct.pack(">HH", port, other_port)
        self.ethernet = (b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" if address < other else b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02") + b"\x08\0"
        self.partial_sum = 0x4500 + 0x4000 + 0x4006 + sum(struct.unpack(">4H", self.addresses))
        self.sequence = sequence

    def frame(self, flags, acknowledged, payload=b"", options=b""):
        length = 40 + len(options) + len(payload)
        total = self.partial_sum + length
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        return b"".join((
            self.ethernet, struct.pack(">HHIHH", 0x4500, length, 0x4000, 0x4006, checksum), self.addresses, self.ports,
            struct.pack(">IIBBHI", self.sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, (5 + len(options) // 4) << 4, flags, 65535, 0),
            options, payload))


class Connection:
    """A TCP connection that is open until close()."""

    def __init__(self, capture, client, server):
        self.capture = capture
        self.client, self.server = Side(client, server, 0x12345677), Side(server, client, 0x7654320F)
        options = struct.pack(">BBH", 2, 4, SEGMENT)
        capture.write(self.client.frame(SYN, 0, b"", options))
        self.client.sequence += 1
        capture.write(self.server.frame(SYN | ACK, self.client.sequence, b"", options))
        self.server.sequence += 1
        capture.write(self.client.frame(ACK, self.server.sequence))

    def _send(self, sender, receiver, data):
        unacknowledged = 0
        for block in [data] if isinstance(data, (bytes, bytearray)) else data:
            for at in range(0, len(block), SEGMENT):
                segment = block[at:at + SEGMENT]
                self.capture.write(sender.frame(ACK | PUSH, receiver.sequence, segment))
                sender.sequence += len(segment)
                unacknowledged += 1
                if unacknowledged == 2:
                    self.capture.write(receiver.frame(ACK, sender.sequence))
                    unacknowledged = 0
        if unacknowledged:
            self.capture.write(receiver.frame(ACK, sender.sequence))

    def request(self, data):
        self._send(self.client, self.server, data)

    def response(self, data=b"HTTP/1.1 201 Created\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"):
        self._send(self.server, self.client, data)

    def exchange(self, data):
        self.request(data)
        self.response()

    def close(self):
        self.capture.write(self.client.frame(FIN | ACK, self.server.sequence))
        self.client.sequence += 1
        self.capture.write(self.server.frame(FIN | ACK, self.client.sequence))
        self.server.sequence += 1
        self.capture.write(self.client.frame(ACK, self.server.sequence))


class Capture:
    """A pcap file that is written to `file`."""

    def __init__(self, file):
        self.file = file
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.micros = START * 1_000_000
        self.ports = itertools.count(40000)
        self.missed = 0

    def miss(self, frames):
        """So many of the next frames pass unseen."""
        self.missed = frames

    def write(self, frame):
        self.micros += 40
        if self.missed:
            self.missed -= 1
            return
        self.file.write(struct.pack("<IIII", self.micros // 1_000_000, self.micros % 1_000_000, len(frame), len(frame)))
        self.file.write(frame)

    def connect(self, source=INSIDE, destination=SINK, port=80):
        return Connection(self, (source, next(self.ports)), (destination, port))

    def post(self, body, media_type, path="/upload", source=INSIDE, destination=SINK):
        """One request on a connection of its own."""
        connection = self.connect(source, destination)
        connection.exchange(http("POST", path, body, media_type))
        connection.close()

    def put(self, body, path):
        connection = self.connect()
        connection.exchange(http("PUT", path, body, "application/octet-stream"))
        connection.close()


def frames_of(length):
    """About how many frames a transfer of so many bytes takes: its segments, and an acknowledgement of every second."""
    return length // SEGMENT * 3 // 2


def head(method, path, fields):
    lines = [f"{method} {path} HTTP/1.1", "Host: files.example", "User-Agent: curl/7.88.1", "Accept: */*", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def http(method, path, body, media_type):
    return head(method, path, [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]) + body


def chunked(body, size=8192):
    chunks = (body[at:at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def multipart(parts, boundary="---------------------------boundary"):
    """`parts`: (name, file name, media type, body)."""
    written = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
               f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"
               for name, file_name, media_type, body in parts]
    return b"".join(written) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
