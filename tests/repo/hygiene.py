#!/usr/bin/env python3
"""What no file of the tree may hold: unfinished work, the host of a package registry, over-long lines and files."""
import re

from repository import finish, shown, tracked_files

COLUMNS_MAX = 120
LINES_MAX = 600
TEXT = {".h", ".cc", ".def", ".py", ".cmake", ".txt", ".yml", ".yaml", ".json", ".md", ".sh", ".service", ".conf", ""}
CODE = {".h", ".cc", ".py", ".cmake", ".sh", ".txt", ".yml", ".yaml"}
# Each word is written so that this file does not offend itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|NO" r"LINT\w*)\b")
REGISTRY_HOSTS = re.compile(
    r"\b((?:deb|security|ftp)\.debian" r"\.org|(?:archive|ports)\.ubuntu" r"\.com|pypi" r"\.org|files\.pythonhosted" r"\.org|"
    r"registry\.npmjs" r"\.org|crates" r"\.io|proxy\.golang" r"\.org|repo\.maven\.apache" r"\.org|rubygems" r"\.org|"
    r"registry-1\.docker" r"\.io|quay" r"\.io|ghcr" r"\.io)\b")


def main():
    offenders = []
    looked_at = 0
    for path in tracked_files():
        name = shown(path)
        if path.suffix not in TEXT or name.startswith("tests/fuzz/corpus/") or name.startswith("tests/golden/"):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        looked_at += 1
        in_sensor = name.startswith("sensor/")
        if in_sensor and len(lines) > LINES_MAX:
            offenders.append(f"{name}: {len(lines)} lines, more than {LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if path.suffix in CODE and UNFINISHED.search(line):
                offenders.append(f"{name}:{number}: unfinished: {line.strip()[:100]}")
            if REGISTRY_HOSTS.search(line):
                offenders.append(f"{name}:{number}: names the host of a package registry")
            # A line of a table stays one line, however long its words.
            if in_sensor and path.suffix in (".h", ".cc") and len(line) > COLUMNS_MAX:
                offenders.append(f"{name}:{number}: {len(line)} columns, more than {COLUMNS_MAX}")
    finish("hygiene", offenders, looked_at)


if __name__ == "__main__":
    main()
