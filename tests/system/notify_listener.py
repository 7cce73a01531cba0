#!/usr/bin/env python3
"""Stands in for systemd: notify_listener.py SOCKET FILE writes each sd_notify message to FILE until STOPPING=1."""
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.path.exists(sys.argv[1]): os.unlink(sys.argv[1])
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
while True:
    told = listener.recv(4096).decode()
    open(sys.argv[2], "a").write(told + "\n")
    if told == "STOPPING=1": break
