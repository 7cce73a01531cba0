#!/bin/bash
# kill -9 of the supervisor loses nothing: sightings wait in the rings, an alert already raised is delivered at least once,
# under the same webhook-id, within 10 s of its return, and no event is told twice. The sensor runs as an ordinary user.
. "$(dirname "$0")/lib.sh"
RUN_AS=nobody set_up 12 2
chown -R nobody "$work/owner" "$work/webhook.secret" "$work/agency.swset"
touch "$work/events.jsonl"; chown nobody "$work/events.jsonl" "$work/state"; chmod 777 "$work"
start_sensor
[ "$(stat -c %U /proc/$sensor_pid/maps)" = root ] || fail "the launcher can be traced"
for pid in $sensor_pid $(children inspector) $(children supervisor); do
  grep -q "^Uid:.$(id -u nobody)" /proc/$pid/status || fail "process $pid does not run as nobody"
done

# An alert is raised while the receiver is down, so that it waits in the outbox.
touch "$work/receiver-is-down"
for n in 1 2 3; do upload "$work/pictures/lane$n.jpg" lane$n.jpg; done
tried() { [ "$(jq -c 'select(.accepted | not)' "$work/deliveries.jsonl" | wc -l)" -ge 1 ]; }
until_true 15 tried || fail "no delivery was tried"
waiting=$(jq -r 'select(.accepted | not).id' "$work/deliveries.jsonl" | head -1)

# While it is stopped, inspectors go on and fill the rings; then it dies with all of that uncommitted.
supervisor=$(children supervisor)
kill -STOP $supervisor
for n in 4 5 6 7; do upload "$work/pictures/lane$n.jpg" lane$n.jpg 10.20.0.$((5 + n)); done
sleep 1
rm "$work/receiver-is-down"
kill -9 $supervisor
returned() { [ -n "$(children supervisor)" ] && [ "$(get /readyz 2> /dev/null)" = ready ]; }
until_true 10 returned || fail "the supervisor did not return"
back=$(date +%s.%N)
same_id_delivered() { jq -se --arg id "$waiting" 'any(.accepted and .good and .id == $id)' "$work/deliveries.jsonl" > /dev/null; }
until_true 10 same_id_delivered || fail "the alert that waited was not delivered under its id"
jq -se --arg id "$waiting" --argjson back "$back" 'any(.accepted and .id == $id and .at - $back < 10)' "$work/deliveries.jsonl" > /dev/null ||
  fail "it was delivered too late"
until_true 15 saw_items 7 || fail "only $(items_seen) of 7 items: sightings of the rings were lost"

# And in the thick of it, a few times.
for n in 8 9 10 11 12; do
  upload "$work/pictures/lane$n.jpg" lane$n.jpg
  kill -9 $(children supervisor)
  until_true 10 returned || fail "the supervisor did not return"
done
until_true 15 saw_items 12 || fail "only $(items_seen) of 12 items"
repeated=$(jq -r .event.id "$work/events.jsonl" | sort | uniq -d | wc -l)
numbers=$(jq -r .event.sequence "$work/events.jsonl" | sort -un | wc -l)
last=$(jq -r .event.sequence "$work/events.jsonl" | sort -n | tail -1)
[ "$numbers" = "$last" ] || fail "event numbers have gaps: $numbers of $last"
grep -q 'The supervisor died' "$work/sensor.log" || fail "the death was not logged"
[ "$(metric 'spanwatch_process_deaths_total{role="supervisor"}')" -ge 6 ] || fail "the deaths were not counted"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(items_seen) items, $(deliveries) deliveries, $repeated lines written twice at a death, under the same number"
