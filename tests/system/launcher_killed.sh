#!/bin/bash
# kill -9 of the launcher: its processes finish what they have and end by themselves. A new start with the same state goes on:
# its rings begin anew and nothing in them is taken for something known, alerts stay one, event numbers have no gap.
. "$(dirname "$0")/lib.sh"
set_up 4 2
start_sensor
upload "$work/pictures/lane1.jpg" a.jpg
upload "$work/pictures/lane2.jpg" b.jpg 10.20.0.10
orphans="$(children inspector) $(children supervisor)"
kill -9 $sensor_pid
wait $sensor_pid || true
sensor_pid=
all_gone() { local pid; for pid in $orphans; do [ ! -e /proc/$pid ] || return 1; done; }
until_true 20 all_gone || fail "processes outlive their launcher"
[ "$(items_seen)" = 2 ] || fail "what was under way was lost: $(items_seen) of 2 items"
kill $notify_pid

start_sensor
upload "$work/pictures/lane3.jpg" c.jpg
upload "$work/pictures/lane4.jpg" d.jpg 10.20.0.10
until_true 15 saw_items 4 || fail "after the new start only $(items_seen) of 4 items"
numbers=$(jq -r .event.sequence "$work/events.jsonl" | sort -un | wc -l)
[ "$numbers" = "$(jq -r .event.sequence "$work/events.jsonl" | sort -n | tail -1)" ] || fail "event numbers have gaps"
opened=$(jq -r 'select(.event.dataset == "spanwatch.alert" and .spanwatch.alert.state == "opened") | .spanwatch.alert.id' \
  "$work/events.jsonl")
[ "$(echo "$opened" | wc -l)" = "$(echo "$opened" | sort -u | wc -l)" ] || fail "an alert was opened twice"
stop_sensor || fail "exit status $? after SIGTERM"

# A configuration that cannot work is refused in one line, with exit status 1 or 2, and nothing is left behind.
refused() {
  local status=0
  ip netns exec $sensor timeout 20 "$SPANWATCH" run --config "$1" ${2:-} ${3:-} > "$work/refused.log" 2>&1 || status=$?
  { [ $status = 1 ] || [ $status = 2 ]; } || fail "exit status $status for $1 ${2:-}"
}
refused "$work/nothing.yaml"
grep -q nothing.yaml "$work/refused.log" || fail "no file named: $(cat "$work/refused.log")"
refused "$work/spanwatch.yaml" -i nosuch0
grep -q 'nosuch0: there is no such interface' "$work/refused.log" || fail "no interface named: $(cat "$work/refused.log")"
printf 'title: broken\ndetection: [\n' > "$work/rules/images.yml"
refused "$work/spanwatch.yaml"
grep -q 'images.yml' "$work/refused.log" || fail "no rule file named: $(cat "$work/refused.log")"
refused "$work/spanwatch.yaml" -T
echo "PASSED: $(items_seen) items"
