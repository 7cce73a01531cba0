#!/usr/bin/env python3
"""Every capture of the corpora is replayed to its end, without crash or hang: captures_robust.py SPANWATCH"""
import concurrent.futures
import subprocess
import sys
import tempfile

import shared_captures as shared

CHUNK = 40
UNREADABLE = "one of them cannot be read"
SECONDS = 300  # of one chunk; under a sanitizer too


def complaint(register, captures):
    """None when the replay ended as it should: with 0, or for one file that libpcap does not read with 1 and a reason."""
    try:
        process = register.replay("--inside", "any", *captures, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    said = process.stderr.decode(errors="replace")
    if "Sanitizer" in said or "runtime error" in said or "terminat" in said or "died" in said or "signal" in said:
        return said[-3000:]
    if process.returncode not in (0, 1):
        return f"exit status {process.returncode}: {said[-1000:]}"
    if process.returncode == 1 and not said.strip():
        return "failed without a word"
    if process.returncode == 1 and len(captures) > 1:
        return UNREADABLE  # and those behind it were not
    return None


def offenders(register, captures):
    reason = complaint(register, captures)
    if reason is None:
        return []
    if len(captures) == 1:
        return [(captures[0], reason)]
    middle = len(captures) // 2
    found = offenders(register, captures[:middle]) + offenders(register, captures[middle:])
    if not found and reason != UNREADABLE:
        found = [(captures[0], f"only together with the {len(captures) - 1} behind it: {reason}")]
    return found


def main():
    shared.need_captures()
    readable, unreadable = [], []
    for row in shared.rows("captures.jsonl"):
        (unreadable if row.get("reader_error") else readable).append(shared.CAPTURES / row["capture"])
    chunks = [readable[i:i + CHUNK] for i in range(0, len(readable), CHUNK)] + [[capture] for capture in unreadable]
    with tempfile.TemporaryDirectory(prefix="spanwatch-robust.") as folder:
        register = shared.Register(sys.argv[1], folder)
        register.import_digests({row["sha256"] for row in shared.rows("truth.jsonl") if row.get("sha256")})
        register.build()
        with concurrent.futures.ThreadPoolExecutor(shared.in_worker_pool()) as pool:
            found = [offender for result in pool.map(lambda chunk: offenders(register, chunk), chunks) for offender in result]
    for capture, reason in found:
        print(f"{capture}: {reason}\n")
    print(f"{len(readable)} captures and {len(unreadable)} that libpcap refuses")
    if found or not readable:
        sys.exit(f"FAILED: {len(found)} captures were not replayed as they should be")


main()
