#!/usr/bin/env python3
"""A real Prometheus scrapes a real run: every panel of every dashboard gets data, every recording rule too, /metrics passes
promtool, and the names of metrics in dashboards are names that were served. prometheus.py SPANWATCH [DASHBOARD...]"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

from replayed_breach import Breach, free_port, get

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINGER = 120
# Panels that stay empty in a replay, with the reason.
EMPTY = {"Last pull": "a replay pulls no hash set"}


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(title, expression) of all panels and of what the variables offer, as Grafana would send them."""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def as_sent(expression):
    for name, value in (("$__rate_interval", "10s"), ("$__range", "10s"), ("$instance", ".+"), ("$job", ".+")):
        expression = expression.replace(name, value)
    return expression


def start_prometheus(folder, sensor_port):
    port = free_port()
    rules = ROOT / "dashboards/prometheus"
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules / "spanwatch.rules.yml"), str(rules / "spanwatch.alerts.yml")],
        "scrape_configs": [{"job_name": "spanwatch", "static_configs": [{"targets": [f"127.0.0.1:{sensor_port}"]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration), encoding="utf-8")
    with open(folder / "prometheus.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT)
    return process, port


def query(port, expression):
    answer = json.loads(get(port, "/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
    return answer["data"]["result"]


def wait_for_scrapes(port, deadline=60):
    until = time.monotonic() + deadline
    while True:
        found = query(port, "count_over_time(spanwatch_build_info[30s])")
        if found and float(found[0]["value"][1]) >= 4:
            return
        if time.monotonic() > until:
            raise RuntimeError("Prometheus has not scraped the sensor")
        time.sleep(0.5)


def look(port, metrics, dashboards):
    """What offends, over a Prometheus that has scraped the run."""
    served = set(re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE))
    asked = 0
    for path in dashboards:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for title, expression in expressions(dashboard):
            asked += 1
            for name in set(re.findall(r"\b(?:spanwatch|process)_\w+", expression)) - served:
                yield f"{path.name}: '{title}': /metrics has no {name}"
            result = query(port, as_sent(expression))
            if not result and title not in EMPTY:
                yield f"{path.name}: '{title}': no data from: {expression}"
    print(f"{asked} expressions of {len(dashboards)} dashboards asked, {len(served)} metrics served")
    if asked == 0:
        yield "no panel was asked"
    for rule in re.findall(r"- record: (\S+)", (ROOT / "dashboards/prometheus/spanwatch.rules.yml").read_text(encoding="utf-8")):
        if not query(port, rule):
            yield f"the recording rule {rule} has no value"
    # What the run is known to hold must be seen in the numbers, not only in their presence.
    facts = {
        'sum(spanwatch_sightings_total{direction="outbound",authorized="false"})': 10,
        'sum(spanwatch_sightings_total{direction="outbound",authorized="true"})': 1,
        'sum(spanwatch_alerts_total{severity=~"high|critical"})': 1,
        "sum(spanwatch_lost_before_sensor_bytes_total)": 2800,
        'sum(spanwatch_egress_bytes_total{visibility="unknown"})': 60000,
        'sum(spanwatch_anomalies_total{code="http_framing_conflict"})': 1,
        'spanwatch_hashset_items{kind="image"}': 12,
        'spanwatch_rules{kind="authorisation"}': 1,
        "spanwatch_rules_signed": 1,
        "spanwatch_last_packet_timestamp_seconds": 1557713500,
    }
    for expression, least in facts.items():
        result = query(port, expression)
        value = float(result[0]["value"][1]) if result else None
        if value is None or value < least:
            yield f"{expression} is {value}, expected at least {least}"


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("Prometheus is not installed: skipped")
        sys.exit(77)
    dashboards = [pathlib.Path(name) for name in sys.argv[2:]] or sorted((ROOT / "dashboards").glob("*.json"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        breach = Breach(sys.argv[1], folder)
        sensor_port = free_port()
        run = breach.replay("--metrics", f"127.0.0.1:{sensor_port}", "--linger", str(LINGER))
        prometheus, port = start_prometheus(folder, sensor_port)
        try:
            get(port, "/-/ready")
            wait_for_scrapes(port)
            metrics = get(sensor_port, "/metrics")
            offenders = list(look(port, metrics, dashboards))
            checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
            if checked.returncode != 0:
                offenders.append(f"promtool check metrics:\n{checked.stdout}{checked.stderr}")
            series = sum(1 for line in metrics.splitlines() if not line.startswith("#"))
            print(f"{series} series")
            if series > 2000:
                offenders.append("a sensor has more than 2,000 series")
        finally:
            prometheus.terminate()
            prometheus.wait(30)
            run.terminate()
            run.wait(30)
    for offender in offenders:
        print(offender)
    sys.exit(1 if offenders else 0)


if __name__ == "__main__":
    main()
