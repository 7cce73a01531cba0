#!/usr/bin/env python3
"""Every file that other programs found in HTTP/1 traffic is found exactly, on its flow: captures_truth.py SPANWATCH [-v]"""
import collections
import concurrent.futures
import os.path
import re
import sys
import tempfile
import urllib.parse

import shared_captures as shared

# Names that the other programs gave where they knew none.
MADE_UP_NAME = re.compile(r"^$|^object[0-9]+$|request_uri_not_seen|^/?HTTP/1|\([0-9]+\)$|^[@%]")

# Found exactly, on the right flow, under another name: one content that a connection carried more often than an event lists
# places, a response whose request another program guessed, a body without a head.
MOST_OTHER_NAMES = 20
# Confirmed rows that are not found, with the reason.
KNOWN_NOT_FOUND = {}


def provenance_names(steps, filename):
    """Whether the steps (masked as events mask them) show the last part of the name that the truth gives."""
    def mask(text):
        return re.sub("[0-9]", "9", re.sub("[A-Za-z]", "A", urllib.parse.unquote(text)))
    if MADE_UP_NAME.search(filename or ""):
        return True
    name = os.path.basename((filename or "").split("?")[0].rstrip("/"))
    return mask(name[:40]) in mask(" ".join(steps))


def same_endpoint(seen, told):
    """`told` may lack its port."""
    return seen["ip"] == told["ip"] and told["port"] in (None, seen["port"])


def replay(register, capture):
    try:
        return shared.sightings(register.replay("--inside", "any", shared.CAPTURES / capture))
    except Exception as error:  # a capture that ends the replay is a row not found, told with the others
        return error


def reason_not_found(row, found, digest_of):
    """None when the row is found as it must be."""
    if isinstance(found, Exception):
        return f"replay failed: {found}"
    wanted = row["sha256"]
    of_item = [event for event in found if any(digest_of[item] == wanted for item in event["spanwatch"]["items"])]
    if not of_item:
        return "not seen"
    on_flow = [event for event in of_item
               if row["sender"] is None or (same_endpoint(event["source"], row["sender"]) and
                                            same_endpoint(event["destination"], row["receiver"]))]
    if not on_flow:
        seen = {f"{shared.endpoint(event['source'])}>{shared.endpoint(event['destination'])}" for event in of_item}
        return "other flow: " + " ".join(sorted(seen)[:2])
    exact = [event for event in on_flow if event["spanwatch"]["method"] == "exact"]
    if not exact:
        return "not exact: " + on_flow[0]["spanwatch"]["method"]
    if not any(provenance_names(event["spanwatch"]["provenance"] + [event["file"].get("name", "")], row["filename"])
               for event in exact):
        return "name: " + " / ".join(exact[0]["spanwatch"]["provenance"])[:80]
    return None


def main():
    shared.need_captures()
    wanted = [row for row in shared.rows("truth.jsonl")
              if row["protocol"] == "http1" and shared.only_plain_links(row["encap"])]
    with tempfile.TemporaryDirectory(prefix="spanwatch-truth.") as folder:
        register = shared.Register(sys.argv[1], folder)
        register.import_digests({row["sha256"] for row in wanted if row.get("sha256")})
        register.build()
        digest_of = register.digest_of_item()
        captures = sorted({row["capture"] for row in wanted})
        with concurrent.futures.ThreadPoolExecutor(shared.in_worker_pool()) as pool:
            found = dict(zip(captures, pool.map(lambda capture: replay(register, capture), captures)))
    count = collections.Counter()
    tables = {"not found": [], "other name": []}
    for row in wanted:
        if not row.get("sha256"):
            count[row["grade"], "no digest"] += 1
            continue
        reason = reason_not_found(row, found[row["capture"]], digest_of)
        kind = "found" if reason is None else "other name" if reason.startswith("name: ") else "not found"
        count[row["grade"], kind] += 1
        if kind != "found":
            tables[kind].append((row, reason))
    for kind, table in tables.items():
        for row, reason in table:
            print(f"{kind}: {row['grade']} {row['capture']} {row['size']} bytes {','.join(row['conditions'])} "
                  f"{shared.endpoint(row['sender'])}>{shared.endpoint(row['receiver'])} {row['filename']} {row['sha256'][:12]} "
                  f"{'+'.join(row['evidence'])}: {reason}")
    for (grade, kind), number in sorted(count.items()):
        print(f"{grade:9} {kind:10} {number}")
    lost = {(row["capture"], row["filename"]) for row, _ in tables["not found"] if row["grade"] == "confirmed"}
    if lost - set(KNOWN_NOT_FOUND) or count["confirmed", "other name"] > MOST_OTHER_NAMES or not count["confirmed", "found"]:
        sys.exit(f"FAILED: {sorted(lost - set(KNOWN_NOT_FOUND))} not found, {count['confirmed', 'other name']} under other names")


main()
