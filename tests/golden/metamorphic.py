#!/usr/bin/env python3
"""However conversations are cut into packets, wrapped, shared out and fed, their completed sightings are the same:
metamorphic.py SPANWATCH

The captures are made here: uploads and downloads over HTTP (plain, chunked, gzip, multipart, pipelined), one unknown protocol, and
many small conversations beside them; whole or in IP fragments, plain or inside tunnels (wire_frames.py).
"""
import concurrent.futures
import gzip
import io
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

import shared_captures as shared
import wire_frames as wire
from wire_frames import Way

SERVERS = {4: "198.51.100.7", 6: "2001:db8:99::7"}
INSIDE = ["--inside", "10.20.0.0/16", "--inside", "fd00:20::/32"]
SMALL_FLOWS = 200

# Each is tried with the big conversations alone; the capture of many flows mixes them all.
WAYS = {
    "qinq": Way("qinq"),
    "mpls": Way("mpls"),
    "fragments": Way(inner_fragments=504),
    "fragments behind qinq": Way("qinq", inner_fragments=104),
    "ip in ip": Way(tunnel="ip in ip"),
    "ip in ipv6": Way("vlan", "ip in ip", outer=6),
    "gre, outer fragments": Way("mpls", "gre", outer_fragments=1208),
    "gre with key, fragments inside": Way(tunnel="gre with key and sequence", outer=6, inner_fragments=704),
    "erspan": Way("vlan", "erspan"),
    "erspan, outer fragments": Way(tunnel="erspan", outer_fragments=808),
    "vxlan, outer fragments": Way(tunnel="vxlan", outer_fragments=1208),
    "vxlan over ipv6, fragments in fragments": Way("qinq", "vxlan", outer=6, inner_fragments=904, outer_fragments=504),
    "geneve over ipv6, outer fragments": Way(tunnel="geneve", outer=6, outer_fragments=1000),
    "gtp-u, outer fragments": Way(tunnel="gtp-u", outer_fragments=600),
    "pptp": Way(tunnel="pptp"),
    "pptp, fragments inside": Way("vlan", "pptp with acknowledgement", outer=6, inner_fragments=704),
    "pptp, outer fragments": Way(tunnel="pptp", outer_fragments=808),
    "gre with ppp, outer fragments": Way("qinq", "gre with ppp", outer_fragments=1208),
}
# The link of a capture file is one for all of its frames, so these are not mixed with others.
LINKS_OF_THEIR_OWN = {
    "ppp": Way("ppp"),
    "ppp, fragments": Way("ppp", inner_fragments=504),
    "hdlc": Way("hdlc"),
    "hdlc, gre, outer fragments": Way("hdlc", "gre", outer_fragments=1208),
}


def registered_files():
    """Opaque bytes: what decodes pictures is not what is tested here."""
    generator = random.Random(5)
    return [b"\x00file" + generator.randbytes(9_000 + 3_000 * number) for number in range(4)]


