#!/usr/bin/env python3
"""Writes a capture of one HTTP upload: upload_capture.py PICTURE CAPTURE SECONDS SOURCE. SECONDS since 1970 is its first packet's time."""
import socket
import struct
import sys

picture, capture, seconds, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
SERVER = "198.51.100.7"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data if len(data) % 2 == 0 else data[:-1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(client, sequence, acknowledged, flags, payload=b""):
    """One TCP segment of the client's or of the server's, in Ethernet."""
    ends = [(source, 40000), (SERVER, 80)]
    (here, here_port), (there, there_port) = ends if client else ends[::-1]
    addresses = socket.inet_aton(here) + socket.inet_aton(there)
    tcp = struct.pack("!HHIIBBHHH", here_port, there_port, sequence, acknowledged, 0x50, flags, 65535, 0, 0) + payload
    pseudo = addresses + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + addresses
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + head + tcp


with open(picture, "rb") as file:
    body = file.read()
request = b"PUT /lane.jpg HTTP/1.1\r\nHost: files.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body
answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
frames = [frame(True, 99, 0, 0x02), frame(False, 499, 100, 0x12), frame(True, 100, 500, 0x10)]
for at in range(0, len(request), 1400):
    frames.append(frame(True, 100 + at, 500, 0x18, request[at : at + 1400]))
end = 100 + len(request)
frames.append(frame(False, 500, end, 0x18, answer))
frames.append(frame(True, end, 500 + len(answer), 0x11))
frames.append(frame(False, 500 + len(answer), end + 1, 0x11))
frames.append(frame(True, end + 1, 501 + len(answer), 0x10))
with open(capture, "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number, one in enumerate(frames):
        file.write(struct.pack("<IIII", seconds, number * 1000, len(one), len(one)) + one)
