#!/usr/bin/env python3
"""An upload with a decoy before each segment is found and told as evasive; what a network does to a sender without decoys is neither
missed nor told: decoys.py SPANWATCH

The captures are made here, frame by frame, with checksums, timestamps and windows as real hosts send them.
"""
import concurrent.futures
import hashlib
import json
import pathlib
import random
import struct
import sys
import tempfile

import shared_captures as shared
import wire_frames as wire

SECRET = b"\x00file" + random.Random(9).randbytes(60_000)
DECOY = random.Random(10).randbytes(len(SECRET) + 500)
PIECE = 1360
HOSTS = {4: ("10.20.0.9", "198.51.100.7"), 6: ("fd00:20::9", "2001:db8:99::7")}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Segment:
    """A TCP segment and the IP packet around it; whatever is left out is as it should be."""

    def __init__(self, host, payload=b"", **changes):
        self.from_client, self.sequence, self.acknowledgement = host.from_client, host.sequence, host.acknowledgement
        self.version, self.time, self.payload = host.version, host.time(), payload
        self.flags, self.hop_limit, self.ip_options, self.signature, self.timestamps = ACK | (PSH if payload else 0), 64, b"", False, True
        self.checksum = self.ip_checksum = 0  # added to the right one
        self.extra_length = 0
        self.extension = b""
        self.window = 65535
        for name, value in changes.items():
            setattr(self, name, value)

    def tcp(self):
        options = struct.pack("!BBBBII", 1, 1, 8, 10, self.time & 0xffffffff, 1) if self.timestamps else b""
        if self.signature:
            options += bytes([19, 18]) + bytes(16) + b"\1\1"
        if self.flags & SYN:
            options = b"\2\4\5\xb4" + options
        client, server = HOSTS[self.version]
        ports = (40000, 80) if self.from_client else (80, 40000)
        header = struct.pack("!HHIIBBHHH", *ports, self.sequence & 0xffffffff, self.acknowledgement & 0xffffffff if self.flags & ACK else 0,
                             (5 + len(options) // 4) << 4, self.flags, self.window, 0, 0) + options
        pseudo = wire.packed(client) + wire.packed(server) + struct.pack("!II", wire.TCP, len(header) + len(self.payload))
        whole = header + self.payload
        total = (wire.checksum(pseudo + whole + bytes(len(whole) % 2)) + self.checksum) & 0xffff
        return header[:16] + struct.pack("!H", total) + header[18:] + self.payload

    def ip(self, identification):
        client, server = HOSTS[self.version]
        ends = (client, server) if self.from_client else (server, client)
        source, destination = map(wire.packed, ends)
        content = self.tcp()
        if self.version == 6:
            protocol = 60 if self.extension else wire.TCP
            content = self.extension + content
            return struct.pack("!IHBB", 6 << 28, len(content) + self.extra_length, protocol, self.hop_limit) + source + destination + content
        words = 5 + len(self.ip_options) // 4
        header = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(content) + self.extra_length, identification, 0x4000, self.hop_limit,
                             wire.TCP, 0) + source + destination + self.ip_options
        total = (wire.checksum(header) + self.ip_checksum) & 0xffff
        return header[:10] + struct.pack("!H", total) + header[12:] + content


class Host:
    def __init__(self, version, from_client, clock):
        self.version, self.from_client, self.clock = version, from_client, clock
        self.sequence, self.acknowledgement = (1000, 0) if from_client else (900_000, 0)

    def time(self):
        self.clock[0] += 1
        return 100_000 + self.clock[0]


def upload(version, decoy=None, change=None, piece=PIECE, window=2, acknowledged=True):
    """The IP packets of an upload. `decoy(host, payload)`: packets before each segment; `change`: of each segment itself."""
    clock = [0]
    client, server = Host(version, True, clock), Host(version, False, clock)
    identification = iter(range(1, 65_000))
    packets = []

    def send(host, payload=b"", **changes):
        segment = Segment(host, payload, **changes)
        packets.append(segment.ip(next(identification)))
        host.sequence += len(payload) + (segment.flags & (SYN | FIN) != 0)
        other = server if host is client else client
        other.acknowledgement = host.sequence

    send(client, flags=SYN)
    send(server, flags=SYN | ACK)
    send(client)
    data = b"PUT /a.dat HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET
    for number, at in enumerate(range(0, len(data), piece)):
        payload = data[at:at + piece]
        if decoy:
            packets += [packet for segment in decoy(client, DECOY[at:at + len(payload)]) for packet in packets_of(segment, next(identification))]
        send(client, payload, **(change or {}))
        if number % window == window - 1:
            send(server)
    send(server)
    send(server, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    send(client, flags=FIN | ACK)
    send(server, flags=FIN | ACK)
    send(client)
    if not acknowledged:
        sender = wire.packed(HOSTS[version][0])
        packets = [packet for packet in packets if packet[12:16] == sender or packet[8:24] == sender]
    return packets


def packets_of(segment, identification):
    return [segment] if isinstance(segment, bytes) else [segment.ip(identification)]


def plain(**changes):
    return lambda host, payload: [Segment(host, payload, **changes)]


def shifted(field, by):
    return lambda host, payload: [Segment(host, payload, **{field: getattr(host, field) + by})]


DESTINATION_OPTIONS = bytes([wire.TCP, 0, 1, 4, 0, 0, 0, 0])
DECOYS = {  # of either IP version, unless it says otherwise
    "wrong TCP checksum": plain(checksum=1),
    "low hop limit": plain(hop_limit=1),
    "hop limit that nearly reaches": plain(hop_limit=60),
    "no acknowledgement": plain(flags=PSH),
    "no flags": plain(flags=0),
    "acknowledges the future": shifted("acknowledgement", 1 << 30),
    "acknowledges beyond the window": shifted("acknowledgement", 80_000),
    "acknowledges the past": shifted("acknowledgement", -500_000),
    "MD5 signature": plain(signature=True),
    "old timestamp": plain(time=5),
    "no timestamp": plain(timestamps=False),
    "end and data": plain(flags=FIN | ACK, checksum=7),
    "reset and data": plain(flags=RST | ACK),
    "length beyond the frame": plain(extra_length=40),
    "nothing wrong": plain(),
    "a window ahead": lambda host, payload: [Segment(host, payload, sequence=host.sequence + 66_000), Segment(host, payload, hop_limit=1)],
}
OF_IPV4 = {
    "wrong IP checksum": plain(ip_checksum=1),
    "IP options": plain(ip_options=b"\x07\x07\x04\0\0\0\0\0"),
    "source route": plain(ip_options=b"\x83\x07\x04\xc0\0\x02\1\0"),
}
OF_IPV6 = {"destination options": plain(extension=DESTINATION_OPTIONS)}
# What networks do, and sensors see, with no decoy in it.
ORDINARY = {
    "nothing": {},
    "checksums of a network card": {"change": {"checksum": 0x1234}},
    "segments merged by a network card": {"change": {"checksum": 0x1234}, "piece": 9000, "window": 1},
    "another hop limit behind the handshake": {"change": {"hop_limit": 57}},
    "one direction": {"acknowledged": False},
    "one direction, another hop limit": {"acknowledged": False, "change": {"hop_limit": 57}},
    "sent twice": {"twice": True},
}


def capture(version, twice=False, **kind):
    packets = upload(version, **kind)
    if twice:
        packets = [copy for packet in packets for copy in (packet, packet)]
    return wire.pcap([wire.ethernet(packet) for packet in packets])


def cases():
    for version in (4, 6):
        for name, decoy in (DECOYS | (OF_IPV4 if version == 4 else OF_IPV6)).items():
            yield f"IPv{version}, {name}", capture(version, decoy=decoy), True
        for name, kind in ORDINARY.items():
            yield f"IPv{version}, {name}", capture(version, **kind), False


class Trial:
    def __init__(self, register, folder):
        self.register, self.folder = register, pathlib.Path(folder)

    def complaint(self, number, name, content, evasive):
        path = self.folder / f"{number}.pcap"
        path.write_bytes(content)
        result = self.register.replay("--inside", "10.20.0.0/16", "--inside", "fd00:20::/32", path)
        events = [json.loads(line) for line in result.stdout.decode().splitlines()]
        found = {e["spanwatch"]["method"] for e in events if e["event"]["dataset"] == "spanwatch.sighting"}
        told = any(e["spanwatch"].get("evasive") for e in events if e["event"]["dataset"] == "spanwatch.transfer")
        anomalies = sorted({e["spanwatch"]["anomaly"]["code"] for e in events if e["event"]["dataset"] == "spanwatch.anomaly"})
        if "exact" not in found:
            return f"{name}: the file was not found ({sorted(found)}; {anomalies})"
        if told != evasive and not (evasive and name.endswith("reset and data")):
            return f"{name}: {'not ' if evasive else ''}told as evasive ({anomalies})"
        if not evasive and anomalies:
            return f"{name}: {anomalies}"
        return None


def main():
    with tempfile.TemporaryDirectory(prefix="spanwatch-decoys.") as folder:
        register = shared.Register(sys.argv[1], folder)
        register.import_digests({hashlib.sha256(SECRET).hexdigest()})
        register.build()
        trial = Trial(register, folder)
        made = list(cases())
        with concurrent.futures.ThreadPoolExecutor(shared.in_worker_pool()) as pool:
            complaints = [c for c in pool.map(lambda one: trial.complaint(one[0], *one[1]), enumerate(made)) if c]
    for complaint in complaints:
        print(complaint)
    print(f"{len(made)} captures, {len(complaints)} complaints")
    if complaints or len(made) < 40:
        sys.exit("FAILED")


main()
