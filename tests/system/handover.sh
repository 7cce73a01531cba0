#!/bin/bash
# A tunnel (VXLAN) whose outer packets the network cuts into fragments carries uploads of registered files past two inspectors. The
# fragments come to the owner of the outer address pair, small packets to that of the inner one, who must get both: every
# sighting is complete, nothing is missing of the streams, and the counters say that packets were handed over. So it is
# after an inspector was killed, too.
. "$(dirname "$0")/lib.sh"
server_address=203.0.113.7
make_network
tunnel() { ip -n $1 link add vx0 type vxlan id 42 local $2 remote $3 dstport 4789 2> /dev/null; }
tunnel $client 10.20.0.9 198.51.100.7 || skip "this kernel has no VXLAN"
tunnel $server 198.51.100.7 10.20.0.9
for name in $client $server; do
  # Segments one by one, as large as without a tunnel: neither offloads nor path MTU discovery keep them whole.
  ip -n $name link set vx0 mtu 1500 gso_max_segs 1 up
  ip -n $name link set eth0 gso_max_segs 1
done
for n in 1 2 3 4 5 6 7 8; do ip -n $client address add 10.20.1.$n/32 dev vx0; done
ip -n $server address add $server_address/32 dev vx0
ip -n $client route add $server_address dev vx0 mtu lock 1500
ip -n $server route add 10.20.1.0/24 dev vx0 mtu lock 1500
start_server
start_receiver
make_pictures 9
build_set "$work"/pictures/*.jpg
write_configuration 2
start_sensor

through_tunnel() {  # through_tunnel NUMBER ADDRESS
  ip netns exec $client curl -sS --max-time 20 --interface $2 -T "$work/pictures/lane$1.jpg" "http://$server_address/lane$1.jpg"
}
complete_items() {
  jq -r 'select(.event.dataset == "spanwatch.sighting" and .spanwatch.phase == "complete") | .spanwatch.items[]' \
    "$work/events.jsonl" 2> /dev/null | sort -u | wc -l
}
completed() { [ "$(complete_items)" -ge "$1" ]; }
handed_over() { get /metrics | awk '/^spanwatch_handover_[a-z]+_packets_total\{result="'$1'"\}/ { print $NF }'; }

for n in 1 2 3 4 5 6 7 8; do through_tunnel $n 10.20.1.$n; done
until_true 20 completed 8 || fail "only $(complete_items) of 8 sightings are complete"
jq -se '[.[] | select(.event.dataset == "spanwatch.sighting")] | all(.spanwatch.method == "exact" and
  .spanwatch.confidence == "sure" and .network.direction == "outbound" and .destination.ip == "203.0.113.7")' \
  "$work/events.jsonl" > /dev/null || fail "a sighting is not as it should be"
[ "$(metric spanwatch_decode_fragmented_datagrams_total)" -gt 500 ] || fail "the tunnel's packets were not fragmented"
sent=$(handed_over sent)
[ "$sent" -gt 50 ] || fail "only $sent packets were handed over"
[ "$(metric spanwatch_decode_handed_over_packets_total)" = "$sent" ] || fail "what was joined for others was not sent"
[ "$(handed_over taken)" = "$sent" ] || fail "$(handed_over taken) of $sent packets handed over were taken"
[ "$(handed_over dropped)" = 0 ] && [ "$(handed_over refused)" = 0 ] || fail "packets handed over were dropped or refused"
[ "$(metric spanwatch_flow_gap_bytes_total)" = 0 ] || fail "bytes are missing of a stream"
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"

# The successors take the same ends of the channels.
for pid in $(children inspector); do
  died=$(metric spanwatch_process_deaths_total)
  kill -9 "$pid"
  counted() { [ "$(metric spanwatch_process_deaths_total)" -gt "$died" ] && [ "$(metric spanwatch_inspectors_alive)" = 2 ]; }
  until_true 15 counted || fail "the inspector did not come back"
done
for n in 1 2 3 4; do through_tunnel 9 10.20.1.$n; done
until_true 20 completed 9 || fail "nothing complete was seen after the restart"
more() { [ "$(handed_over taken)" -gt "$sent" ]; }
until_true 5 more || fail "nothing was handed over after the restart"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(complete_items) items, $sent packets handed over before the restart"
