#!/usr/bin/env python3
"""Writes a capture of one HTTP upload: upload_capture.py PICTURE CAPTURE SECONDS SOURCE. SECONDS since 1970 is its first packet's time."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cases"))
import wire  # noqa: E402

picture, capture, seconds, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
with open(capture, "wb") as file:
    made = wire.Capture(file)
    made.micros = seconds * 1_000_000
    connection = made.connect(source)
    connection.exchange(wire.http("PUT", "/lane.jpg", pathlib.Path(picture).read_bytes(), "image/jpeg"))
    connection.close()
