#!/usr/bin/env python3
"""Each check fails when what it forbids is there: a copy of the tree gets one offence at a time."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

from repository import ROOT, finish, tracked_files

ANY_SOURCE = "sensor/base/hex.cc"


def append(name, text):
    def plant(tree):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    return plant


def replace(name, old, new):
    def plant(tree):
        text = (tree / name).read_text(encoding="utf-8")
        if old not in text:
            raise RuntimeError(f"{name} holds no '{old}'; give this test another place")
        (tree / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return plant


def remove(name):
    def plant(tree):
        path = tree / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return plant


DASHBOARD = "dashboards/spanwatch-overview.json"
OFFENCES = [  # check, what is wrong, how, what the check must say
    ("layering", "a stage includes a stage", append("sensor/content/layers.cc", '#include "match/x.h"\n#include "fingerprint/family.h"\n'), "content may not include fingerprint"),
    ("layering", "the ground includes a stage", append("sensor/base/hex.cc", '#include "model/event.h"\n'), "base may not include model"),
    ("layering", "the inspector includes the policy", append("sensor/inspector/inspection.cc", '#include "policy/policy.h"\n'), "inspector may not include policy"),
    ("layering", "a source file in model", append("sensor/model/event.cc", "\n"), "headers only"),
    ("layering", "an include that is relative", append(ANY_SOURCE, '#include "hex.h"\n'), "is not written from sensor/"),
    ("layering", "a library links upwards", replace("sensor/CMakeLists.txt", "spanwatch_library(decode LINK", "spanwatch_library(decode LINK sw_flow"), "decode may not link flow"),
    ("headers", "a header that needs another before it", append("sensor/model/broken.h", "#pragma once\ninline std::string Broken() { return {}; }\n"), "does not compile by itself"),
    ("headers", "a source that hides it", replace(ANY_SOURCE, '#include "base/hex.h"', '#include <string>\n#include "base/hex.h"'), "must be its first include"),
    ("registry", "a layer without anything", append("sensor/content/layers.def", "LAYER(Rot13)\n"), "Rot13 has no source"),
    ("registry", "a parser without its fuzz target", remove("tests/fuzz/ssh_parser_fuzz.cc"), "Ssh has no fuzz target"),
    ("registry", "a fuzz target without seeds", remove("tests/fuzz/corpus/ssh_parser"), "has no seeds"),
    ("registry", "a sink without a test", append("sensor/alert/sinks.def", "SINK(semaphore)\n"), "semaphore has no unit test"),
    ("hygiene", "unfinished work", append(ANY_SOURCE, "// TO" "DO\n"), "unfinished"),
    ("hygiene", "a registry's host", append("README.md", "\nhttps://pypi" ".org/\n"), "package registry"),
    ("hygiene", "a long line", append(ANY_SOURCE, "// " + "x" * 120 + "\n"), "123 columns"),
    ("hygiene", "a long file", append(ANY_SOURCE, "\n" * 600), "lines, more than 600"),
    ("format", "a file as no formatter leaves it", append(ANY_SOURCE, "int  x ;\n"), "hex.cc"),
    ("dashboards", "an expression that does not parse", replace(DASHBOARD, "sum(rate(", "sum((rate("), "promtool"),
    ("dashboards", "a metric that is not there", replace(DASHBOARD, "spanwatch_alerts_open{", "spanwatch_alerts_closed{"), "has no metric spanwatch_alerts_closed"),
    ("dashboards", "a selector without instance", replace(DASHBOARD, 'job=~\\"$job\\", instance=~\\"$instance\\"', 'job=~\\"$job\\"'), "target-instance-rule"),
    ("dashboards", "a rate over a fixed time", replace(DASHBOARD, "$__rate_interval", "5m"), "target-rate-interval-rule"),
    ("dashboards", "a counter as it stands", replace(DASHBOARD, "sum(spanwatch_flow_active{", "sum(spanwatch_flow_started_total{"), "target-counter-agg-rule"),
    ("dashboards", "a unit nobody knows", replace(DASHBOARD, '"unit": "pps"', '"unit": "furlongs"'), "panel-units-rule"),
    ("dashboards", "a dashboard that may be edited", replace(DASHBOARD, '"editable": false', '"editable": true'), "uneditable-dashboard"),
    ("dashboards", "an alert that does not fire", replace("dashboards/prometheus/spanwatch.alerts.yml", "rate5m > 0.001", "rate5m > 0.1"), "promtool test rules"),
]


def main():
    offenders = []
    with tempfile.TemporaryDirectory() as name:
        clean = pathlib.Path(name) / "clean"
        for path in tracked_files():
            target = clean / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        for check, wrong, plant, said in OFFENCES:
            if check == "format" and not shutil.which("clang-format-19"):
                continue
            tree = pathlib.Path(name) / "spoilt"
            shutil.copytree(clean, tree)
            plant(tree)
            arguments = ["c++", "sensor/model/broken.h", "sensor/base/hex.h"] if check == "headers" else []
            result = subprocess.run([sys.executable, str(tree / "tests/repo" / f"{check}.py"), *arguments],
                                    capture_output=True, text=True, check=False)
            if result.returncode != 1 or said not in result.stdout:
                offenders.append(f"{check}: {wrong}: ended with {result.returncode} and does not say '{said}'\n{result.stderr[-2000:]}")
            shutil.rmtree(tree)
    finish("self_test", offenders, len(OFFENCES))


if __name__ == "__main__":
    main()
