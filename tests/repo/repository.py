"""What the repository checks share: where the tree is, which files are in it, and how offenders are told."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENSOR = ROOT / "sensor"


def tracked_files(*folders):
    """Files under version control or about to be; outside a checkout, whatever lies there."""
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "--", *folders]
    result = subprocess.run(command, capture_output=True, text=True, check=False) if (ROOT / ".git").exists() else None
    if result is not None and result.returncode == 0:
        found = (ROOT / name for name in result.stdout.splitlines())
    else:
        found = (path for folder in folders or (".",) for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in found if path.is_file())


def sources(*suffixes):
    return [path for path in tracked_files("sensor") if path.suffix in suffixes]


def shown(path):
    return str(path.relative_to(ROOT))


def finish(name, offenders, looked_at):
    """Prints every offender and ends the process; looking at nothing is an offence too."""
    for offender in offenders:
        print(offender)
    if not looked_at:
        print(f"{name}: there was nothing to look at")
    else:
        print(f"{name}: {looked_at} looked at, {len(offenders)} offend")
    sys.exit(1 if offenders or not looked_at else 0)
