#!/usr/bin/env python3
"""A webhook receiver that believes nothing: verifies each Standard Webhooks signature and writes a JSON line a delivery.

    webhook_receiver.py PORT SECRET LINES [DOWN]

While the file DOWN exists deliveries fail: with the status that the file holds (503 when it is empty), or by `half` an answer
or a connection that is simply `close`d.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

port, secret, lines = int(sys.argv[1]), sys.argv[2], sys.argv[3]
down = sys.argv[4] if len(sys.argv) > 4 else None
key = base64.b64decode(secret.removeprefix("whsec_"))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message_id = self.headers["webhook-id"]
        timestamp = self.headers["webhook-timestamp"]
        signed = f"{message_id}.{timestamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        good = any(hmac.compare_digest(expected, one) for one in self.headers["webhook-signature"].split())
        fresh = abs(time.time() - int(timestamp)) < 300
        failure = None
        if down is not None and os.path.exists(down):
            with open(down) as file:
                failure = file.read().strip() or "503"
        refused = failure is not None
        with open(lines, "a") as file:
            entry = {"id": message_id, "good": good and fresh, "accepted": not refused, "at": time.time(),
                     "body": json.loads(body)}
            file.write(json.dumps(entry) + "\n")
        if failure == "close":
            self.close_connection = True
            return
        if failure == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
            self.close_connection = True
            return
        self.send_response(int(failure) if refused else 204 if good and fresh else 401)
        if failure == "307":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
