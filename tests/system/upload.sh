#!/bin/bash
# Registered files uploaded over a mirrored link reach the webhook as an alert of the right severity; /readyz and /metrics are
# good; nothing forbidden was tried in the sandbox; SIGTERM drains and the exit status is 0.
. "$(dirname "$0")/lib.sh"
set_up 6 2
make_picture "$work/stranger.jpg" 99
ip netns exec $sensor "$SPANWATCH" config check "$work/spanwatch.yaml" > /dev/null || fail "config check refuses the configuration"
start_sensor

[ "$(get /readyz)" = ready ] || fail "/readyz"
upload "$work/stranger.jpg" stranger.jpg
for n in 1 2 3 4; do upload "$work/pictures/lane$n.jpg" lane$n.jpg 10.20.0.$((8 + n)); done
until_true 15 saw_items 4 || fail "only $(items_seen) of 4 items were seen"
until_true 15 delivered 1 || fail "no alert arrived"
jq -se 'all(.good)' "$work/deliveries.jsonl" > /dev/null || fail "a signature is not good"
jq -se 'all(.body.data.spanwatch.alert.severity == "high")' "$work/deliveries.jsonl" > /dev/null || fail "not of high severity"
jq -se 'all(.body.data.spanwatch.collection == ["lanes"] and .body.data.destination.ip == "198.51.100.7")' \
  "$work/deliveries.jsonl" > /dev/null || fail "the alert does not name collection and destination"
jq -se '[.[] | select(.event.dataset == "spanwatch.sighting")] | all(.spanwatch.method == "exact" and
  .spanwatch.confidence == "sure" and .network.direction == "outbound" and .network.protocol == "http")' \
  "$work/events.jsonl" > /dev/null || fail "a sighting is not as it should be"

get /metrics > "$work/metrics.txt"
if command -v promtool > /dev/null; then promtool check metrics < "$work/metrics.txt" || fail "promtool check metrics"; fi
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"
[ "$(metric spanwatch_inspectors_alive)" = 2 ] || fail "two inspectors should be alive"
[ "$(metric spanwatch_capture_kernel_packets_total)" -gt 100 ] || fail "the kernel's statistics were not read"
[ "$(metric spanwatch_capture_kernel_dropped_packets_total)" = 0 ] || fail "packets were dropped"
[ "$(metric spanwatch_process_deaths_total)" = 0 ] || fail "a process died"
for pid in $sensor_pid $(children inspector) $(children supervisor); do
  grep -q '^Max core file size *0 *0' /proc/$pid/limits || fail "process $pid may dump core"
done
for pid in $(children inspector); do
  grep -q '^Seccomp:.*2' /proc/$pid/status || fail "inspector $pid is not sealed"
  grep -q '^CapEff:.*0000000000000000' /proc/$pid/status || fail "inspector $pid kept a capability"
done
grep -q '^CapEff:.*0000000000002000' /proc/$sensor_pid/status || fail "the launcher keeps more than CAP_NET_RAW"

# The command line reads the alerts of a sensor that runs.
"$SPANWATCH" alerts list --config "$work/spanwatch.yaml" > "$work/alerts.txt"
grep -q 'opened.*high.*-> 198.51.100.7' "$work/alerts.txt" || fail "alerts list: $(cat "$work/alerts.txt")"
"$SPANWATCH" alerts show --state "$work/state" "$(head -1 "$work/alerts.txt" | cut -d' ' -f1)" | jq -e '.event.kind == "alert"' \
  > /dev/null || fail "alerts show"

# What is under way when the end comes is still told.
upload "$work/pictures/lane5.jpg" lane5.jpg
stop_sensor || fail "exit status $? after SIGTERM"
saw_items 5 || fail "what came just before the end was lost"
grep -q STOPPING=1 "$work/notified" || fail "the service manager was not told of the end"
[ -z "$(find "$work" / -maxdepth 1 -name 'core*' -newer "$work/spanwatch.yaml" 2> /dev/null)" ] || fail "there is a core file"
echo "PASSED: $(items_seen) items, $(deliveries) deliveries"
