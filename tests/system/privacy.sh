#!/bin/bash
# What a live sensor gives out while registered pictures and plates leave (events, log, metrics, state, webhook bodies, and what its
# processes leave when they crash) holds none of them: no plate, no supporting value, no pixel, no source path. No core is dumped.
# REQUIRES: WORLD, the folder of the cases with its hash set.
. "$(dirname "$0")/lib.sh"
: "${WORLD:?the folder of the cases}"
make_network
start_server
start_receiver
mkdir "$work/owner"
cp "$WORLD/agency.swset" "$work/agency.swset"
cp "$WORLD/owner.pub" "$WORLD/record.key" "$work/owner/"
write_configuration 2
# A core, if there were one, would lie here.
cd "$work"
ulimit -c unlimited
start_sensor

pictures=("$WORLD"/lanes/lane1/*.jpg)
for picture in "${pictures[@]:0:5}"; do upload "$picture" "$(basename "$picture")"; done
head -300 "$WORLD/entrusted-reads.csv" > "$work/www/reads.csv"
upload "$work/www/reads.csv" reads.csv 10.20.0.10
rm "$work"/www/*
table_was_seen() { jq -se 'any(.[].spanwatch; .method == "record" and .item_count == 299)' "$work/events.jsonl" > /dev/null; }
until_true 15 saw_items 5 || fail "only $(items_seen) items were seen"
until_true 15 table_was_seen || fail "the table of reads was not seen whole"
until_true 15 delivered 2 || fail "the alerts did not arrive"
get /metrics > "$work/metrics.txt"

is_gone() { ! kill -0 "$1" 2> /dev/null; }
is_back() { [ -n "$(children "$1")" ] && ! children "$1" | grep -qx "$2"; }
for signal in SEGV ABRT; do
  for role in inspector supervisor; do
    victim=$(children $role | head -1)
    kill -$signal "$victim"
    until_true 15 is_gone "$victim" || fail "$role $victim lives on after SIG$signal"
    until_true 30 is_back $role "$victim" || fail "no $role came back"
  done
done
upload "${pictures[6]}" "$(basename "${pictures[6]}")" 10.20.0.11
until_true 30 grep -qs 10.20.0.11 "$work/events.jsonl" || fail "nothing is seen after the crashes"
stop_sensor || fail "exit status $? after SIGTERM"
[ -z "$(find "$work" / -maxdepth 1 -name '*core*' -newer "$work/spanwatch.yaml" 2> /dev/null)" ] || fail "a core was dumped"

mkdir "$work/given-out"
cp -r "$work"/{events.jsonl,sensor.log,metrics.txt,deliveries.jsonl,state} "$work/given-out/"
python3 "$here/../cases/privacy.py" "$WORLD" "$work/given-out" || fail "something registered was given out"
echo "PASSED: $(items_seen) items, $(deliveries) deliveries"
