#!/usr/bin/env python3
"""The dashboards by the rules of Grafana's dashboard-linter (reimplemented here: Grafana is not in Debian), and by promtool:
every expression parses, every metric is one the sensor has, the rules files are good and their tests pass."""
import json
import re
import shutil
import subprocess
import sys
import tempfile

from repository import ROOT, SENSOR, finish, shown

FOLDER = ROOT / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TITLED = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
# Ids of Grafana's units that we use; an id that Grafana does not know shows as bare text.
UNITS = {"short", "none", "percentunit", "bytes", "Bps", "pps", "cps", "s", "dateTimeAsIso"}
VARIABLES = {"$job": ".+", "$instance": ".+", "$__rate_interval": "1m", "$__range": "1h", "$__interval": "15s"}
# Of the anomalies these words say that somebody hides something: they belong in the panel and in the alert on evasions.
HIDES = re.compile(r"evasion|decoy|smuggling|no format explains|are searched\.")
# What no dashboard needs to show, with the reason.
NOT_SHOWN = {
    "spanwatch_config_digest": "to compare with the log; what is to be done on a difference has a panel and an alert by inspector",
    "spanwatch_decode_fragmented_datagrams_started_total": "the sum of the results, which have a panel",
    "spanwatch_fingerprint_exact_skipped_bytes_total": "work that was saved, and no loss: no registered file begins so",
    "spanwatch_hashset_digest": "to compare with the owner's; the age has a panel and an alert",
    "spanwatch_hashset_loaded_timestamp_seconds": "no age: a reload changes it",
    "spanwatch_hashset_serial": "to compare with the owner's; the age has a panel and an alert",
    "spanwatch_inspector_sightings_total": "sightings by how they were recognised have panels",
    "spanwatch_rules_serial": "to compare with the owner's; that rules are signed, and change, has panels",
    "spanwatch_sightings_repeated_total": "further places of what was told already",
    "spanwatch_state_unloaded_groups_total": "what left memory is read again when it is needed",
    "spanwatch_build_info": "labels of the variables and of the documentation",
    "process_start_time_seconds": "annotation",
    "spanwatch_config_last_reload_timestamp_seconds": "annotation",
}


