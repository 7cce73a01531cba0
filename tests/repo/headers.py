#!/usr/bin/env python3
"""Each header of sensor/ compiles by itself. One that is the first include of its own source file is proved by the build;
the others are compiled alone here. headers.py COMPILER [HEADER...]"""
import concurrent.futures
import os
import re
import subprocess
import sys

from repository import SENSOR, finish, shown, sources


def first_include(path):
    found = re.search(r'^\s*#\s*include\s+([<"][^">]+[">])', path.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else ""


def compile_alone(compiler, header):
    command = [compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Werror", f"-I{SENSOR}", '-DSPANWATCH_VERSION="0"', "-x", "c++", "-"]
    text = f'#include "{header.relative_to(SENSOR)}"\n'
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stderr[:2000]


def main():
    compiler = sys.argv[1]
    offenders, alone = [], []
    headers = [header for header in sources(".h") if len(sys.argv) < 3 or shown(header) in sys.argv[2:]]
    for header in headers:
        if not re.search(r"^#pragma once$", header.read_text(encoding="utf-8"), re.MULTILINE):
            offenders.append(f"{shown(header)}: has no '#pragma once'")
        source = header.with_suffix(".cc")
        if not source.exists():
            alone.append(header)
        elif first_include(source) != f'"{header.relative_to(SENSOR)}"':
            offenders.append(f"{shown(source)}: its own header must be its first include, which proves that it stands alone")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, errors in zip(alone, pool.map(lambda one: compile_alone(compiler, one), alone)):
            if errors:
                offenders.append(f"{shown(header)}: does not compile by itself:\n{errors}")
    print(f"{len(alone)} headers compiled alone, {len(headers) - len(alone)} stand first in their source")
    finish("headers", offenders, len(headers))


if __name__ == "__main__":
    main()
