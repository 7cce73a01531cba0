#!/usr/bin/env python3
"""However a conversation is cut into packets and fed, its completed sightings are the same: metamorphic.py SPANWATCH

The captures are made here: uploads and downloads over HTTP (plain, chunked, gzip, multipart, pipelined) and one unknown protocol.
"""
import gzip
import io
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

import shared_captures as shared

SERVER = (bytes([198, 51, 100, 7]), 80)
FLOWS = 6


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else checksum(data + b"\0")
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def frame(source, destination, sequence, acknowledgement, flags, payload, vlan):
    tcp = struct.pack("!HHIIBBHHH", source[1], destination[1], sequence, acknowledgement, 0x50, flags, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0, source[0], destination[0])
    ip = ip[:10] + struct.pack("!H", 0xffff ^ checksum(ip)) + ip[12:]
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + tag + b"\x08\0" + ip + tcp + payload


def conversation(client, exchange, segment_length, vlan):
    """The frames of one connection; `exchange`: (from client, bytes) in order."""
    sequence = {True: 1000, False: 0xfffffff0}  # the server's wraps
    ends = {True: (client, SERVER), False: (SERVER, client)}

    def send(from_client, flags, payload=b""):
        made = frame(*ends[from_client], sequence[from_client], sequence[not from_client], flags, payload, vlan)
        sequence[from_client] = (sequence[from_client] + len(payload) + (flags & 3 != 0)) & 0xffffffff
        return made

    frames = [send(True, 0x02), send(False, 0x12), send(True, 0x10)]
    for from_client, data in exchange:
        at = 0
        while at < len(data):
            length = segment_length()
            frames.append(send(from_client, 0x18, data[at:at + length]))
            at += length
        frames.append(send(not from_client, 0x10))
    return frames + [send(True, 0x11), send(False, 0x11), send(True, 0x10)]


def pcap(frames):
    """The frames as a capture file, a millisecond apart."""
    records = [struct.pack("<IIII", 1_560_000_000 + at // 1000, at % 1000 * 1000, len(data), len(data)) + data
               for at, data in enumerate(frames)]
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + b"".join(records)


def registered_files():
    """Opaque bytes: what decodes pictures is not what is tested here."""
    generator = random.Random(5)
    return [b"\x00file" + generator.randbytes(9_000 + 3_000 * number) for number in range(4)]


def chunked(data, size):
    parts = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def exchanges():
    first, second, third, fourth = registered_files()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr(zipfile.ZipInfo("lane3/one.dat"), first)
        members.writestr(zipfile.ZipInfo("lane3/three.dat"), third)
    part = (b"--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"two.dat\"\r\nContent-Type: application/octet-stream\r\n\r\n" + second +
            b"\r\n--xyz--\r\n")
    packed = gzip.compress(fourth, mtime=0)
    made = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    return [
        [(True, b"PUT /one.dat HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % len(first) + first), (False, made)],
        [(True, b"POST /up HTTP/1.1\r\nHost: files.example\r\nContent-Type: multipart/form-data; boundary=xyz\r\n"
          b"Content-Length: %d\r\n\r\n" % len(part) + part), (False, made)],
        [(True, b"PUT /a.zip HTTP/1.1\r\nHost: files.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunked(archive.getvalue(), 777)), (False, made)],
        [(True, b"GET /four.dat HTTP/1.1\r\nHost: files.example\r\n\r\nGET /one.dat HTTP/1.1\r\nHost: files.example\r\n\r\n"),
         (False, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed +
          b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(first, 4096))],
        [(True, b"\x01unknown\x00" + b"junk" * 50 + third + b"more"), (False, b"\x06ok")],
        [(True, zlib.compress(b"nothing registered" * 100))],
    ]


def capture(change, seed):
    """One capture of all conversations, under a change that must not matter."""
    generator = random.Random(seed)
    lengths = {"tiny": lambda: generator.randint(1, 40), "single": lambda: 1460}.get(change, lambda: generator.randint(1, 1460))
    vlan = 120 if change == "vlan" else 0
    flows = [conversation((bytes([10, 20, number % 3, 9]), 40000 + number), exchange, lengths, vlan)
             for number, exchange in enumerate(exchanges())]
    frames = []
    for turn in range(max(map(len, flows))):
        frames += [flow[turn] for flow in flows if turn < len(flow)]
    if change == "duplicated":
        frames = [copy for data in frames for copy in [data] * generator.choice([1, 1, 2, 3])]
    if change == "reordered":
        # Behind the handshakes and before the ends, each frame up to eight places away from where it was.
        body = frames[3 * FLOWS:-3 * FLOWS]
        order = sorted(range(len(body)), key=lambda at: at + generator.uniform(0, 8))
        frames = frames[:3 * FLOWS] + [body[at] for at in order] + frames[-3 * FLOWS:]
    return pcap(frames)


def result(process):
    """What must not change: flow, item, method, confidence, provenance of the completed sightings."""
    if process.returncode != 0:
        sys.exit(process.stderr.decode())
    found = []
    for event in shared.sightings(process):
        if event["spanwatch"]["phase"] == "complete":
            found.append((shared.endpoint(event["source"]), shared.endpoint(event["destination"]),
                          tuple(sorted(event["spanwatch"]["items"])), event["spanwatch"]["method"],
                          event["spanwatch"]["confidence"], tuple(event["spanwatch"]["provenance"])))
    return sorted(found)


def through_slow_pipe(register, data):
    command = [register.spanwatch, "replay", "--hashset", register.set_file, "--trust", register.folder / "owner.pub",
               "--record-key", register.folder / "record.key", "--inside", "10.20.0.0/16", "--events", "-", "--quiet", "-"]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        generator = random.Random(3)
        at = 0
        while at < len(data):
            length = generator.randint(1, 4000)
            child.stdin.write(data[at:at + length])
            child.stdin.flush()
            time.sleep(0.001)
            at += length
        out, error = child.communicate(timeout=120)
        return subprocess.CompletedProcess(command, child.returncode, out, error)


def main():
    with tempfile.TemporaryDirectory(prefix="spanwatch-metamorphic.") as name:
        folder = pathlib.Path(name)
        (folder / "files").mkdir()
        for number, content in enumerate(registered_files()):
            (folder / "files" / f"{number}.dat").write_bytes(content)
        register = shared.Register(sys.argv[1], folder)
        register.add_files(folder / "files")
        register.build()
        file = folder / "capture.pcap"

        def replayed(change, seed=1, inspectors=1):
            file.write_bytes(capture(change, seed))
            return result(register.replay("--inside", "10.20.0.0/16", "--inspectors", inspectors, file))

        expected = replayed("single")
        failed = 0
        changes = [(change, seed, 1) for change in ("tiny", "segmented", "reordered", "duplicated", "vlan") for seed in (1, 2, 3)]
        changes += [("segmented", 4, 2), ("segmented", 4, 3), ("reordered", 5, 3)]
        for change in changes:
            seen = replayed(*change)
            if seen != expected:
                failed += 1
                print(f"{change}: lacks {sorted(set(expected) - set(seen))}, has besides {sorted(set(seen) - set(expected))}")
        if result(through_slow_pipe(register, capture("segmented", 6))) != expected:
            failed += 1
            print("through a slow pipe: other sightings")
    methods = {sighting[3] for sighting in expected}
    print(f"{len(expected)} completed sightings, methods {sorted(methods)}, the same under {len(changes) + 1 - failed} changes")
    if failed or len(expected) < 7 or methods != {"exact", "fragment"}:
        print(*expected, sep="\n")
        sys.exit(f"FAILED: {failed} changes changed what was seen")


main()
