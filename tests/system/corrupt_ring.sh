#!/bin/bash
# An inspector in the hands of an attacker writes eight bytes into the write index of its own ring: it is ended and logged, its
# successor gets a new ring, and nobody waits for it: what the other inspector sees is told meanwhile.
. "$(dirname "$0")/lib.sh"
set_up 12 2
start_sensor

# write_word PID WORD OFFSET: eight bytes into the header of its ring; the offset is added to what stands there, = sets it.
write_word() {
  python3 - "$@" << 'END'
import struct, sys
pid, word, value = sys.argv[1], int(sys.argv[2]), sys.argv[3]
start = next(int(line.split("-")[0], 16) for line in open(f"/proc/{pid}/maps") if "spanwatch-ring" in line)
with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
    memory.seek(start + 64 * word)
    old = struct.unpack("<Q", memory.read(8))[0]
    memory.seek(start + 64 * word)
    memory.write(struct.pack("<Q", int(value[1:]) if value[0] == "=" else old + int(value)))
END
}
corrupt_is() { [ "$(metric 'spanwatch_ring_refused_messages_total{reason="corrupt"}')" = "$1" ]; }
two_run() { [ "$(children inspector | wc -l)" = 2 ] && [ "$(metric spanwatch_inspectors_alive)" = 2 ]; }

upload_four 1
until_true 15 saw_items 4 || fail "only $(items_seen) of 4 items before"

victim=$(children inspector | head -1)
write_word $victim 1 +8 || fail "cannot write into the ring"
until_true 3 corrupt_is 1 || fail "the ring was not found out"
until_true 3 test ! -e /proc/$victim || fail "the inspector was not ended"
grep -q 'no longer believed.*its ring is corrupt' "$work/sensor.log" || fail "the log does not tell"
upload_four 5
until_true 5 saw_items 5 || fail "the other inspector was muted"
until_true 15 two_run || fail "no successor"
sleep 2.5
before=$(items_seen)
upload_four 9
until_true 10 saw_items $((before + 4)) || fail "afterwards only $(($(items_seen) - before)) of 4 items"

# The magic number and the sequence, and a supervisor that dies at that moment: it must be able to begin.
victim=$(children inspector | head -1)
kill -STOP $(children supervisor)
write_word $victim 0 =7
write_word $victim 3 =0
kill -9 $(children supervisor)
until_true 10 corrupt_is 1 || fail "a supervisor that began anew did not find the ring out"
until_true 3 test ! -e /proc/$victim || fail "the inspector was not ended"
until_true 15 two_run || fail "no successor"
[ "$(get /readyz)" = ready ] || fail "not ready"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(items_seen) items"
