#!/usr/bin/env python3
"""A webhook receiver that believes nothing: verifies each Standard Webhooks signature and writes a JSON line a delivery.

    webhook_receiver.py PORT SECRET LINES [DOWN]

While the file DOWN exists it answers 503, so that deliveries wait.
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
        refused = down is not None and os.path.exists(down)
        with open(lines, "a") as file:
            entry = {"id": message_id, "good": good and fresh, "accepted": not refused, "at": time.time(),
                     "body": json.loads(body)}
            file.write(json.dumps(entry) + "\n")
        self.send_response(503 if refused else 204 if good and fresh else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
