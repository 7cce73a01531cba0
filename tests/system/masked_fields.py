#!/usr/bin/env python3
"""Plates in every field that a sender words and an event repeats.

masked_fields.py make FOLDER          writes traffic.pcap, whose uploads are the registered pictures in FOLDER/pictures
masked_fields.py send CAPTURE IFACE   puts its frames on an interface
masked_fields.py check WORD... -- FILE...   fails when a file shows the plate, however it is written, or one of the words"""
import io
import pathlib
import re
import socket
import struct
import sys
import tarfile
import time
import unicodedata
import urllib.parse
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cases"))
import wire  # noqa: E402

PLATE = "BCD1234"
# As it stands in a field; the word beside it must be gone where names are tagged.
FORMS = ["secretword-BCD1234", "secretwordBCD1234", "20190513BCD1234-secretword", "BCD-1234.secretword", "B_C_D_1_2_3_4_secretword",
         "secretword.B.C.D.1.2.3.4", "BCD%31234-secretword", "%42%43%44%31%32%33%34secretword", "BCD%2531234-secretword",
         "BCD\u0661\u0662\u0663\u0664-secretword", "\uff22\uff23\uff24\uff11\uff12\uff13\uff14-secretword", "bcd1234secretword",
         "BCD-1234secretword", "secretword BCD 12 34", "BCD - 1234 secretword", "BCD&#49;234secretword", "BCD\\u0031234secretword"]


def client_hello(name, alpn):
    """RFC 8446 section 4.1.2, with server_name (RFC 6066) and ALPN (RFC 7301)."""
    def sized(width, data):
        return len(data).to_bytes(width, "big") + data
    sni = struct.pack(">H", 0) + sized(2, sized(2, b"\0" + sized(2, name)))
    protocols = struct.pack(">H", 16) + sized(2, sized(2, sized(1, alpn)))
    versions = struct.pack(">H", 43) + sized(2, sized(1, b"\x03\x04"))
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + sized(2, b"\x13\x01\x13\x02") + b"\x01\0" + sized(2, sni + protocols + versions)
    return b"\x16\x03\x01" + sized(2, b"\x01" + sized(3, body))


def archives(picture, name):
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as made:
        made.writestr(name, picture)
    with tarfile.open(fileobj=tarred, mode="w", format=tarfile.PAX_FORMAT) as made:
        member = tarfile.TarInfo(name)
        member.size = len(picture)
        made.addfile(member, io.BytesIO(picture))
    return zipped.getvalue(), tarred.getvalue()


def post(capture, path, fields, body):
    connection = capture.connect()
    lines = ["POST ".encode() + path + b" HTTP/1.1", *fields, b"Content-Length: %d" % len(body)]
    connection.request(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    connection.response()
    connection.close()


def say(capture, client, server, port):
    connection = capture.connect(port=port)
    connection.request(client)
    connection.response(server)
    connection.request(bytes(range(256)) * 16)
    connection.close()


def make(folder):
    pictures = iter(sorted((folder / "pictures").iterdir()))
    plain = [b"Host: files.example", b"User-Agent: curl/8"]
    with open(folder / "traffic.pcap", "wb") as out:
        capture = wire.Capture(out)
        for form in FORMS:
            word = form.encode()
            in_path = urllib.parse.quote(form, safe="%&#;\\").encode()
            token = word.replace(b" ", b"_")
            picture = next(pictures).read_bytes()
            zipped, tarred = archives(picture, form + ".jpg")
            part, media_type = wire.multipart([("f", form + ".jpg", "image/" + form.replace(" ", "."), picture)])
            post(capture, b"/up/" + in_path + b"/x.jpg?n=" + in_path, [b"Host: " + token + b".example", b"User-Agent: " + word], picture)
            post(capture, b"/up", [*plain, b"Content-Type: " + media_type.encode()], part)
            post(capture, b"/up", [*plain, b"Content-Type: application/" + token.lower(),
                                   b'Content-Disposition: attachment; filename="' + word + b'.jpg"'], picture)
            post(capture, b"/up", [*plain, b"Content-Disposition: attachment; filename*=UTF-8''" + in_path + b".jpg"], picture)
            post(capture, b"/" + in_path + b".zip", plain, zipped)
            post(capture, b"/" + in_path + b".tar", plain, tarred)
            say(capture, client_hello(token[:60] + b".example", token[:40]), b"\x15\x03\x03\0\x02\x02\x28", 443)
            say(capture, b"SSH-2.0-" + word + b"\r\n", b"SSH-2.0-OpenSSH_9.2 " + word + b"\r\n", 22)
            mail = b"From: a@example\r\nSubject: " + word + b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" \
                b"--x\r\nContent-Type: image/jpeg; name=\"" + word + b".jpg\"\r\nContent-Transfer-Encoding: binary\r\n\r\n" + picture + b"\r\n--x--\r\n"
            post(capture, b"/mail", [*plain, b"Content-Type: message/rfc822"], mail)


def send(capture, interface):
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((interface, 0))
    data = pathlib.Path(capture).read_bytes()
    at = 24
    while at < len(data):
        if at % 32 == 0:
            time.sleep(0.0002)
        length = struct.unpack_from("<I", data, at + 8)[0]
        out.send(data[at + 16:at + 16 + length])
        at += 16 + length


def readings(text):
    """What somebody who looks for a plate makes of a text."""
    for _ in range(4):
        text = urllib.parse.unquote(text, errors="replace")
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
        text = re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), text)
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in unicodedata.normalize("NFKC", text))
    return re.sub(r"[ ._+-]", "", digits).upper()


def check(words, files):
    for name in files:
        text = pathlib.Path(name).read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines()):
            assert PLATE not in readings(line), f"{name} line {number + 1} shows the plate: {line[:1500]}"
            for word in words:
                assert word not in line.lower(), f"{name} line {number + 1} shows {word}: {line[:1500]}"


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
elif sys.argv[1] == "send":
    send(sys.argv[2], sys.argv[3])
else:
    split = sys.argv.index("--")
    check(sys.argv[2:split], sys.argv[split + 1:])
