#!/bin/bash
# Whatever a webhook's receiver answers but 2xx and 410, an alert is tried again: each failure is in the log with endpoint and
# status, in the metrics by class, and in `alerts undelivered`; once another alert goes through, what waits goes at once.
# 410 is the end until `alerts resend`, also over a restart.
. "$(dirname "$0")/lib.sh"
make_network
start_server
make_pictures 8
build_set "$work"/pictures/*.jpg
write_configuration 1
sed -i 's/update_interval_seconds: 1/update_interval_seconds: 86400/' "$work/spanwatch.yaml"
echo 404 > "$work/receiver-is-down"
start_receiver
start_sensor

failures() { metric "spanwatch_webhook_deliveries_total{endpoint=\"soc\",status=\"$1\"}"; }
failed() { [ "$(failures $1)" -ge "$2" ]; }
undelivered() { "$SPANWATCH" alerts undelivered --config "$work/spanwatch.yaml" "$@"; }

# An alert for each source address: its first attempt fails in another way each.
source=9
for kind in 404:4xx 403:4xx 307:3xx 500:5xx half:none close:none; do
  echo ${kind%:*} > "$work/receiver-is-down"
  before=$(failures ${kind#*:})
  upload "$work/pictures/lane$((source - 8)).jpg" $source.jpg 10.20.0.$((source < 12 ? source : 12))
  [ $source -ge 12 ] || until_true 10 failed ${kind#*:} $((before + 1)) || fail "no failure of class ${kind#*:} for ${kind%:*}"
  [ $source -lt 12 ] || until_true 15 failed ${kind#*:} $((before + 1)) || fail "no failure for ${kind%:*}"
  source=$((source + 1))
done
grep -q 'could not be delivered.*endpoint=soc status=404' "$work/sensor.log" || fail "the log does not name endpoint and status"
[ "$(grep -c 'could not be delivered' "$work/sensor.log")" -le 2 ] || fail "the log is not rate-limited"
[ "$(undelivered | grep -c 'waiting .*soc')" -ge 4 ] || fail "undelivered: $(undelivered)"
undelivered --json | jq -se 'all(.attempts >= 1 and .last_error != "" and .next_attempt)' > /dev/null ||
  fail "undelivered --json: $(undelivered --json)"
! delivered 1 || fail "what was refused was taken"

# It answers again: nothing waits for its own next try, which is up to 20 s and more away by now.
sleep 7
rm "$work/receiver-is-down"
until_true 25 delivered 1 || fail "nothing was delivered"
sleep 0.5
deliveries_at_once=$(deliveries)
until_true 6 delivered 4 || fail "only $(deliveries) of 4 alerts arrived once the receiver answered"
[ -z "$(undelivered)" ] || fail "still undelivered: $(undelivered)"
grep -q 'takes alerts again.*endpoint=soc' "$work/sensor.log" || fail "the log does not say that it works again"

# 410 ends it, loudly, over a restart too; resend tries again.
stop_sensor || fail "exit status $? after SIGTERM"
rm -rf "$work/state"; mkdir "$work/state"
echo 410 > "$work/receiver-is-down"
start_sensor
upload "$work/pictures/lane7.jpg" g.jpg 10.20.0.10
gone() { [ "$(metric 'spanwatch_webhook_disabled{endpoint="soc"}')" = 1 ]; }
until_true 10 gone || fail "410 did not switch the endpoint off"
grep -q 'answered 410.*endpoint=soc' "$work/sensor.log" || fail "the log does not tell of 410"
stop_sensor || fail "exit status $? after SIGTERM"
start_sensor
gone || fail "a restart forgot the 410"
[ "$(grep -c 'answered 410' "$work/sensor.log")" = 2 ] || fail "the restart does not tell of it"
undelivered | grep -q 'switched off .*soc.*HTTP 410' || fail "undelivered: $(undelivered)"
rm "$work/receiver-is-down"
before=$(deliveries)
sleep 1
[ "$(deliveries)" = "$before" ] || fail "something was sent to an endpoint that is gone"
"$SPANWATCH" alerts resend --state "$work/state" no-such-message 2> /dev/null && fail "resend of nothing succeeds"
"$SPANWATCH" alerts resend --state "$work/state" --endpoint soc 2> "$work/resend.txt" || fail "resend: $(cat "$work/resend.txt")"
until_true 5 delivered $((before + 1)) || fail "resend sent nothing"
[ "$(metric 'spanwatch_webhook_disabled{endpoint="soc"}')" = 0 ] || fail "resend did not switch the endpoint on"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $deliveries_at_once delivered within half a second of the first"
