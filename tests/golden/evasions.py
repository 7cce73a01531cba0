#!/usr/bin/env python3
"""An upload that a receiver reads otherwise than a simple sensor is found, or told as evasive: evasions.py SPANWATCH

Each way here is one that is known to have led a sensor astray: handshakes that are not the usual one, urgent bytes, resets and SYNs in
the middle, data far ahead. The captures are made here, frame by frame.
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
from tcp_segments import ACK, FIN, PSH, RST, SYN, URG, Host, Segment

SECRET = b"\x00file" + random.Random(9).randbytes(60_000)
REQUEST = b"PUT /a.dat HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % len(SECRET) + SECRET
JUNK = random.Random(10).randbytes(1_000_000)
PIECE = 1360
LATE = 700_000  # so far into the connection comes the file where decoys are sent ahead of it
LONG = b"PUT /b.dat HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % LATE + random.Random(11).randbytes(LATE) + REQUEST


class Exchange:
    """One connection, packet by packet. `stray`: a packet after which nothing is as if it had been sent."""

    def __init__(self, version=4):
        clock = [0]
        self.client, self.server = Host(version, True, clock), Host(version, False, clock)
        self.packets = []

    def stray(self, host, payload=b"", **changes):
        self.packets.append(Segment(host, payload, **changes).ip(len(self.packets) + 1))

    def send(self, host, payload=b"", **changes):
        segment = Segment(host, payload, **changes)
        self.packets.append(segment.ip(len(self.packets) + 1))
        host.sequence += len(payload) + (segment.flags & (SYN | FIN) != 0)
        (self.server if host is self.client else self.client).acknowledgement = host.sequence

    def open(self, **changes):
        self.send(self.client, flags=SYN, **changes)
        self.send(self.server, flags=SYN | ACK, **changes)
        self.send(self.client)

    def upload(self, before=None, data=REQUEST, change=None):
        """`before(exchange, position, payload)`: what comes before each segment; `change(position)`: of the segment itself."""
        for number, at in enumerate(range(0, len(data), PIECE)):
            payload = data[at:at + PIECE]
            if before:
                before(self, at, payload)
            self.send(self.client, payload, **(change(at) if change else {}))
            if number % 2:
                self.send(self.server)
        self.send(self.server)

    def close(self):
        self.send(self.server, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        self.send(self.client, flags=FIN | ACK)
        self.send(self.server, flags=FIN | ACK)
        self.send(self.client)


def usual(before=None, scale=None, **rest):
    def play(exchange):
        exchange.open(scale=scale)
        exchange.upload(before, **rest)
        exchange.close()
    return play


def junk(at, payload):
    return JUNK[at:at + len(payload)]


def at_sequence(offset=0, **changes):
    """A segment of junk, so far off the stream's next byte."""
    def before(exchange, at, payload):
        host = exchange.client
        exchange.stray(host, junk(at, payload), **({"sequence": host.sequence + offset} | changes))
    return before


def random_sequence(exchange, at, payload):
    exchange.stray(exchange.client, junk(at, payload), sequence=random.Random(at).getrandbits(32))


def resets(exchange, _at, _payload, **changes):
    exchange.stray(exchange.client, flags=RST | ACK, **changes)


def forged_reopening(exchange, at, _payload):
    """A SYN and its answer that no receiver sees, amid a living connection."""
    start = random.Random(at).getrandbits(32)
    exchange.stray(exchange.client, flags=SYN, sequence=start, hop_limit=1)
    exchange.stray(exchange.server, flags=SYN | ACK, sequence=start ^ 0x5555, acknowledgement=(start + 1) & 0xffffffff, hop_limit=1)


