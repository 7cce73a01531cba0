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
import sys
import tempfile

import shared_captures as shared
import wire_frames as wire
from tcp_segments import ACK, FIN, HOSTS, PSH, RST, SYN, Host, Segment

SECRET = b"\x00file" + random.Random(9).randbytes(60_000)
DECOY = random.Random(10).randbytes(len(SECRET) + 500)
PIECE = 1360


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
        if told != evasive:
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
