#!/bin/bash
# Whoever has captured an inspector gets nothing out of it and hurts nobody: from inside the sealed process, on each of its
# descriptors, frames and datagrams are sent, files opened, programs and sockets made, and the other processes killed. All of
# it is refused, counted and logged by the name of the call; no frame appears on any interface; the sensor goes on. No process
# of the sensor has a descriptor that was left open by whoever started it, and no inspector has a socket that could send.
. "$(dirname "$0")/lib.sh"
: "${CALL_INSIDE:?the program that calls inside another process}"
[ "$(uname -m)" = x86_64 ] || skip "calls are made inside another process on x86-64 only"
set_up 3 2
exec 17< /etc/hostname  # as a careless shell does
start_sensor
upload "$work/pictures/lane1.jpg" lane1.jpg
until_true 15 saw_items 1 || fail "nothing was seen to begin with"

# Every frame of every interface of the sensor's namespace.
ip netns exec $sensor python3 - "$work/seen" << 'END' &
import pathlib, socket, sys
taken = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
seen = pathlib.Path(sys.argv[1])
seen.touch()
while True:
    frame = taken.recv(65536)
    for marker in (b"spanwatch-escaped-frame", b"spanwatch-control-frame"):
        if marker in frame:
            with seen.open("a") as out:
                out.write(marker.decode() + "\n")
END
sniffer=$!
until_true 10 test -f "$work/seen"

supervisor=$(children supervisor)
inspectors=$(children inspector)
for pid in $sensor_pid $supervisor $inspectors; do
  ls -l /proc/$pid/fd | grep -q hostname && fail "process $pid has a descriptor of whoever started it"
done
for pid in $inspectors; do
  for socket in $(ls -l /proc/$pid/fd | sed -n 's/.*socket:\[\([0-9]*\)\]/\1/p'); do
    ip netns exec $sensor grep -qw "$socket" /proc/net/packet && fail "an inspector still has its packet socket"
  done
done
attacked=$(echo "$inspectors" | head -1)
others=$(echo "$inspectors" | tail -n +2)
index=$(ip netns exec $sensor cat /sys/class/net/span1/ifindex)
"$CALL_INSIDE" $attacked "$index" $sensor_pid $supervisor $others > "$work/attempts" || {
  grep -v '^refused' "$work/attempts"
  fail "something got out of the sandbox, or the sandbox refuses too much"
}
[ "$(grep -c '^refused' "$work/attempts")" -gt 60 ] || fail "only $(wc -l < "$work/attempts") things were tried"

# The sniffer sees what is sent, and saw nothing of the inspector's.
ip netns exec $sensor python3 -c '
import socket
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("span1", 0))
out.send(b"\xff" * 6 + b"\x02\0\0\0\0\x01\x88\xb5 spanwatch-control-frame" + bytes(60))'
until_true 5 grep -q spanwatch-control-frame "$work/seen" || fail "the sniffer sees nothing"
! grep -q spanwatch-escaped-frame "$work/seen" || fail "a frame left the sandbox"
kill $sniffer 2> /dev/null || true

for pid in $sensor_pid $supervisor $inspectors; do kill -0 $pid || fail "process $pid was killed"; done
refused() { [ "$(metric spanwatch_sandbox_forbidden_calls_total)" -ge "$(grep -c '^refused' "$work/attempts")" ]; }
until_true 5 refused || fail "$(metric spanwatch_sandbox_forbidden_calls_total) refusals were counted"
for call in openat socket sendto sendmsg write tgkill newfstatat execve; do
  until_true 5 grep -q "The sandbox refused a system call call=$call " "$work/sensor.log" || fail "no log of $call"
done
for n in 2 3; do upload "$work/pictures/lane$n.jpg" lane$n.jpg 10.20.0.$((9 + n)); done
until_true 15 saw_items 3 || fail "the sensor does not go on"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(grep -c '^refused' "$work/attempts") attempts refused"
