#!/usr/bin/env python3
"""What the visible lists name is there: a source file, a unit test, and for what reads hostile bytes a fuzz target with
seeds. And each fuzz target has seeds, whether or not a list names it."""
import re

from repository import ROOT, SENSOR, finish, shown

LISTS = [  # list, entry, suffix of its source, needs a fuzz target
    (SENSOR / "protocol/parsers.def", r"^PARSER\((\w+)\)", "parser", True),
    (SENSOR / "content/layers.def", r"^LAYER\((\w+)\)", "layer", True),
    (SENSOR / "fingerprint/families.def", r"^FAMILY\((\w+),", "family", False),
    (SENSOR / "image/formats.def", r"^FORMAT\((\w+)\)", "format", True),
    (SENSOR / "alert/sinks.def", r"^SINK\((\w+)\)", "sink", False),
]


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def tested(folder, source, name):
    """A test file of its own, or one of the folder that names it: what a family is made of has tests file by file."""
    tests = ROOT / "tests/unit" / folder
    if (tests / f"{source}_test.cc").exists():
        return True
    wanted = re.compile(name.replace("_", "[-_]?"), re.IGNORECASE)
    return any(wanted.search(path.read_text(encoding="utf-8")) for path in tests.glob("*_test.cc"))


def seeds(name):
    corpus = ROOT / "tests/fuzz/corpus" / name
    return [path for path in corpus.glob("*") if path.is_file() and path.stat().st_size > 0] if corpus.is_dir() else []


def main():
    offenders = []
    looked_at = 0
    for path, entry, suffix, fuzzed in LISTS:
        folder = path.parent.name
        names = re.findall(entry, path.read_text(encoding="utf-8"), re.MULTILINE)
        if not names:
            offenders.append(f"{shown(path)}: names nothing")
        for name in names:
            looked_at += 1
            source = f"{snake(name)}_{suffix}"
            if not (path.parent / f"{source}.cc").exists():
                offenders.append(f"{shown(path)}: {name} has no source {folder}/{source}.cc")
            if not tested(folder, source, snake(name)):
                offenders.append(f"{shown(path)}: {name} has no unit test in tests/unit/{folder}")
            if fuzzed and not (ROOT / f"tests/fuzz/{source}_fuzz.cc").exists():
                offenders.append(f"{shown(path)}: {name} has no fuzz target tests/fuzz/{source}_fuzz.cc")
    for target in sorted((ROOT / "tests/fuzz").glob("*_fuzz.cc")):
        looked_at += 1
        name = target.name.removesuffix("_fuzz.cc")
        if not seeds(name):
            offenders.append(f"{shown(target)}: has no seeds in tests/fuzz/corpus/{name}")
    for corpus in sorted((ROOT / "tests/fuzz/corpus").iterdir()):
        if not (ROOT / f"tests/fuzz/{corpus.name}_fuzz.cc").exists():
            offenders.append(f"{shown(corpus)}: seeds of no fuzz target")
    finish("registry", offenders, looked_at)


if __name__ == "__main__":
    main()
