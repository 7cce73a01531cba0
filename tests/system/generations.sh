#!/bin/bash
# One configuration is in force in every process, or none: zones, sinks, rules and sets of a reload reach supervisor, inspectors and an
# inspector that takes the place of a dead one; what needs a restart is named and stays; a supervisor that dies goes by what was in
# force, whatever the files hold by then. The log says what is in force, with one digest. Also: weaker rules raise an alert, an older
# signed folder is refused, and connections that say nothing keep nobody from /healthz.
. "$(dirname "$0")/lib.sh"
set_up 6 2
"$SPANWATCH" rules sign --key "$work/owner/owner.key" "$work/rules" > /dev/null
cp -r "$work/rules" "$work/older-rules"
sed -i 's|inside: \[10.20.0.0/16\]|inside: [192.168.0.0/16]|' "$work/spanwatch.yaml"
sed -i 's|^launcher: {|launcher: {reload_timeout_s: 4, |' "$work/spanwatch.yaml"
cat >> "$work/spanwatch.yaml" << END
http: {connections: 4, deadline_seconds: 60}
END
start_sensor

digest_said() { printf '%.0f' $((16#$(grep -o 'Configuration in force.*' "$work/sensor.log" | tail -1 | grep -oE ' digest=[0-9a-f]+' | cut -d= -f2))); }
digest_served() { get /metrics | awk '$1 == "spanwatch_config_digest" { printf "%.0f", $2 }'; }
agree() {
  [ "$(digest_said)" = "$(digest_served)" ] || fail "the log says $(digest_said), /metrics $(digest_served)"
  [ "$(metric spanwatch_inspector_of_other_generation)" = 0 ] || fail "inspectors go by something else"
}
directions() { jq -r 'select(.event.dataset == "spanwatch.sighting") | .network.direction' "$work/events.jsonl" | sort -u | tr '\n' ' '; }
saw_direction() { [[ " $(directions)" == *" $1 "* ]]; }

# What is in force stands in the log.
for words in 'Hash set in force.*serial=1 created=20.*digest=[0-9a-f]\{12\}' 'Configuration in force.*version=.*inside=192.168.0.0/16' \
  'Rules in force.*signer=[0-9a-f]\{64\} serial=[1-9]' 'Sinks in force.*webhook:soc.*events:'; do
  grep -q "$words" "$work/sensor.log" || fail "the log does not say: $words"
done
agree
created=$(get /metrics | awk 'index($0, "spanwatch_hashset_created_timestamp_seconds{") == 1 { printf "%d", $NF }')
[ $(($(date +%s) - created)) -lt 600 ] || fail "the set's age is not that of its creation: $created"

# Zones under which nothing crosses are told, and a reload mends them in every process.
upload "$work/pictures/lane1.jpg" a.jpg
until_true 15 saw_items 1 || fail "nothing is seen"
[ "$(directions)" = "external " ] || fail "directions: $(directions)"
nothing_crosses() { [ "$(metric spanwatch_sightings_crossed_nothing)" = 1 ]; }
until_true 5 nothing_crosses || fail "it is not told that nothing crosses"
sed -i 's|inside: \[192.168.0.0/16\]|inside: [10.20.0.0/16]|' "$work/spanwatch.yaml"
sed -i 's|name: system-test|name: other-name|; s|inspectors: 2|inspectors: 3|; s|update_interval_seconds: 1|update_interval_seconds: 2|' "$work/spanwatch.yaml"
cp "$work/rules/images.yml" "$work/images.yml"
reload
grep -q 'next start only.*settings="capture.inspectors sensor.name alert.update_interval_seconds"' "$work/sensor.log" ||
  fail "what needs a restart is not named: $(grep 'next start only' "$work/sensor.log")"
[ "$(metric spanwatch_config_restart_wanted_settings)" = 3 ] || fail "the metric does not count what needs a restart"
agree
upload "$work/pictures/lane2.jpg" b.jpg
upload "$work/pictures/lane2.jpg" c.jpg 10.20.0.11
until_true 15 saw_direction outbound || fail "the new zones are not in force: $(directions)"
[ "$(metric spanwatch_sightings_crossed_nothing)" = 0 ] || fail "it is still said that nothing crosses"
until_true 15 delivered 1 || fail "no alert"
jq -se 'all(.observer.name == "system-test")' "$work/events.jsonl" > /dev/null || fail "the name changed without a restart"

# A successor goes by the same.
kill -9 $(children inspector)
both_run() { [ "$(children inspector | wc -l)" = 2 ] && [ "$(grep -c 'An inspector captures' "$work/sensor.log")" -ge 4 ]; }
until_true 30 both_run || fail "the inspectors did not come back"
sleep 1.1
agree
upload "$work/pictures/lane3.jpg" d.jpg
upload "$work/pictures/lane3.jpg" e.jpg 10.20.0.11
until_true 15 saw_items 3 || fail "a successor sees nothing"

# A supervisor that dies goes by what was in force, though the files are broken by then.
printf 'title: broken\ndetection: [\n' > "$work/rules/images.yml"
echo 'sensors: {name: x}' >> "$work/spanwatch.yaml"
kill -9 $(children supervisor)
ready_again() { [ "$(grep -c 'The supervisor is ready' "$work/sensor.log")" -ge 2 ]; }
until_true 30 ready_again || fail "the supervisor does not come back"
sleep 1.1
agree
upload "$work/pictures/lane4.jpg" f.jpg
until_true 15 saw_items 4 || fail "the new supervisor sees nothing"
reload
[ "$(metric spanwatch_config_last_reload_successful)" = 0 ] || fail "broken files were taken"
agree
sed -i '/^sensors:/d' "$work/spanwatch.yaml"
cp "$work/images.yml" "$work/rules/images.yml"

# Another sink.
sed -i "s|webhooks: \[{name: soc, |webhooks: [{name: owner, owner: true, url: \"http://127.0.0.1:$webhook_port/owner\", secret_file: $work/webhook.secret}, {name: soc, |" \
  "$work/spanwatch.yaml"
before=$(deliveries)
reload
agree
grep 'Sinks in force' "$work/sensor.log" | tail -1 | grep -q 'webhook:owner(owner)' || fail "the new sink is not named"
upload "$work/pictures/lane5.jpg" g.jpg 10.20.0.12
until_true 15 delivered $((before + 2)) || fail "the new sink hears nothing"

# An inspector that does not take a reload (here it is stopped) is told again, then ended, and its successor goes by it.
hindered=$(children inspector | head -1)
other_is() { [ "$(metric spanwatch_inspector_of_other_generation)" = "$1" ]; }
sed -i 's|inside: \[10.20.0.0/16\]|inside: [10.20.0.0/16, 10.30.0.0/16]|' "$work/spanwatch.yaml"
captures() { grep -c 'An inspector captures' "$work/sensor.log"; }
captured=$(captures)
succeeded() { [ "$(captures)" -gt "$captured" ]; }
kill -STOP "$hindered"
reload
until_true 5 other_is 1 || fail "it is not told that an inspector goes by other settings"
until_true 30 succeeded || fail "the inspector has no successor"
until_true 30 other_is 0 || fail "the inspectors do not come onto one generation"
[ -z "$(children inspector | grep -x "$hindered")" ] || fail "the hindered inspector still runs"
for words in 'did not take the reload and is told again' 'stands still and is killed'; do
  grep -q "$words" "$work/sensor.log" || fail "the log does not say: $words"
done
ready_is() { [ "$(get /readyz)" = ready ]; }
until_true 5 ready_is || fail "not ready: $(get /readyz)"
agree
upload "$work/pictures/lane6.jpg" x.jpg
upload "$work/pictures/lane6.jpg" y.jpg 10.20.0.11
until_true 15 saw_items 6 || fail "a successor sees nothing"

# Unsigned and fewer rules: taken, counted, and alerted; an older signed folder is refused.
rm "$work/rules/rules.signed" "$work/rules/archives.yml"
reload
agree
for change in fewer unsigned; do
  [ "$(get /metrics | awk -v change="$change" 'index($0, "spanwatch_rules_changes_total") == 1 && index($0, change) { print $NF }')" = 1 ] ||
    fail "rules that are $change are not counted"
done
weaker() { grep -q "rules in force are other than before" "$work/deliveries.jsonl"; }
upload "$work/pictures/lane6.jpg" h.jpg
until_true 20 weaker || fail "no alert tells of weaker rules"
"$SPANWATCH" rules sign --key "$work/owner/owner.key" "$work/rules" > /dev/null
reload
[ "$(metric spanwatch_config_last_reload_successful)" = 1 ] || fail "rules that were signed anew are refused"
rm -r "$work/rules"
cp -r "$work/older-rules" "$work/rules"
reload
[ "$(metric spanwatch_config_last_reload_successful)" = 0 ] || fail "an older signed folder was taken"
agree

# A thousand connections that say nothing.
ip netns exec $sensor python3 - << 'END' || fail "/healthz does not answer beside silent connections"
import resource, socket, urllib.request
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
silent = [socket.create_connection(("127.0.0.1", 19464)) for _ in range(1000)]
assert urllib.request.urlopen("http://127.0.0.1:19464/healthz", timeout=5).read() == b"ok\n"
END
[ "$(metric spanwatch_sandbox_forbidden_calls_total)" = 0 ] || fail "something forbidden was tried in the sandbox"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED"
