#!/bin/bash
# The interface is taken away and one of its name comes in its place while two inspectors run: /readyz, log and metric say so at
# once, and within ten seconds of its return the sensor sees everything again. A link without carrier and an interface that is
# down for longer than a heartbeat are told too, and cost no inspector.
. "$(dirname "$0")/lib.sh"
set_up 16 2
start_sensor

ready_says() { get /readyz 2> /dev/null | grep -q "$1"; }
ready_again() { [ "$(get /readyz)" = ready ] && [ "$(metric spanwatch_inspectors_alive)" = 2 ]; }
down_is() { [ "$(metric spanwatch_capture_interface_down)" = "$1" ]; }

upload_four 1
until_true 15 saw_items 4 || fail "only $(items_seen) of 4 items before the interface left"
down_is 0 || fail "the metric says that the interface is down"

ip -n $sensor link delete span1
until_true 2 ready_says 'span1 is gone' || fail "/readyz does not say that the interface is gone: $(get /readyz)"
until_true 3 down_is 1 || fail "the metric does not say that the interface is gone"
grep -q 'The interface was taken away.*interface=span1' "$work/sensor.log" || fail "the log does not say that the interface is gone"
sleep 4  # longer than inspectors take to end
! ready_says '^ready' || fail "ready without an interface"

link $router span0 $sensor span1
for name in in0 out0; do tc -n $router qdisc delete dev $name ingress; mirror $router $name span0; done
returned=$SECONDS
until_true 10 ready_again || fail "not ready 10 s after the interface came back: $(get /readyz)"
sleep 2.5  # until both sockets have joined for good
[ $((SECONDS - returned)) -le 12 ] || fail "it took too long"
upload_four 5
until_true 15 saw_items 8 || fail "after the return only $(($(items_seen) - 4)) of 4 items"
[ "$(metric 'spanwatch_process_deaths_total{role="inspector"}')" = 0 ] || fail "inspectors that ended with their interface count as deaths"
[ "$(metric spanwatch_capture_kernel_dropped_packets_total)" = 0 ] || fail "packets were dropped"

before=$(children inspector | sort)
ip -n $router link set span0 down
until_true 2 ready_says 'without carrier' || fail "/readyz does not tell of the carrier: $(get /readyz)"
ip -n $router link set span0 up
until_true 3 ready_again || fail "not ready after the carrier came back"
upload_four 9
until_true 15 saw_items 12 || fail "after the carrier only $(($(items_seen) - 8)) of 4 items"

ip -n $sensor link set span1 down
until_true 2 ready_says 'span1 is down' || fail "/readyz does not say that the interface is down: $(get /readyz)"
sleep 7  # longer than a heartbeat
ip -n $sensor link set span1 up
until_true 3 ready_again || fail "not ready after the interface came up"
sleep 1
upload_four 13
until_true 15 saw_items 16 || fail "after down and up only $(($(items_seen) - 12)) of 4 items"
[ "$(children inspector | sort)" = "$before" ] || fail "a link that was down cost an inspector"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(items_seen) items"
