#!/usr/bin/env python3
"""Every event of a real run is as rules/event.schema.json says, and the run has every kind of event.
event_schema.py SPANWATCH"""
import json
import pathlib
import sys
import tempfile

import jsonschema

from replayed_breach import Breach

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "rules/event.schema.json"


def properties_seen(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from properties_seen(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from properties_seen(inner, path)
    yield path


def properties_described(schema, node, path=""):
    """The paths of one kind of event that the schema describes."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    for alternative in node.get("oneOf", []):
        yield from properties_described(schema, alternative, path)
    if "items" in node:
        yield from properties_described(schema, node["items"], path)
    for name, inner in node.get("properties", {}).items():
        yield from properties_described(schema, inner, f"{path}.{name}" if path else name)
    yield path


def main():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    offenders = []
    with tempfile.TemporaryDirectory() as folder:
        breach = Breach(sys.argv[1], folder)
        run = breach.replay("-q")
        output, _ = run.communicate(timeout=120)
        if run.returncode != 0:
            sys.exit(f"replay ended with {run.returncode}:\n{output}")
        events = [json.loads(line) for line in breach.events()]
    for event in events:
        for error in validator.iter_errors(event):
            offenders.append(f"{event['event']['dataset']}: {error.json_path}: {error.message[:300]}")
    datasets = {event["event"]["dataset"] for event in events}
    for dataset in ("sighting", "transfer", "anomaly", "alert"):
        if f"spanwatch.{dataset}" not in datasets:
            offenders.append(f"the run has no spanwatch.{dataset}")
    # What the run never shows is checked by nothing but the reader of the schema.
    unseen = []
    for dataset in sorted(datasets):
        seen = {name for event in events if event["event"]["dataset"] == dataset for name in properties_seen(event)}
        kind = dataset.rsplit(".", 1)[1]
        unseen += [f"{kind}:{name}" for name in sorted(set(properties_described(schema, schema["$defs"][kind])) - seen)]
    print(f"{len(unseen)} described fields that no event of this run has: {', '.join(unseen)}")
    numbers = [event["event"]["sequence"] for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        offenders.append(f"the sequence numbers have gaps: {numbers[:20]}...")
    # A schema that accepts anything proves nothing.
    for spoil in (lambda e: e["spanwatch"].update(plate="AAA1234"), lambda e: e.pop("@timestamp"), lambda e: e.update(payload="x"),
                  lambda e: e["event"].update(dataset="spanwatch.other")):
        spoilt = json.loads(json.dumps(events[0]))
        spoil(spoilt)
        if validator.is_valid(spoilt):
            offenders.append("the schema accepts an event that was spoilt")
    for offender in sorted(set(offenders)):
        print(offender)
    print(f"{len(events)} events, {len({name for event in events for name in properties_seen(event)})} different fields, "
          f"{len(offenders)} errors")
    sys.exit(1 if offenders else 0)


if __name__ == "__main__":
    main()
