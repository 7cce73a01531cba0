"""Frames of one TCP conversation on any way through a network: whole or in IP fragments, behind VLAN tags and MPLS labels, inside
tunnels whose outer packets may be in fragments too. What the wire needs is filled in; checksums but IPv4's own are left out."""
import ipaddress
import itertools
import struct

TCP, UDP, IP_IN_IP, SIX_IN_FOUR, GRE, FRAGMENT = 6, 17, 4, 41, 47, 44
ETHER = {4: b"\x08\0", 6: b"\x86\xdd"}
MACS = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"
OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff ^ total


def packed(address):
    return ipaddress.ip_address(address).packed


def ip_packet(source, destination, protocol, payload, identification=0):
    """One whole IP packet."""
    source, destination = packed(source), packed(destination)
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source + destination + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, 0x4000, 64, protocol, 0) + source + destination
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def version(packet):
    return packet[0] >> 4


def fragments(packet, length, identification):
    """An IP packet in fragments of `length` bytes (a multiple of 8); as it is when it fits one."""
    header_length = 20 if version(packet) == 4 else 40
    header, payload = packet[:header_length], packet[header_length:]
    if len(payload) <= length:
        return [packet]
    made = []
    for at in range(0, len(payload), length):
        part, more = payload[at:at + length], at + length < len(payload)
        if version(packet) == 4:
            front = header[:2] + struct.pack("!HHH", 20 + len(part), identification & 0xffff, at // 8 | more << 13) + header[8:10] + b"\0\0" + header[12:]
            made.append(front[:10] + struct.pack("!H", checksum(front)) + front[12:] + part)
        else:
            extension = struct.pack("!BBHI", header[6], 0, at | more, identification)
            made.append(header[:4] + struct.pack("!H", 8 + len(part)) + bytes([FRAGMENT]) + header[7:] + extension + part)
    return made


def udp(port, payload):
    return struct.pack("!HHHH", 50000, port, 8 + len(payload), 0) + payload


def ethernet(packet, tags=()):
    """`tags`: what stands between the addresses and the EtherType, outermost first, as (type, identifier)."""
    between = b"".join(struct.pack("!HH", kind, identifier) for kind, identifier in tags)
    return MACS + between + ETHER[version(packet)] + packet


def ppp(packet):
    """RFC 1661 with the address and control fields of HDLC (RFC 1662)."""
    return b"\xff\x03" + (b"\0\x21" if version(packet) == 4 else b"\0\x57") + packet


# What an inner IP packet becomes in each tunnel: the outer IP protocol and payload.
TUNNELS = {
    "ip in ip": lambda inner: (IP_IN_IP if version(inner) == 4 else SIX_IN_FOUR, inner),
    "gre": lambda inner: (GRE, b"\0\0" + ETHER[version(inner)] + inner),
    "gre with key and sequence": lambda inner: (GRE, b"\x30\0" + ETHER[version(inner)] + bytes(8) + inner),
    "erspan": lambda inner: (GRE, b"\x10\0\x88\xbe" + bytes(4) + b"\x10\0\0\1" + bytes(4) + ethernet(inner)),
    "vxlan": lambda inner: (UDP, udp(4789, b"\x08\0\0\0\0\0\x2a\0" + ethernet(inner, [(0x8100, 9)]))),
    "geneve": lambda inner: (UDP, udp(6081, b"\x01\0\x65\x58\0\0\x2a\0" + bytes(4) + ethernet(inner))),
    "gtp-u": lambda inner: (UDP, udp(2152, struct.pack("!BBHI", 0x30, 255, len(inner), 7) + inner)),
}
TUNNELS |= {
    "pptp": lambda inner: (GRE, struct.pack("!HHHHI", 0x3001, 0x880b, len(ppp(inner)), 1, 7) + ppp(inner)),
    "pptp with acknowledgement": lambda inner: (GRE, struct.pack("!HHHHII", 0x3081, 0x880b, len(ppp(inner)), 1, 7, 6) + ppp(inner)),
    "gre with ppp": lambda inner: (GRE, b"\0\0\x88\x0b" + ppp(inner)),
}
# Links: what stands around the outermost IP packet.
LINKS = {
    "ethernet": lambda packet: ethernet(packet),
    "vlan": lambda packet: ethernet(packet, [(0x8100, 120)]),
    "qinq": lambda packet: ethernet(packet, [(0x88a8, 7), (0x8100, 120)]),
    "ppp": ppp,
    "hdlc": lambda packet: b"\x0f\0" + ETHER[version(packet)] + packet,
    "mpls": lambda packet: MACS + b"\x88\x47" + struct.pack("!II", 16 << 12 | 64, 17 << 12 | 0x100 | 64) + packet,
}


LINK_TYPES = {"ppp": 9, "hdlc": 104}  # of the capture file; any other link is Ethernet's, 1


class Way:
    """How the packets of a conversation travel. `inner_fragments`, `outer_fragments`: bytes of each, or None for whole packets.
    `outer`: IP version of the tunnel's own packets."""
    identifications = itertools.count(1)

    def __init__(self, link="ethernet", tunnel=None, outer=4, inner_fragments=None, outer_fragments=None):
        self.link_type = LINK_TYPES.get(link, 1)
        self.link, self.tunnel, self.outer = LINKS[link], TUNNELS[tunnel] if tunnel else None, outer
        self.inner_fragments, self.outer_fragments = inner_fragments, outer_fragments

    def frames(self, packet, from_client):
        """The frames that carry one IP packet."""
        packets = self._cut(packet, self.inner_fragments)
        if self.tunnel:
            ends = OUTER[self.outer] if from_client else OUTER[self.outer][::-1]
            packets = [ip_packet(*ends, *self.tunnel(inner)) for inner in packets]
            packets = [part for whole in packets for part in self._cut(whole, self.outer_fragments)]
        return [self.link(part) for part in packets]

    def _cut(self, packet, length):
        return fragments(packet, length, next(self.identifications)) if length else [packet]


def conversation(client, server, exchange, segment_length, way):
    """The frames of one connection, a list for each TCP segment. Ends: (address, port). `exchange`: (from client, bytes) in order."""
    sequence = {True: 1000, False: 0xfffffff0}  # the server's wraps
    ends = {True: (client, server), False: (server, client)}

    def send(from_client, flags, payload=b""):
        (source, port), (destination, other_port) = ends[from_client]
        segment = struct.pack("!HHIIBBHHH", port, other_port, sequence[from_client], sequence[not from_client] if flags & 0x10 else 0,
                              0x50, flags, 65535, 0, 0) + payload
        sequence[from_client] = (sequence[from_client] + len(payload) + (flags & 3 != 0)) & 0xffffffff
        return way.frames(ip_packet(source, destination, TCP, segment), from_client)

    segments = [send(True, 0x02), send(False, 0x12), send(True, 0x10)]
    for from_client, data in exchange:
        at = 0
        while at < len(data):
            length = segment_length()
            segments.append(send(from_client, 0x18, data[at:at + length]))
            at += length
        segments.append(send(not from_client, 0x10))
    return segments + [send(True, 0x11), send(False, 0x11), send(True, 0x10)]


def pcap(frames, link_type=1):
    """The frames as a capture file of one link type, a tenth of a millisecond apart."""
    records = [struct.pack("<IIII", 1_560_000_000 + at // 10_000, at % 10_000 * 100, len(data), len(data)) + data
               for at, data in enumerate(frames)]
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link_type) + b"".join(records)
