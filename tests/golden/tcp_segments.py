"""TCP segments as real hosts send them, with checksums, timestamps and windows, and with whatever is changed in one of them."""
import struct

import wire_frames as wire

HOSTS = {4: ("10.20.0.9", "198.51.100.7"), 6: ("fd00:20::9", "2001:db8:99::7")}
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


class Segment:
    """A TCP segment and the IP packet around it; whatever is left out is as it should be."""

    def __init__(self, host, payload=b"", **changes):
        self.from_client, self.sequence, self.acknowledgement = host.from_client, host.sequence, host.acknowledgement
        self.version, self.time, self.payload = host.version, host.time(), payload
        self.flags, self.hop_limit, self.ip_options, self.signature, self.timestamps = ACK | (PSH if payload else 0), 64, b"", False, True
        self.checksum = self.ip_checksum = 0  # added to the right one
        self.extra_length = 0
        self.extension, self.next_header = b"", 60
        self.window, self.urgent, self.scale = 65535, 0, None
        self.no_length = False  # the IP header says 0
        for name, value in changes.items():
            setattr(self, name, value)

    def tcp(self):
        options = struct.pack("!BBBBII", 1, 1, 8, 10, self.time & 0xffffffff, 1) if self.timestamps else b""
        if self.signature:
            options += bytes([19, 18]) + bytes(16) + b"\1\1"
        if self.flags & SYN:
            options = b"\2\4\5\xb4" + options
            if self.scale is not None:
                options = bytes([1, 3, 3, self.scale]) + options
        client, server = HOSTS[self.version]
        ports = (40000, 80) if self.from_client else (80, 40000)
        header = struct.pack("!HHIIBBHHH", *ports, self.sequence & 0xffffffff, self.acknowledgement & 0xffffffff if self.flags & ACK else 0,
                             (5 + len(options) // 4) << 4, self.flags, self.window, 0, self.urgent) + options
        pseudo = wire.packed(client) + wire.packed(server) + struct.pack("!II", wire.TCP, len(header) + len(self.payload))
        whole = header + self.payload
        total = (wire.checksum(pseudo + whole + bytes(len(whole) % 2)) + self.checksum) & 0xffff
        return header[:16] + struct.pack("!H", total) + header[18:] + self.payload

    def told_length(self, length):
        return 0 if self.no_length else length + self.extra_length

    def ip(self, identification):
        client, server = HOSTS[self.version]
        ends = (client, server) if self.from_client else (server, client)
        source, destination = map(wire.packed, ends)
        content = self.tcp()
        if self.version == 6:
            protocol = self.next_header if self.extension else wire.TCP
            content = self.extension + content
            return struct.pack("!IHBB", 6 << 28, self.told_length(len(content)), protocol, self.hop_limit) + source + destination + content
        words = 5 + len(self.ip_options) // 4
        header = struct.pack("!BBHHHBBH", 0x40 | words, 0, self.told_length(words * 4 + len(content)), identification, 0x4000, self.hop_limit,
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
