#!/bin/bash
# A plate that a sender writes into anything that an event repeats (host, user agent, path, server name and protocol of TLS, SSH
# banners, names of files, members and mails, media types), glued, parted, escaped, in other digits, is in no output: events, log,
# metrics, alerts, webhook bodies, state, summary of a replay. Where names are tagged, no word of the sender's is.
. "$(dirname "$0")/lib.sh"
make_network
start_receiver
mkdir "$work/pictures"
for n in $(seq 17); do python3 -c "import random, sys; sys.stdout.buffer.write(random.Random($n).randbytes(3000))" > "$work/pictures/p$n.bin"; done
build_set "$work"/pictures/*
python3 "$here/masked_fields.py" make "$work"
write_configuration 1
! python3 "$here/masked_fields.py" check -- "$work/traffic.pcap" 2> /dev/null || fail "the check finds nothing in the traffic itself"

# given_out FOLDER: everything that the sensor has said so far.
given_out() {
  mkdir "$1"
  get /metrics > "$1/metrics.txt"
  cp "$work/events.jsonl" "$work/sensor.log" "$work/deliveries.jsonl" "$1/"
  "$SPANWATCH" alerts list --state "$work/state" > "$1/alerts.txt" 2>&1 || true
  find "$work/state" -maxdepth 1 -type f -exec cp {} "$1/" \;
}
transfers() { jq -c 'select(.event.dataset == "spanwatch.transfer")' "$work/events.jsonl" 2> /dev/null | wc -l; }
has_transfers() { [ "$(transfers)" -ge "$1" ]; }

for names in masked tagged; do
  rm -rf "$work/state" "$work/events.jsonl" "$work/sensor.log"
  mkdir "$work/state"
  : > "$work/deliveries.jsonl"
  sed -i "s/^sensor: {\(names: [a-z]*, \)*/sensor: {names: $names, /" "$work/spanwatch.yaml"
  start_sensor
  ip netns exec $router python3 "$here/masked_fields.py" send "$work/traffic.pcap" span0
  until_true 20 saw_items 17 || fail "$names: only $(items_seen) of 17 items"
  until_true 20 has_transfers 100 || fail "$names: only $(transfers) transfers"
  until_true 15 delivered 1 || fail "$names: no alert arrived"
  words=; [ $names = masked ] || words=secretword
  given_out "$work/$names"
  stop_sensor || fail "exit status $? after SIGTERM"
  # The fields are there, so that it means something that the plate is not.
  for field in .destination.domain .user_agent.original .tls.client.server_name .tls.next_protocol .spanwatch.ssh_client \
    .spanwatch.ssh_server .file.name; do
    jq -se "any(.[]; $field != null)" "$work/events.jsonl" > /dev/null || fail "$names: no event has $field"
  done
  "$SPANWATCH" replay --hashset "$work/agency.swset" --trust "$work/owner/owner.pub" --record-key "$work/owner/record.key" \
    --inside 10.20.0.0/16 --events "$work/$names/replay.jsonl" "$work/traffic.pcap" > "$work/$names/summary.txt" 2>&1
  [ $names = masked ] || rm "$work/$names/replay.jsonl" "$work/$names/summary.txt"  # a replay masks
  python3 "$here/masked_fields.py" check $words -- "$work/$names"/* || fail "$names: something was given out"
done
echo "PASSED"
