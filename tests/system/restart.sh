#!/bin/bash
# Stopping, killing and restarting the sensor closes no open alert and purges nothing: alerts go on with their totals. So it is
# when captures of long ago and of far ahead are replayed into the same state meanwhile.
. "$(dirname "$0")/lib.sh"
set_up 5 2
start_sensor

transitions() { jq -r "select(.event.dataset == \"spanwatch.alert\" and .source.ip == \"${2:-10.20.0.9}\") | .spanwatch.alert | select(.state == \"$1\") | .id" "$work/events.jsonl"; }
total_is() { jq -se "[.[] | select(.event.dataset == \"spanwatch.alert\" and .source.ip == \"10.20.0.9\")] | last | .spanwatch.alert.totals.items == $1" "$work/events.jsonl" > /dev/null; }
rows() { python3 -c "import sqlite3, sys; print(sqlite3.connect('file:$work/state/state.db?mode=ro', uri=True).execute('SELECT COUNT(*) FROM $1').fetchone()[0])"; }

upload "$work/pictures/lane1.jpg" a.jpg
until_true 15 total_is 1 || fail "no alert"
stop_sensor || fail "exit status $? after SIGTERM"
start_sensor
upload "$work/pictures/lane2.jpg" b.jpg
until_true 15 total_is 2 || fail "after a stop the alert did not go on with its totals"

kill -9 $(children inspector)
kill -9 $(children supervisor)
ready() { [ "$(get /readyz 2> /dev/null)" = ready ] && [ "$(metric spanwatch_inspectors_alive)" = 2 ]; }
until_true 15 ready || fail "not ready after the deaths"
sleep 2.5  # until the successors' sockets have joined for good
upload "$work/pictures/lane3.jpg" c.jpg
until_true 15 total_is 3 || fail "after the deaths the alert did not go on with its totals"

orphans="$(children inspector) $(children supervisor)"
kill -9 $sensor_pid; wait $sensor_pid || true; sensor_pid=; kill $notify_pid 2> /dev/null
all_gone() { local pid; for pid in $orphans; do [ ! -e /proc/$pid ] || return 1; done; }
until_true 20 all_gone || fail "processes outlive their launcher"

# One picture, uploaded in 2013, in 2037 and in 1970. libpcap takes a time past the January of 2038 for one before 1970.
python3 "$here/upload_capture.py" "$work/pictures/lane4.jpg" "$work/old.pcap" 1368400000 10.20.0.77
python3 "$here/upload_capture.py" "$work/pictures/lane4.jpg" "$work/far.pcap" 2145000000 10.20.0.78
python3 "$here/upload_capture.py" "$work/pictures/lane4.jpg" "$work/epoch.pcap" 10 10.20.0.79
events_before=$(rows events)
replays=0
for capture in far old epoch old; do
  "$SPANWATCH" replay -q --hashset "$work/agency.swset" --trust "$work/owner/owner.pub" --record-key "$work/owner/record.key" \
    --inside 10.20.0.0/16 --rules "$work/rules" --state "$work/state" --events "$work/replayed-$((++replays)).jsonl" "$work/$capture.pcap" ||
    fail "the replay of $capture.pcap failed"
done
cat "$work"/replayed-*.jsonl > "$work/replayed.jsonl"
jq -se '[.[] | select(.event.dataset == "spanwatch.sighting")] | length >= 3' "$work/replayed.jsonl" > /dev/null || fail "the replays saw nothing"
jq -se '[.[] | select(.event.dataset == "spanwatch.alert" and .spanwatch.alert.close_reason == "end")] | length == 0' \
  "$work/replayed.jsonl" > /dev/null || fail "the end of a capture closed an alert"
[ "$(rows events)" -gt "$events_before" ] || fail "the replays' events are not in the state"

start_sensor
upload "$work/pictures/lane5.jpg" d.jpg
until_true 15 total_is 4 || fail "after the replays the alert did not go on with its totals: $(tail -3 "$work/events.jsonl")"
[ "$(transitions opened | sort -u | wc -l)" = 1 ] || fail "the alert was opened anew"
[ -z "$(transitions closed)" ] || fail "the alert was closed"
stop_sensor || fail "exit status $? after SIGTERM"
[ -z "$(transitions closed)" ] || fail "the end closed the alert"
"$SPANWATCH" alerts list --state "$work/state" | grep -q 'updated.*10.20.0.9 ' || fail "the alert is not open: $("$SPANWATCH" alerts list --state "$work/state")"
echo "PASSED: one alert over four restarts and four replays"