def substituted(expression):
    for name, value in sorted(VARIABLES.items(), key=lambda one: -len(one[0])):
        expression = expression.replace(name, value)
    return expression


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(where, expression) of all panels."""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}' {target['refId']}", target["expr"]


def lint_variables(dashboard):
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    source = variables.get("datasource")
    if source is None or source["type"] != "datasource" or source["query"] != "prometheus" or source["label"] != "Data source":
        yield "template-datasource-rule: no variable 'datasource' with the label 'Data source'"
    for name in ("job", "instance"):
        variable = variables.get(name)
        if (variable is None or variable["label"] != name or variable["type"] != "query" or variable["datasource"] != DATASOURCE or
                not variable["multi"] or not variable["includeAll"] or variable["allValue"] != ".+"):
            yield f"template-{name}-rule: variable '{name}' must be a query on the data source, multi, with all as .+"
    for variable in variables.values():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"template-on-time-change-reload-rule: variable '{variable['name']}' does not follow the time range"
        if variable["current"]:
            yield f"variable '{variable['name']}' keeps a choice of whoever saved it"


def lint_panel(panel):
    if panel["type"] == "row":
        return
    where = f"panel '{panel.get('title', '')}'"
    if panel["type"] in TITLED:
        if not panel.get("title") or not panel.get("description"):
            yield f"panel-title-description-rule: {where} needs a title and a description"
        defaults = panel["fieldConfig"]["defaults"]
        if defaults.get("unit") not in UNITS:
            yield f"panel-units-rule: {where} has the unit '{defaults.get('unit')}'"
        if not any(mapping["type"] == "special" and mapping["options"]["match"].startswith("null") for mapping in defaults["mappings"]):
            yield f"{where}: no data must not look like zero (a mapping of null)"
    if panel.get("datasource") != DATASOURCE:
        yield f"panel-datasource-rule: {where} does not use ${{datasource}}"
    if not panel.get("targets"):
        yield f"panel-no-targets-rule: {where} asks nothing"
    for target in panel.get("targets", []):
        if target.get("datasource") != DATASOURCE:
            yield f"panel-datasource-rule: {where} {target['refId']} does not use ${{datasource}}"
        yield from lint_expression(f"{where} {target['refId']}", target["expr"])


def lint_expression(where, expression):
    if "$__auto" in expression or re.search(r"\|[=~]", expression):
        yield f"target-logql-rule, target-logql-auto-rule: {where} is no PromQL, and no Loki is promised"
    for selector in re.finditer(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression):
        for label in ("job", "instance"):
            if f'{label}=~"${label}"' not in selector.group(2):
                yield f"target-{label}-rule: {where}: {selector.group(1)} lacks {label}=~\"${label}\""
    for call in re.finditer(r"\b(rate|irate)\([^[]*\[([^\]]*)\]", expression):
        if call.group(2) != "$__rate_interval":
            yield f"target-rate-interval-rule: {where}: {call.group(1)} over {call.group(2)}"
    for metric in re.finditer(r"\b\w+_total\b", expression):
        if not re.search(r"\b(rate|irate|increase)\($", expression[:metric.start()]):
            yield f"target-counter-agg-rule: {where}: {metric.group(0)} outside rate or increase"
    for bare in re.finditer(r"\bspanwatch_\w+(?![\w{])", expression):
        yield f"target-job-rule, target-instance-rule: {where}: {bare.group(0)} has no selector"


def lint(dashboard, source):
    found = list(lint_variables(dashboard))
    for panel in panels_of(dashboard):
        found.extend(lint_panel(panel))
    for annotation in dashboard["annotations"]["list"]:
        if annotation["datasource"] != DATASOURCE:
            found.append(f"annotation '{annotation['name']}' does not use ${{datasource}}")
        if "ALERTS" not in annotation["expr"]:  # Prometheus' own series has the labels of the rule
            found.extend(lint_expression(f"annotation '{annotation['name']}'", annotation["expr"]))
    if dashboard["editable"] is not False:
        found.append("uneditable-dashboard: editable must be false")
    if dashboard["id"] is not None or not dashboard["uid"] or dashboard["schemaVersion"] != 39 or dashboard["graphTooltip"] != 1:
        found.append("id null, a fixed uid, schemaVersion 39 and a shared crosshair are ours")
    if dashboard["timezone"] != "" or dashboard["refresh"] != "30s" or "spanwatch" not in dashboard["tags"]:
        found.append("the viewer's time zone, refresh 30s and the tag 'spanwatch' are ours")
    ids = [panel["id"] for panel in panels_of(dashboard)]
    if len(ids) != len(set(ids)):
        found.append("two panels have one id")
    boxes = [(panel["title"], panel["gridPos"]) for panel in panels_of(dashboard)]
    for index, (title, box) in enumerate(boxes):
        if box["x"] + box["w"] > 24:
            found.append(f"panel '{title}' is wider than the grid")
        for other, second in boxes[:index]:
            if (box["x"] < second["x"] + second["w"] and second["x"] < box["x"] + box["w"] and box["y"] < second["y"] + second["h"] and
                    second["y"] < box["y"] + box["h"]):
                found.append(f"panels '{other}' and '{title}' overlap")
    return [f"{source}: {one}" for one in found]


def sensor_metrics():
    """The names that /metrics shows, read from the list of counters and from the exporter."""
    exporter = (SENSOR / "supervisor/metrics_exporter.cc").read_text(encoding="utf-8")
    counters = (SENSOR / "telemetry/counters.def").read_text(encoding="utf-8")
    names = {f"spanwatch_{name}" for name in re.findall(r'^COUNTER\(\w+, "(\w+)"', counters, re.MULTILINE)}
    names |= {f"spanwatch_{name}" for name in re.findall(r'(?:Single\(MetricType::\w+,|gauge\(|each\()\s*"(\w+)"', exporter)}
    names |= set(re.findall(r'(?:\.Name\(|\.name = )"(\w+)"', exporter))
    return names


def metrics_in(text):
    return {name for name in re.findall(r"\b(?:spanwatch|process)_[a-z0-9_]+\b", text) if not name.endswith("_")}


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, cwd=FOLDER / "prometheus")
    return "" if result.returncode == 0 else f"promtool {' '.join(arguments)}:\n{result.stdout}{result.stderr}"


def check_with_promtool(dashboards):
    found = [promtool("check", "rules", "spanwatch.rules.yml"), promtool("check", "rules", "spanwatch.alerts.yml"),
             promtool("test", "rules", "spanwatch_test.yml"), promtool("check", "config", "prometheus.example.yml")]
    for path, dashboard in dashboards:
        rules = [{"record": f"panel:{number}", "expr": substituted(expression)}
                 for number, (_, expression) in enumerate(expressions(dashboard))]
        rules += [{"record": "annotation:x", "expr": substituted(one["expr"])} for one in dashboard["annotations"]["list"]]
        for variable in dashboard["templating"]["list"]:
            query = re.fullmatch(r"label_values\((.*), \w+\)", variable.get("definition", "up, x") or "")
            if query:
                rules.append({"record": "variable:x", "expr": substituted(query.group(1))})
            elif variable["type"] == "query":
                found.append(f"template-label-promql-rule: {shown(path)}: {variable['definition']}")
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:  # JSON is YAML
            json.dump({"groups": [{"name": f"rule-{n}", "rules": [rule]} for n, rule in enumerate(rules)]}, file)
            file.flush()
            found.append(promtool("check", "rules", file.name))
    return [one for one in found if one]


def check_metrics(dashboards):
    known = sensor_metrics()
    used = set()
    for path, dashboard in dashboards:
        of_this = metrics_in("\n".join(expression for _, expression in expressions(dashboard)))
        used |= of_this
        for name in sorted(of_this - known):
            yield f"{shown(path)}: the sensor has no metric {name}"
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (FOLDER / "prometheus").glob("spanwatch.*.yml"))
    expressions_only = re.sub(r"(?m)^\s*(- record|summary|description|- name|- alert|runbook_url|dashboard_url).*$", "", rules)
    expressions_only = re.sub(r"\binstance:\w+:\w+", "", expressions_only)
    for name in sorted(metrics_in(expressions_only) - known):
        yield f"dashboards/prometheus: the sensor has no metric {name}"
    for name in sorted(known - used - set(NOT_SHOWN)):
        yield f"{name} is in no panel; show it, or say in NOT_SHOWN why nobody needs to see it"
    for name in sorted(set(NOT_SHOWN) - known | set(NOT_SHOWN) & used):
        yield f"NOT_SHOWN names {name}, which {'is shown' if name in used else 'the sensor does not have'}"
    print(f"{len(known)} metrics, {len(used)} in dashboards")


def check_alerts():
    """Each alert is explained to whoever gets it, and has a test."""
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "prometheus/spanwatch.alerts.yml").read_text(encoding="utf-8"))
    explained = (FOLDER / "README.md").read_text(encoding="utf-8")
    tests = (FOLDER / "prometheus/spanwatch_test.yml").read_text(encoding="utf-8")
    patterns = [re.compile(pattern) for pattern in re.findall(r'alertname=~"([^"]+)"', tests)]
    for name in sorted(set(alerts)):
        if not re.search(rf"^\| .*\b{name}\b.* \|", explained, re.MULTILINE):
            yield f"dashboards/README.md: no line says what to do about {name}"
        if not re.search(rf"\b{name}\b", tests) and not any(pattern.fullmatch(name) for pattern in patterns):
            yield f"dashboards/prometheus/spanwatch_test.yml: no test of {name}"


def check_evasions(dashboards):
    anomalies = dict(re.findall(r'^ANOMALY\((\w+), "(.*)"\)', (SENSOR / "telemetry/anomalies.def").read_text(encoding="utf-8"), re.MULTILINE))
    hiding = {name for name, text in anomalies.items() if HIDES.search(text)}
    alert = (FOLDER / "prometheus/spanwatch.alerts.yml").read_text(encoding="utf-8")
    places = {"dashboards/prometheus/spanwatch.alerts.yml": re.findall(r'code=~"([\w|]+)"', alert)}
    places |= {shown(path): re.findall(r'code=~"([\w|]+)"', " ".join(e for _, e in expressions(dashboard))) for path, dashboard in dashboards}
    for where, lists in places.items():
        named = {name for one in lists for name in one.split("|") if hiding & set(one.split("|"))}
        for name in sorted(named ^ hiding):
            yield f"{where}: {name} {'is no anomaly of somebody who hides' if name in named else 'is missing among the evasions'}"


def main():
    dashboards = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.json"))]
    offenders = []
    for path, dashboard in dashboards:
        offenders += lint(dashboard, shown(path))
    offenders += check_metrics(dashboards)
    offenders += check_alerts()
    offenders += check_evasions(dashboards)
    if shutil.which("promtool"):
        offenders += check_with_promtool(dashboards)
    else:
        print("promtool is not installed: expressions and rules are not checked")
    if "Grafana >= 9.0" not in (FOLDER / "README.md").read_text(encoding="utf-8"):
        offenders.append("dashboards/README.md: does not say which Grafana it needs")
    finish("dashboards", offenders, sum(len(list(expressions(dashboard))) for _, dashboard in dashboards))


if __name__ == "__main__":
    main()
