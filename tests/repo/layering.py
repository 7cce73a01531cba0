#!/usr/bin/env python3
"""The #include lines of sensor/ and the LINK lists of sensor/CMakeLists.txt keep to the edges that the design allows:

cli -> {inspector, supervisor, register} -> {stages, process} -> {image, model, telemetry, config} -> base

A stage never includes another stage; they meet in model/, which holds headers only.
"""
import re

from repository import ROOT, SENSOR, finish, shown, sources

GROUND = {
    "base": set(),
    "model": {"base"},
    "telemetry": {"base", "model"},
    "config": {"base", "model", "telemetry"},
    "image": {"base", "model", "telemetry", "config"},
}
INSPECTOR_STAGES = {"capture", "decode", "flow", "protocol", "content", "fingerprint", "hashset"}
SUPERVISOR_STAGES = {"policy", "state", "alert"}
LOW = set(GROUND)

ALLOWED = dict(GROUND)
for stage in INSPECTOR_STAGES | SUPERVISOR_STAGES:
    ALLOWED[stage] = LOW
ALLOWED["process"] = LOW - {"image"}
ALLOWED["inspector"] = LOW | INSPECTOR_STAGES | {"process"}
ALLOWED["supervisor"] = LOW | SUPERVISOR_STAGES | {"process", "hashset"}
ALLOWED["register"] = LOW | {"fingerprint", "hashset"}
# What the command line starts and prints, it may name; it wires no stage.
ALLOWED["cli"] = set(ALLOWED) | {"cli"}
ALLOWED["main.cc"] = LOW | {"cli"}


def folder_of(path):
    inside = path.relative_to(SENSOR)
    return inside.parts[0]


def main():
    offenders = []
    folders = {path.name for path in SENSOR.iterdir() if path.is_dir()}
    edges = 0
    for path in sources(".h", ".cc", ".def"):
        folder = folder_of(path)
        if folder not in ALLOWED:
            offenders.append(f"{shown(path)}: the design knows no folder '{folder}'")
            continue
        if folder == "model" and path.suffix == ".cc":
            offenders.append(f"{shown(path)}: model holds headers only")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            edges += 1
            target = found.group(1).split("/")[0]
            if "/" not in found.group(1) or target not in folders:
                offenders.append(f'{shown(path)}:{number}: "{found.group(1)}" is not written from sensor/, like "base/bytes.h"')
            elif target != folder and target not in ALLOWED[folder]:
                offenders.append(f"{shown(path)}:{number}: {folder} may not include {target}")
    for call in re.finditer(r"spanwatch_library\((\w+)([^)]*)\)", (SENSOR / "CMakeLists.txt").read_text(encoding="utf-8")):
        folder, linked = call.group(1), set(re.findall(r"\bsw_(\w+)", call.group(2)))
        edges += len(linked)
        for target in sorted(linked - ALLOWED.get(folder, set())):
            offenders.append(f"sensor/CMakeLists.txt: {folder} may not link {target}")
    finish("layering", offenders, edges)


if __name__ == "__main__":
    main()
