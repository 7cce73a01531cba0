"""What the tests over the captures beside the checkout share: where those are, a signed set of bare digests, one replay."""
import json
import os
import pathlib
import subprocess
import sys

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPTURES = ROOT.parent / "shared" / "captures"


def need_captures():
    """Ends the test as skipped where the captures are not."""
    if not (CAPTURES / "captures.jsonl").exists():
        print(f"SKIPPED: {CAPTURES} is not there; these captures are not part of the repository")
        sys.exit(SKIPPED)


def rows(name):
    with open(CAPTURES / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def only_plain_links(encap):
    return set(encap) <= {"vlan", "sll", "raw-ip", "null-loop"}


class Register:
    """An owner with keys and one register, in a folder of the test's own."""

    def __init__(self, spanwatch, folder):
        self.spanwatch = spanwatch
        self.folder = pathlib.Path(folder)
        self.set_file = self.folder / "agency.swset"
        self.run("keygen", "--out", self.folder / "owner")
        self.run("register", "init", "--register", self.folder / "R.db", "--owner", "Test agency",
                 "--record-key", self.folder / "record.key")

    def run(self, *arguments):
        result = subprocess.run([self.spanwatch, *map(str, arguments)], capture_output=True, text=True, timeout=300)
        if result.returncode != 0:
            sys.exit(f"spanwatch {arguments[0]}: {result.stdout}{result.stderr}")
        return result.stdout

    def import_digests(self, digests):
        listed = self.folder / "digests.txt"
        listed.write_text("".join(digest + "\n" for digest in sorted(digests)))
        self.run("register", "import", "--register", self.folder / "R.db", "--collection", "truth", "--sha256", listed)

    def add_files(self, folder):
        self.run("register", "add", "images", "--register", self.folder / "R.db", "--collection", "truth", folder)

    def build(self):
        self.run("register", "build", "--register", self.folder / "R.db", "--sign", self.folder / "owner.key",
                 "--out", self.set_file)

    def digest_of_item(self):
        listed = self.run("register", "list", "--register", self.folder / "R.db", "--json")
        return {item["id"]: item["sha256"] for item in map(json.loads, listed.splitlines())}

    def replay(self, *arguments, timeout=120, **options):
        """The finished process; its standard output holds the events."""
        command = [self.spanwatch, "replay", "--hashset", self.set_file, "--trust", self.folder / "owner.pub", "--record-key",
                   self.folder / "record.key", "--events", "-", "--quiet", *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, timeout=timeout, check=False, **options)


def sightings(process):
    events = [json.loads(line) for line in process.stdout.splitlines()]
    return [event for event in events if event["event"]["dataset"] == "spanwatch.sighting"]


def endpoint(side):
    return f"{side['ip']}:{side['port']}" if side else "unknown"


def in_worker_pool():
    return min(2, os.cpu_count() or 1)
