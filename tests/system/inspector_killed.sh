#!/bin/bash
# kill -9 of an inspector in the middle of an upload costs its flows only: the death is counted and logged, the flows of the
# other inspector are seen whole, a successor takes its place, and later uploads of every address pair are seen. So too when
# the interface goes down and up afterwards, which makes the kernel number the fan-out anew; and when an inspector hangs.
. "$(dirname "$0")/lib.sh"
set_up 20 2
start_sensor

inspectors_are() { [ "$(children inspector | wc -l)" = "$1" ] && [ "$(metric spanwatch_inspectors_alive)" = "$1" ]; }
captured() { [ "$(grep -c 'An inspector captures' "$work/sensor.log")" -ge "$1" ]; }

upload_four 1
until_true 15 saw_items 4 || fail "only $(items_seen) of 4 items before the death"

# Slow uploads of both inspectors are under way when one dies.
for n in 0 1 2 3; do
  ip netns exec $client curl -sS --max-time 20 --limit-rate 60k --interface 10.20.0.$((9 + n)) \
    -T "$work/pictures/lane$((5 + n)).jpg" "http://198.51.100.7/slow$n.jpg" &
  slow[$n]=$!
done
sleep 0.7
victim=$(children inspector | head -1)
kill -9 $victim
for n in 0 1 2 3; do wait ${slow[$n]}; done
until_true 10 captured 3 || fail "no successor"
until_true 5 inspectors_are 2 || fail "two inspectors should be alive"
[ "$(metric 'spanwatch_process_deaths_total{role="inspector"}')" = 1 ] || fail "the death was not counted"
[ "$(grep -c 'An inspector died' "$work/sensor.log")" = 1 ] || fail "the death was not logged once"
survivors=$(($(items_seen) - 4))
[ $survivors -ge 1 ] || until_true 5 saw_items 5 || fail "the other inspector's flows suffered too"

before=$(items_seen)
upload_four 9
until_true 15 saw_items $((before + 4)) || fail "after the death only $(($(items_seen) - before)) of 4 items"

ip -n $sensor link set span1 down
sleep 0.3
ip -n $sensor link set span1 up
until_true 5 grep -q 'the fan-out is set up anew' "$work/sensor.log" || fail "the fan-out was not repaired"
sleep 1
before=$(items_seen)
upload_four 13
until_true 15 saw_items $((before + 4)) || fail "after down and up only $(($(items_seen) - before)) of 4 items"

# One that hangs is found by its heartbeat.
kill -STOP $(children inspector | tail -1)
until_true 15 captured 4 || fail "the inspector that hung was not replaced"
[ "$(metric spanwatch_inspector_stuck_total)" = 1 ] || fail "the inspector that hung was not counted"
before=$(items_seen)
upload_four 17
until_true 15 saw_items $((before + 4)) || fail "after the hang only $(($(items_seen) - before)) of 4 items"
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(items_seen) items"
