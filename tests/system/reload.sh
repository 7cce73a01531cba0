#!/bin/bash
# SIGHUP: a file registered a moment ago is found after the reload, without losing a packet; of a broken hash set, broken rules
# or a broken configuration nothing is taken, the old ones stay, and one line says why.
. "$(dirname "$0")/lib.sh"
make_network
start_server
start_receiver
make_pictures 8
build_set "$work"/pictures/lane[123].jpg
write_configuration 2
start_sensor

reason() { grep -E 'reason=' "$work/sensor.log" | tail -1; }

upload "$work/pictures/lane1.jpg" a.jpg
upload "$work/pictures/lane4.jpg" b.jpg
until_true 15 saw_items 1 || fail "the first set finds nothing"

build_set "$work"/pictures/lane4.jpg "$work"/pictures/lane5.jpg
reload
grep -q 'were read again' "$work/sensor.log" || fail "the reload was refused"
upload "$work/pictures/lane5.jpg" c.jpg
upload "$work/pictures/lane5.jpg" d.jpg 10.20.0.11
until_true 15 saw_items 2 || fail "what was registered newly is not found"
[ "$(metric spanwatch_hashset_items)" = 5 ] || fail "metrics tell of the old set"
[ "$(metric spanwatch_config_last_reload_successful)" = 1 ] || fail "the reload's success is not told"

# A set that was cut short. The old one is mapped from a copy, so nobody trips over it.
cp "$work/agency.swset" "$work/good.swset"
truncate -s 500 "$work/agency.swset"
reload
reason | grep -q agency.swset || fail "no reason for the refusal of a broken set: $(reason)"
[ "$(metric spanwatch_config_last_reload_successful)" = 0 ] || fail "the refusal of the set is not told"
upload "$work/pictures/lane2.jpg" e.jpg
until_true 15 saw_items 3 || fail "the old set did not stay"
cp "$work/good.swset" "$work/agency.swset"

# Rules that do not parse.
cp "$work/rules/images.yml" "$work/images.yml"
printf 'title: broken\ndetection: [\n' > "$work/rules/images.yml"
reload
reason | grep -q images.yml || fail "no reason for the refusal of broken rules: $(reason)"
[ "$(metric spanwatch_config_last_reload_successful)" = 0 ] || fail "the reload's failure is not told"
before=$(deliveries)
upload "$work/pictures/lane3.jpg" f.jpg 10.20.0.12
until_true 15 saw_items 4 || fail "the set did not stay"
until_true 15 delivered $((before + 1)) || fail "the old rules did not stay"
cp "$work/images.yml" "$work/rules/images.yml"

# A configuration with an unknown key.
cp "$work/spanwatch.yaml" "$work/good.yaml"
echo 'sensors: {name: x}' >> "$work/spanwatch.yaml"
reload
reason | grep -q 'did you mean' || fail "no reason for the refusal of a broken configuration: $(reason)"
cp "$work/good.yaml" "$work/spanwatch.yaml"

# It also begins a new event file when the old one was moved away.
mv "$work/events.jsonl" "$work/events.1"
reload
[ "$(metric spanwatch_config_last_reload_successful)" = 1 ] || fail "the last reload should have taken effect"
upload "$work/pictures/lane1.jpg" g.jpg 10.20.0.10
until_true 15 saw_items 1 || fail "no new event file was begun"
[ "$(grep -c 'The reload was refused' "$work/sensor.log")" = 3 ] || fail "each refusal should be one line"
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"
[ "$(metric spanwatch_capture_kernel_dropped_packets_total)" = 0 ] || fail "packets were dropped"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(items_seen) items"
