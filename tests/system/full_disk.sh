#!/bin/bash
# The disk of the state is full: metrics and readiness answer, alerts leave all the same, nothing is restarted, and once there is
# room everything is kept, each event once and every alert delivered once. It is so too when the supervisor dies meanwhile.
. "$(dirname "$0")/lib.sh"
set_up 8 2
mount -t tmpfs -o size=8m spanwatch-state "$work/state" 2> /dev/null || skip "a tmpfs cannot be mounted here"
start_sensor

held_is() { [ "$(metric spanwatch_state_held)" = "$1" ]; }
alerts_kept() { [ "$("$SPANWATCH" alerts list --state "$work/state" | wc -l)" -ge "$1" ]; }
fill() { dd if=/dev/zero of="$work/state/fill" bs=16k 2> /dev/null || true; }
once_each() { [ "$(jq -r 'select(.accepted).id' "$work/deliveries.jsonl" | sort | uniq -d | wc -l)" = 0 ]; }

upload "$work/pictures/lane1.jpg" a.jpg
until_true 15 delivered 1 || fail "no alert before"
free=$(metric 'spanwatch_disk_free_bytes{of="state"}')
[ "$free" -gt 2000000 ] && [ "$free" -lt 8388608 ] || fail "the metric of free bytes says $free"
supervisor=$(children supervisor)

fill
until_true 5 held_is 1 || fail "the full disk was not noticed"
grep -q 'The disk of the state is full' "$work/sensor.log" || fail "the log does not tell"
upload "$work/pictures/lane2.jpg" b.jpg 10.20.0.10
until_true 10 delivered 2 || fail "no alert left while the disk was full"
upload "$work/pictures/lane3.jpg" c.jpg 10.20.0.11
until_true 10 delivered 3 || fail "no second alert left while the disk was full"
[ "$(get /readyz)" = ready ] || fail "not ready while the disk was full"
[ "$(metric 'spanwatch_disk_free_bytes{of="state"}')" -lt 1048576 ] || fail "the metric does not say that the disk is full"
[ "$(children supervisor)" = "$supervisor" ] || fail "the supervisor was restarted"
! alerts_kept 2 || fail "the disk is not full at all"

rm "$work/state/fill"
until_true 5 held_is 0 || fail "it does not heal"
until_true 5 alerts_kept 3 || fail "what was found while the disk was full was not kept"
[ "$(children supervisor)" = "$supervisor" ] || fail "it healed by a restart"
saw_items 3 || fail "only $(items_seen) of 3 items in the event file"
once_each || fail "an alert was delivered twice"

# A supervisor that dies on a full disk begins again on it, and takes again what was not kept.
fill
until_true 5 held_is 1 || fail "the full disk was not noticed again"
upload "$work/pictures/lane4.jpg" d.jpg 10.20.0.12
until_true 10 delivered 4 || fail "no alert left"
kill -9 $supervisor
held_anew() { [ "$(children supervisor)" != "$supervisor" ] && [ "$(get /readyz 2> /dev/null)" = ready ] && held_is 1; }
until_true 15 held_anew || fail "the supervisor did not begin on a full disk"
upload "$work/pictures/lane5.jpg" e.jpg 10.20.0.9
until_true 15 saw_items 5 || fail "only $(items_seen) of 5 items"
rm "$work/state/fill"
until_true 5 held_is 0 || fail "it does not heal after a death"
until_true 5 alerts_kept 4 || fail "what was taken again was not kept"
numbers=$(jq -r .event.sequence "$work/events.jsonl" | sort -un | wc -l)
[ "$numbers" = "$(jq -r .event.sequence "$work/events.jsonl" | sort -n | tail -1)" ] || fail "event numbers have gaps"
stop_sensor || fail "exit status $? after SIGTERM"

# A sensor that ends while the disk is full delivers what it can, waits for room as long, then says what is lost; so does its status.
fill
truncate -s -65536 "$work/state/fill"
start_sensor
until_true 10 held_is 1 || fail "the full disk was not noticed at the start"
before=$(deliveries)
upload "$work/pictures/lane6.jpg" f.jpg 10.20.0.10
until_true 15 delivered $((before + 1)) || fail "no alert left before the end"
! stop_sensor || fail "the end says nothing of what is lost"
grep -q 'is lost, but for what stands in the event file.*events=[1-9][0-9]* events_in_no_file=0 alert_messages_undelivered=0' "$work/sensor.log" ||
  fail "the log does not say how much is lost"
saw_items 6 || fail "the event file lacks what was found"

# Room that is made meanwhile is used.
start_sensor
until_true 10 held_is 1 || fail "the full disk was not noticed"
upload "$work/pictures/lane7.jpg" g.jpg 10.20.0.11
until_true 15 saw_items 7 || fail "only $(items_seen) of 7 items"
(sleep 4; rm "$work/state/fill") &
stop_sensor || fail "exit status $? after room was made"
"$SPANWATCH" alerts list --state "$work/state" | grep -q '10\.20\.0\.11 -> .* 2 items' || fail "what was found at the end was not kept"
echo "PASSED: $(items_seen) items, $(deliveries) deliveries"
