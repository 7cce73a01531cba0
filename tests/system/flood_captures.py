"""Captures of floods: many short conversations that nobody answers, each with a registered picture that is sent amid them."""
import pathlib
import random
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cases"))
import wire  # pylint: disable=wrong-import-position

VICTIM = "198.51.100.7"
SCANNER = "10.20.0.66"
TCP, UDP = 6, 17


def packet(source, destination, protocol, payload, fragment=0, identification=0):
    """An Ethernet frame with one IPv4 packet; `fragment`: flags and offset as they stand in the header."""
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identification, fragment, 64, protocol, 0)
    header += socket.inet_aton(source) + socket.inet_aton(destination)
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + header[:10] + struct.pack(">H", checksum) + header[12:] + payload


def inside(dice):
    return f"10.20.{dice.randrange(256)}.{dice.randrange(256)}"


def udp(ports, payload, length=None):
    return struct.pack(">HHHH", *ports, 8 + len(payload) if length is None else length, 0) + payload


def syn(ports, sequence):
    return struct.pack(">HHIIBBHI", *ports, sequence, 0, 0x50, 0x02, 1024, 0)


def spoofed_udp(dice, _):
    """From made-up senders to one."""
    ports = (dice.randrange(1024, 65536), dice.randrange(1, 65536))
    return packet(inside(dice), VICTIM, UDP, udp(ports, dice.randbytes(64)))


def spoofed_both(dice, _):
    """Sender and receiver made up."""
    ports = (dice.randrange(1024, 65536), dice.randrange(1, 65536))
    return packet(inside(dice), f"198.18.{dice.randrange(256)}.{dice.randrange(256)}", UDP, udp(ports, dice.randbytes(64)))


def first_fragments(dice, number):
    """Of datagrams of which no other fragment comes."""
    ports = (dice.randrange(1024, 65536), 53)
    payload = udp(ports, dice.randbytes(56), 1400)
    return packet(inside(dice), VICTIM, UDP, payload, 0x2000, number & 0xFFFF)


def syns(dice, _):
    return packet(inside(dice), VICTIM, TCP, syn((dice.randrange(1024, 65536), 443), dice.getrandbits(32)))


def scan(dice, number):
    """One sender, all ports of a network."""
    return packet(SCANNER, f"198.51.100.{number % 256}", TCP, syn((40000, 1 + number // 256), dice.getrandbits(32)))


def udp_scan(dice, number):
    """One sender, a datagram to each port of a network."""
    return packet(SCANNER, f"198.51.100.{number % 256}", UDP, udp((40000, 1 + number // 256), dice.randbytes(24)))


KINDS = {kind.__name__: kind for kind in (spoofed_udp, spoofed_both, first_fragments, syns, scan, udp_scan)}


def write(path, kind, count, picture, every_us=40):
    """`count` packets of a flood, and the picture in the middle."""
    dice = random.Random(kind)
    with open(path, "wb") as file:
        capture = wire.Capture(file)
        for number in range(count):
            capture.write(KINDS[kind](dice, number))
            capture.micros += every_us - 40
            if number == count // 2:
                capture.put(picture, "/frame.jpg")


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4]).read_bytes())