def chunked(data, size):
    parts = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def put(name, body):
    return [(True, b"PUT /%s HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % (name, len(body)) + body), (False, CREATED)]


def big_exchanges():
    first, second, third, fourth = registered_files()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr(zipfile.ZipInfo("lane3/one.dat"), first)
        members.writestr(zipfile.ZipInfo("lane3/three.dat"), third)
    part = (b"--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"two.dat\"\r\nContent-Type: application/octet-stream\r\n\r\n" + second +
            b"\r\n--xyz--\r\n")
    packed = gzip.compress(fourth, mtime=0)
    return [
        put(b"one.dat", first),
        [(True, b"POST /up HTTP/1.1\r\nHost: files.example\r\nContent-Type: multipart/form-data; boundary=xyz\r\n"
          b"Content-Length: %d\r\n\r\n" % len(part) + part), (False, CREATED)],
        [(True, b"PUT /a.zip HTTP/1.1\r\nHost: files.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunked(archive.getvalue(), 777)), (False, CREATED)],
        [(True, b"GET /four.dat HTTP/1.1\r\nHost: files.example\r\n\r\nGET /one.dat HTTP/1.1\r\nHost: files.example\r\n\r\n"),
         (False, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed +
          b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(first, 4096))],
        [(True, b"\x01unknown\x00" + b"junk" * 50 + third + b"more"), (False, b"\x06ok")],
        [(True, zlib.compress(b"nothing registered" * 100))],
    ]


def small_exchange(number):
    """Every fifth small conversation carries a registered file, the others something else of the same size."""
    file = registered_files()[0]
    return put(b"small%d.dat" % number, file if number % 5 == 0 else random.Random(number).randbytes(len(file)))


def client(number, ip_version):
    return f"10.20.{number // 100}.{9 + number % 100}" if ip_version == 4 else f"fd00:20::{number + 9:x}"


def capture(flows, change, seed):
    """`flows`: (number of its client, IP version, exchange, way), under a change that must not matter."""
    generator = random.Random(seed)
    lengths = {"tiny": lambda: generator.randint(1, 40), "single": lambda: 1400}.get(change, lambda: generator.randint(1, 1400))
    # Without its handshake a conversation does not tell who opened it, and then the ports say the wrong thing.
    port = 50080 if change == "joined" else 80
    conversations = [wire.conversation((client(number, ip_version), 40000 + number), (SERVERS[ip_version], port), exchange, lengths, way)
                     for number, ip_version, exchange, way in flows]
    if change == "joined":
        conversations = [segments[3:] for segments in conversations]
    frames, handshakes = [], 0
    for turn in range(max(map(len, conversations))):
        for segments in conversations:
            if turn < len(segments):
                frames += segments[turn]
        if turn == 2:
            handshakes = len(frames)
    if change == "duplicated":
        frames = [copy for data in frames for copy in [data] * generator.choice([1, 1, 2, 3])]
    if change == "reordered":
        # Behind the handshakes and before the ends, each frame up to eight places away from where it was.
        ends = 3 * len(big_exchanges())
        body = frames[handshakes:-ends]
        order = sorted(range(len(body)), key=lambda at: at + generator.uniform(0, 8))
        frames = frames[:handshakes] + [body[at] for at in order] + frames[-ends:]
    return wire.pcap(frames, flows[0][3].link_type)


def big_flows(way=Way(), ip_version=4):
    return [(number, ip_version, exchange, way) for number, exchange in enumerate(big_exchanges())]


def many_flows():
    """The big conversations and many small ones, of both IP versions, each on another way."""
    ways = list(WAYS.values())
    flows = [(number, 4 + number % 2 * 2, exchange, ways[number]) for number, exchange in enumerate(big_exchanges())]
    first = len(flows)
    return flows + [(first + number, 4 + number % 3 // 2 * 2, small_exchange(number), ways[number % len(ways)]) for number in range(SMALL_FLOWS)]


def name_of(side):
    """An endpoint by its role, whatever the IP version."""
    if side and side["ip"] in SERVERS.values():
        return "server"
    return f"client:{side['port']}" if side else "unknown"  # its port is its number


def result(process):
    """What must not change: flow, item, method, confidence, provenance of the completed sightings."""
    if process.returncode != 0:
        sys.exit(process.stderr.decode())
    found = []
    for event in shared.sightings(process):
        if event["spanwatch"]["phase"] == "complete":
            found.append((name_of(event["source"]), name_of(event["destination"]), tuple(sorted(event["spanwatch"]["items"])),
                          event["spanwatch"]["method"], event["spanwatch"]["confidence"], tuple(event["spanwatch"]["provenance"])))
    return sorted(found)


def through_slow_pipe(register, data):
    command = [register.spanwatch, "replay", "--hashset", register.set_file, "--trust", register.folder / "owner.pub",
               "--record-key", register.folder / "record.key", *INSIDE, "--events", "-", "--quiet", "-"]
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


class Trial:
    """One capture under one change, and what it must give."""

    def __init__(self, name, data, expected, inspectors=1):
        self.name, self.data, self.expected, self.inspectors = f"{name}, {inspectors} inspectors", data, expected, inspectors

    def holds(self, register):
        file = register.folder / f"{abs(hash(self.name))}.pcap"
        file.write_bytes(self.data)
        seen = result(register.replay(*INSIDE, "--inspectors", self.inspectors, file))
        file.unlink()
        if seen != self.expected:
            print(f"{self.name}: lacks {sorted(set(self.expected) - set(seen))}, has besides {sorted(set(seen) - set(self.expected))}, "
                  f"{len(seen)} instead of {len(self.expected)}")
        return seen == self.expected


def trials_of_big_flows(expected):
    for change in ("tiny", "segmented", "reordered", "duplicated", "joined"):
        for seed in (1, 2, 3):
            yield Trial(f"{change} {seed}", capture(big_flows(), change, seed), expected)
    yield Trial("vlan", capture(big_flows(Way("vlan")), "segmented", 1), expected)
    yield Trial("ipv6", capture(big_flows(ip_version=6), "segmented", 1), expected)
    yield Trial("segmented", capture(big_flows(), "segmented", 4), expected, 3)
    for number, (name, way) in enumerate((WAYS | LINKS_OF_THEIR_OWN).items()):
        for change in ("segmented", "reordered", "duplicated"):
            for ip_version in (4, 6):
                yield Trial(f"{name}, IPv{ip_version}, {change}", capture(big_flows(way, ip_version), change, number), expected, 1 + number % 3)


def trials_of_many_flows(expected):
    for change in ("segmented", "reordered", "duplicated"):
        for inspectors in (1, 2, 3, 5):
            yield Trial(f"many flows, {change}", capture(many_flows(), change, inspectors), expected, inspectors)


def main():
    with tempfile.TemporaryDirectory(prefix="spanwatch-metamorphic.") as name:
        folder = pathlib.Path(name)
        (folder / "files").mkdir()
        for number, content in enumerate(registered_files()):
            (folder / "files" / f"{number}.dat").write_bytes(content)
        register = shared.Register(sys.argv[1], folder)
        register.add_files(folder / "files")
        register.build()

        def baseline(flows):
            (folder / "baseline.pcap").write_bytes(capture(flows, "single", 1))
            return result(register.replay(*INSIDE, folder / "baseline.pcap"))

        expected = baseline(big_flows())
        of_many = baseline([(number, 4, exchange, Way()) for number, _, exchange, _ in many_flows()])
        with concurrent.futures.ThreadPoolExecutor(shared.in_worker_pool()) as pool:
            trials = [*trials_of_big_flows(expected), *trials_of_many_flows(of_many)]
            held = list(pool.map(lambda trial: trial.holds(register), trials))
        held.append(result(through_slow_pipe(register, capture(big_flows(), "segmented", 6))) == expected)
    methods = {sighting[3] for sighting in expected}
    print(f"{len(expected)} completed sightings, methods {sorted(methods)}, and {len(of_many)} of many flows: the same under {sum(held)} of {len(held)} changes")
    if not held[-1]:
        print("through a slow pipe: other sightings")
    if not all(held) or len(expected) < 7 or methods != {"exact", "fragment"} or len(of_many) != len(expected) + SMALL_FLOWS // 5:
        print(*expected, sep="\n")
        sys.exit(f"FAILED: {len(held) - sum(held)} changes changed what was seen")


main()
