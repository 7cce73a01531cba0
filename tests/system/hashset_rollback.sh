#!/bin/bash
# Hash sets in motion while traffic flows: a reload after the other loses no packet and gives the old sets' memory back; an older
# set is refused, a rollback goes back and holds; a delta loads beside its base alone.
. "$(dirname "$0")/lib.sh"
make_network
start_server
start_receiver
make_pictures 9
build_set "$work/pictures/lane1.jpg"
write_configuration 2
start_sensor

taken() { grep -cE 'were read again' "$work/sensor.log" || true; }
items() { [ "$(metric spanwatch_hashset_items)" = "$1" ]; }
# Mappings of hash sets in all inspectors.
mappings() { cat $(for pid in $(children inspector); do echo /proc/$pid/smaps; done) | grep -c '\.swset' || true; }

(while [ ! -e "$work/enough" ]; do upload "$work/pictures/lane9.jpg" traffic.jpg 10.20.0.10 > /dev/null; done) &
traffic=$!
for n in 2 3 4 5 6; do
  build_set "$work/pictures/lane$n.jpg"
  reload_at_once
done
touch "$work/enough"
wait $traffic
[ "$(taken)" = 5 ] || fail "$(taken) of five reloads took effect"
until_true 10 items 6 || fail "the last set is not in force"
[ "$(metric spanwatch_capture_kernel_dropped_packets_total)" = 0 ] || fail "packets were dropped"
few() { [ "$(mappings)" = 2 ]; }
until_true 30 few || fail "$(mappings) mappings of hash sets in two inspectors after the flows have ended"
[ "$(find "$work/state/hashsets" -name '*.swset' | wc -l)" = 4 ] || fail "the copies of old sets are not cleared away"

# Older is refused, whatever comes of it otherwise; a rollback goes back, and holds until a later set comes.
cp "$work/agency.swset" "$work/six.swset"
upload "$work/pictures/lane6.jpg" a.jpg
until_true 15 saw_items 1 || fail "the newest item is not found"
"$SPANWATCH" hashset rollback --config "$work/spanwatch.yaml" | grep -q 'from serial 6 back to serial 5' || fail "no rollback"
reload_at_once
until_true 10 items 5 || fail "the rollback did not take effect"
reload_at_once
items 5 || fail "the next reload undid the rollback"
"$SPANWATCH" hashset rollback --config "$work/spanwatch.yaml" --list | grep -q 'in force' || fail "no list"
build_set "$work/pictures/lane7.jpg"
reload_at_once
until_true 10 items 7 || fail "a later set was not taken in"
cp "$work/agency.swset" "$work/seven.swset"
cp "$work/six.swset" "$work/agency.swset"
reload_at_once
grep -q 'serial 6 is older than serial 7' "$work/sensor.log" || fail "no reason for the refusal of an older set"
items 7 || fail "an older set was taken in"
cp "$work/seven.swset" "$work/agency.swset"

# A delta.
sha256sum "$work/pictures/lane8.jpg" > "$work/owner/list.sha256"
"$SPANWATCH" register import --register "$work/owner/R.db" --collection lanes --sha256 "$work/owner/list.sha256" > /dev/null
"$SPANWATCH" register build --register "$work/owner/R.db" --sign "$work/owner/owner.key" --delta-from "$work/agency.swset" \
  --out "$work/delta.swset" 2> "$work/delta.txt"
grep -q 'a delta to serial 7' "$work/delta.txt" || fail "no delta was built"
cp "$work/spanwatch.yaml" "$work/base.yaml"
sed -i "s|^hashsets:.*|hashsets: [{file: $work/delta.swset}]|" "$work/spanwatch.yaml"
reload_at_once
grep -q "is a delta to 'Test agency' serial 7" "$work/sensor.log" || fail "a delta without its base was not refused"
sed -i "s|^hashsets:.*|hashsets: [{file: $work/agency.swset}, {file: $work/delta.swset}]|" "$work/spanwatch.yaml"
reload_at_once
until_true 10 items 8 || fail "base and delta are not in force"
upload "$work/pictures/lane8.jpg" b.jpg 10.20.0.11
until_true 15 saw_items 2 || fail "what the delta adds is not found"
[ "$(metric spanwatch_capture_kernel_dropped_packets_total)" = 0 ] || fail "packets were dropped"
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED"
