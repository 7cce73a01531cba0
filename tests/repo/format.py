#!/usr/bin/env python3
"""Every C++ file of sensor/ and tests/ is as clang-format leaves it. format.py [CLANG-FORMAT]; ctest passes the one found."""
import concurrent.futures
import os
import subprocess
import sys

from repository import ROOT, finish, shown, tracked_files


def main():
    formatter = sys.argv[1] if len(sys.argv) > 1 else "clang-format-19"
    files = [path for path in tracked_files("sensor", "tests") if path.suffix in (".h", ".cc")]

    def differs(path):
        return subprocess.run([formatter, "--dry-run", "-Werror", str(path)], capture_output=True, cwd=ROOT, check=False).returncode != 0

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(differs, files))
    offenders = [f"{shown(path)}: run {formatter} -i on it" for path, bad in zip(files, verdicts) if bad]
    finish("format", offenders, len(files))


if __name__ == "__main__":
    main()