# ---- the payload itself in unusual segments: who works with the receiver can have it read them ----
def in_segments(flags, step=True, sequence=None):
    """All of the upload in segments with these flags, behind an ordinary handshake."""
    def play(exchange):
        exchange.open()
        exchange.upload(data=b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n")
        host = exchange.client
        start = host.sequence
        for at in range(0, len(REQUEST), PIECE):
            number = sequence(at) if sequence else start + (at if step else 0)
            exchange.stray(host, REQUEST[at:at + PIECE], flags=flags, sequence=number)
        exchange.close()
    return play


def bare_resets(exchange):
    start = exchange.client.sequence
    for at in range(0, len(REQUEST), PIECE):
        exchange.stray(exchange.client, REQUEST[at:at + PIECE], flags=RST | ACK, sequence=start + at)


def behind_the_end(flags):
    def play(exchange):
        exchange.open()
        exchange.upload(data=JUNK[:len(REQUEST)])
        exchange.close()
        for at in range(0, len(REQUEST), PIECE):
            exchange.stray(exchange.client, REQUEST[at:at + PIECE], flags=flags, sequence=exchange.client.sequence + at)
    return play


# ---- handshakes ----
def split_handshake(exchange):
    exchange.send(exchange.client, flags=SYN)
    exchange.send(exchange.server, flags=SYN)
    exchange.stray(exchange.client, flags=SYN | ACK, sequence=exchange.client.sequence - 1)
    exchange.send(exchange.server)
    exchange.upload()
    exchange.close()


def simultaneous_open(exchange):
    exchange.send(exchange.client, flags=SYN)
    exchange.send(exchange.server, flags=SYN)
    exchange.stray(exchange.server, flags=SYN | ACK, sequence=exchange.server.sequence - 1)
    exchange.stray(exchange.client, flags=SYN | ACK, sequence=exchange.client.sequence - 1)
    exchange.upload()
    exchange.close()


def reversed_roles(exchange):
    exchange.stray(exchange.client, flags=SYN | ACK, hop_limit=2)
    usual()(exchange)


def reversed_elsewhere(exchange):
    exchange.stray(exchange.client, flags=SYN | ACK, sequence=77, hop_limit=2)
    usual()(exchange)


def second_syn(flags=SYN, offset=500_000, **changes):
    """Behind the SYN another, with other numbers, that the receiver does not see."""
    def play(exchange):
        exchange.send(exchange.client, flags=SYN)
        exchange.stray(exchange.client, flags=flags, sequence=1000 + offset, **changes)
        exchange.send(exchange.server, flags=SYN | ACK)
        exchange.send(exchange.client)
        exchange.upload()
        exchange.close()
    return play


def syn_before(exchange):
    exchange.stray(exchange.client, flags=SYN, sequence=500_000, checksum=1)
    usual()(exchange)


def two_answers(exchange):
    exchange.send(exchange.client, flags=SYN)
    exchange.stray(exchange.server, flags=SYN | ACK, sequence=5, hop_limit=1)
    exchange.stray(exchange.server, flags=SYN | ACK, acknowledgement=0xdeadbeef, hop_limit=1)
    exchange.send(exchange.server, flags=SYN | ACK)
    exchange.send(exchange.client)
    exchange.upload()
    exchange.close()


def data_in_syn(decoy):
    """RFC 7413. The decoy is of a client whose server does not know it, so that it sends again, and something else."""
    def play(exchange):
        host = exchange.client
        first = REQUEST[:PIECE]
        if decoy:
            exchange.stray(host, JUNK[:PIECE], flags=SYN)
            host.sequence += 1
            exchange.server.acknowledgement = host.sequence
            exchange.send(exchange.server, flags=SYN | ACK)
            exchange.send(host)
            exchange.upload()
        else:
            exchange.stray(host, first, flags=SYN)
            host.sequence += 1 + len(first)
            exchange.server.acknowledgement = host.sequence
            exchange.send(exchange.server, flags=SYN | ACK)
            exchange.send(host)
            exchange.upload(data=REQUEST[PIECE:])
        exchange.close()
    return play


def data_in_syn_reused(exchange):
    """The ports of a connection that was never closed, used again with data in the SYN."""
    exchange.open()
    exchange.upload(data=b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n")
    exchange.client.sequence, exchange.server.sequence = 3_000_000_000, 2_000_000_000
    data_in_syn(False)(exchange)


def ports_reused(exchange):
    exchange.open()
    exchange.upload(data=b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n")
    exchange.client.sequence, exchange.server.sequence = 3_000_000_000, 2_000_000_000
    usual()(exchange)


def ports_reused_near(exchange):
    exchange.open()
    exchange.upload(data=b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n")
    exchange.client.sequence += 100_000
    exchange.server.sequence += 100_000
    usual()(exchange)


def early_data(exchange):
    """Data with the last acknowledgement of the handshake, and a decoy before it, where nothing is known yet."""
    exchange.send(exchange.client, flags=SYN)
    exchange.stray(exchange.client, JUNK[:PIECE], flags=PSH)
    exchange.stray(exchange.client, JUNK[:PIECE], flags=PSH | ACK)
    exchange.send(exchange.server, flags=SYN | ACK)
    exchange.upload()
    exchange.close()


# ---- urgent bytes: most receivers take them out of the stream ----
def urgent(every=1, at_end=True):
    def play(exchange):
        exchange.open()
        for number, at in enumerate(range(0, len(REQUEST), PIECE)):
            payload = REQUEST[at:at + PIECE]
            if number % every:
                exchange.send(exchange.client, payload)
            elif at_end:
                exchange.send(exchange.client, payload + b"!", flags=ACK | URG, urgent=len(payload) + 1)
            else:
                exchange.send(exchange.client, payload[:700] + b"!" + payload[700:], flags=ACK | URG, urgent=701)
            exchange.send(exchange.server)
        exchange.close()
    return play


def urgent_ahead(exchange):
    """The pointer comes before the byte."""
    exchange.open()
    for number, at in enumerate(range(0, len(REQUEST), PIECE)):
        payload = REQUEST[at:at + PIECE]
        if number % 2 == 0:
            exchange.send(exchange.client, payload, flags=ACK | URG, urgent=len(payload) + 1)
        else:
            exchange.send(exchange.client, b"!" + payload)
        exchange.send(exchange.server)
    exchange.close()


def urgent_inline(exchange):
    """An application that reads urgent bytes with the others."""
    usual(change=lambda at: {"flags": ACK | URG, "urgent": 5} if at else {})(exchange)


def overlapped(exchange):
    """Each segment begins with a byte that was sent already, and is another now."""
    exchange.open()
    for at in range(0, len(REQUEST), PIECE):
        payload = REQUEST[at:at + PIECE]
        if at:
            exchange.client.sequence -= 1
            payload = b"\xff" + payload
        exchange.send(exchange.client, payload)
        exchange.send(exchange.server)
    exchange.close()


def favours(exchange):
    """Of two contents the receiver takes now the earlier, now the later, by where each begins."""
    exchange.open()
    host = exchange.client
    start = host.sequence
    for at in range(0, len(REQUEST), 2 * PIECE):
        first, second = REQUEST[at:at + PIECE], REQUEST[at + PIECE:at + 2 * PIECE]
        exchange.stray(host, second, sequence=start + at + PIECE)
        exchange.stray(host, junk(at, second), sequence=start + at + PIECE)
        exchange.stray(host, junk(at, first)[:-10], sequence=start + at + 10)
        exchange.stray(host, first, sequence=start + at)
        host.sequence = start + at + len(first) + len(second)
        exchange.server.acknowledgement = host.sequence
        exchange.send(exchange.server)
    exchange.close()


def doubled_ahead(offset):
    """Two decoys at a position far ahead, other than one another, before each segment."""
    def before(exchange, at, payload):
        host = exchange.client
        exchange.stray(host, junk(at, payload), sequence=host.sequence + offset)
        exchange.stray(host, junk(at + 5, payload), sequence=host.sequence + offset)
    return before


def midstream(before=None, data=REQUEST):
    def play(exchange):
        exchange.send(exchange.client, b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n")
        exchange.send(exchange.server)
        exchange.upload(before, data)
        exchange.close()
    return play


def keep_alive(exchange, _at, _payload):
    host = exchange.client
    exchange.stray(host, b"\xaa", sequence=host.sequence - 1)
    exchange.stray(exchange.server)


def zero_window(exchange, at, payload):
    """The receiver's window is closed while the decoy comes."""
    exchange.stray(exchange.server, window=0)
    exchange.stray(exchange.client, junk(at, payload))
    exchange.stray(exchange.server, window=65535)


def two_fins(exchange, _at, _payload):
    exchange.stray(exchange.client, flags=FIN | ACK, hop_limit=1)


AUTHENTICATION = bytes([wire.TCP, 4, 0, 0]) + bytes(20)
ENDINGS_AND_SYNS = {
    "reset and data": usual(at_sequence(flags=RST | ACK)),
    "data in resets": in_segments(RST | ACK),
    "data in resets of one number": in_segments(RST | ACK, step=False),
    "nothing but resets with data": bare_resets,
    "data in resets behind the end": behind_the_end(RST | ACK),
    "data behind the end": behind_the_end(ACK | PSH),
    "data in SYNs": in_segments(SYN),
    "data in SYNs with acknowledgements": in_segments(SYN | ACK),
    "data in SYN FIN": in_segments(SYN | FIN),
    "data in SYN RST": in_segments(SYN | RST),
    "data of any numbers": in_segments(ACK | PSH, sequence=lambda at: random.Random(at).getrandbits(32)),
    "SYN and data": usual(at_sequence(flags=SYN)),
    "SYN FIN and data": usual(at_sequence(flags=SYN | FIN)),
    "SYN RST and data": usual(at_sequence(flags=SYN | RST)),
    "data of any numbers between": usual(random_sequence),
    "resets between": usual(resets),
    "resets that nobody gets": usual(lambda e, a, p: resets(e, a, p, checksum=1)),
    "resets of the server": usual(lambda e, a, p: e.stray(e.server, flags=RST | ACK)),
    "ends between": usual(two_fins),
    "a connection begun anew between": usual(forged_reopening),
}
HANDSHAKES = {
    "split handshake": split_handshake,
    "simultaneous open": simultaneous_open,
    "answer before the SYN": reversed_roles,
    "another answer before the SYN": reversed_elsewhere,
    "second SYN": second_syn(hop_limit=1),
    "second SYN near by": second_syn(offset=300),
    "SYN FIN behind the SYN": second_syn(SYN | FIN, 0),
    "SYN FIN of other numbers": second_syn(SYN | FIN, 1),
    "SYN before": syn_before,
    "two answers": two_answers,
    "data in the SYN": data_in_syn(False),
    "data in the SYN that is not taken": data_in_syn(True),
    "data in the SYN, ports used again": data_in_syn_reused,
    "ports used again": ports_reused,
    "ports used again near by": ports_reused_near,
    "data before the answer": early_data,
}
BYTES = {
    "urgent bytes": urgent(),
    "urgent bytes, now and then": urgent(7),
    "urgent bytes amid": urgent(at_end=False),
    "urgent pointer ahead": urgent_ahead,
    "urgent bytes read inline": urgent_inline,
    "one byte of each segment twice": overlapped,
    "now the first, now the last": favours,
    "keep-alives": usual(keep_alive),
    "closed window": usual(zero_window),
    "no length in the IP header": usual(at_sequence(no_length=True)),
    "joined in the middle": midstream(),
    "joined in the middle, no acknowledgement": midstream(at_sequence(flags=PSH)),
    "joined in the middle, low hop limit": midstream(at_sequence(hop_limit=1)),
}
for distance in (100_000, 300_000, 600_000):
    for kind, before in (("", at_sequence(distance)), (", twice", doubled_ahead(distance))):
        BYTES[f"{distance} ahead{kind}"] = usual(before, data=LONG)
        BYTES[f"{distance} ahead{kind}, wide window"] = usual(before, scale=9, data=LONG)
        BYTES[f"{distance} ahead{kind}, joined in the middle"] = midstream(before, data=LONG)
OF_IPV6 = {
    "authentication header": usual(at_sequence(extension=AUTHENTICATION, next_header=51)),
}


def cases():
    for name, play in (ENDINGS_AND_SYNS | HANDSHAKES | BYTES).items():
        yield f"IPv4, {name}", played(4, play)
    for name, play in (HANDSHAKES | OF_IPV6).items():
        yield f"IPv6, {name}", played(6, play)


def played(version, play):
    exchange = Exchange(version)
    play(exchange)
    return wire.pcap([wire.ethernet(packet) for packet in exchange.packets])


class Trial:
    def __init__(self, register, folder):
        self.register, self.folder = register, pathlib.Path(folder)

    def complaint(self, number, name, content):
        path = self.folder / f"{number}.pcap"
        path.write_bytes(content)
        result = self.register.replay("--inside", "10.20.0.0/16", "--inside", "fd00:20::/32", path)
        events = [json.loads(line) for line in result.stdout.decode().splitlines()]
        found = {e["spanwatch"]["method"] for e in events if e["event"]["dataset"] == "spanwatch.sighting"}
        told = any(e["spanwatch"].get("evasive") for e in events if e["event"]["dataset"] == "spanwatch.transfer")
        anomalies = sorted({e["spanwatch"]["anomaly"]["code"] for e in events if e["event"]["dataset"] == "spanwatch.anomaly"})
        if "exact" in found or told:
            return None
        return f"{name}: neither found nor told as evasive ({sorted(found)}; {anomalies})"


def main():
    with tempfile.TemporaryDirectory(prefix="spanwatch-evasions.") as folder:
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
    if complaints or len(made) < 80:
        sys.exit("FAILED")


main()
