# What the system tests share: a small network in namespaces of its own, with a mirror port as a switch would have it, a web
# server, a webhook receiver and the sensor. Sourced; everything it makes is gone when the test ends, however it ends.
#
#   client 10.20.0.9  ---  router (mirrors both directions onto span0)  ---  server 198.51.100.7
#                              |
#                            span1  <-  the sensor, in a namespace of its own with the webhook receiver
#
# REQUIRES: SPANWATCH names the program.
set -euo pipefail
: "${SPANWATCH:?the spanwatch program}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for tool in ip tc nginx curl python3 jq; do command -v $tool > /dev/null || skip "$tool is not installed"; done

tag=sw$$
client=$tag-client router=$tag-router server=$tag-server sensor=$tag-sensor
work=$(mktemp -d /tmp/spanwatch-system.XXXXXX)
chmod 755 "$work"
sensor_pid=

clean_up() {
  local status=$?
  set +e
  exec 2> /dev/null  # bash tells of every process it finds killed
  [ -n "$sensor_pid" ] && kill -9 "$sensor_pid" 2> /dev/null
  for name in $client $server $sensor $router; do
    # Whoever still lives in a namespace of ours was started by this test.
    ip netns pids $name 2> /dev/null | xargs -r kill -9 2> /dev/null
    ip netns delete $name 2> /dev/null
  done
  umount "$work/state" 2> /dev/null
  if [ $status -ne 0 ] && [ $status -ne 77 ]; then
    echo "--- the sensor said:"; cat "$work/sensor.log" 2> /dev/null | tail -40
    echo "--- work folder: $work"
  else
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() { echo "FAILED: $*"; exit 1; }

# until_true SECONDS COMMAND...: tries until it succeeds.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

ip netns add probe-$tag 2> /dev/null && ip netns delete probe-$tag || skip "network namespaces are not allowed here"

link() {  # link NS1 NAME1 NS2 NAME2
  ip link add $2 netns $1 type veth peer name $4 netns $3
  ip -n $1 link set $2 up
  ip -n $3 link set $4 up
}

mirror() {  # mirror NS FROM TO: what enters FROM also leaves by TO
  tc -n $1 qdisc add dev $2 ingress
  tc -n $1 filter add dev $2 parent ffff: protocol all u32 match u32 0 0 action mirred egress mirror dev $3
}

make_network() {
  local name
  for name in $client $router $server $sensor; do
    ip netns add $name
    ip -n $name link set lo up
    ip netns exec $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2> /dev/null || true
  done
  link $client eth0 $router in0
  link $server eth0 $router out0
  link $router span0 $sensor span1
  ip -n $client address add 10.20.0.9/24 dev eth0
  ip -n $client address add 10.20.0.10/24 dev eth0
  ip -n $client address add 10.20.0.11/24 dev eth0
  ip -n $client address add 10.20.0.12/24 dev eth0
  ip -n $router address add 10.20.0.1/24 dev in0
  ip -n $router address add 198.51.100.1/24 dev out0
  ip -n $server address add 198.51.100.7/24 dev eth0
  ip -n $client route add default via 10.20.0.1
  ip -n $server route add default via 198.51.100.1
  ip netns exec $router sysctl -qw net.ipv4.ip_forward=1
  mirror $router in0 span0
  mirror $router out0 span0
}

start_server() {
  mkdir -p "$work/www" "$work/nginx"
  chmod 777 "$work/www" "$work/nginx"
  cat > "$work/nginx.conf" << END
pid $work/nginx/pid; error_log $work/nginx/error.log; user root; worker_processes 1;
events {}
http {
  access_log off; client_max_body_size 100m; client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f; uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
  server { listen ${server_address:-198.51.100.7}:80; root $work/www; location / { dav_methods PUT; create_full_put_path on; } }
}
END
  ip netns exec $server nginx -c "$work/nginx.conf"
}

webhook_port=18181
webhook_secret=whsec_c3BhbndhdGNoLXN5c3RlbS10ZXN0LXNlY3JldC0wMQ==
start_receiver() {
  touch "$work/deliveries.jsonl"
  ip netns exec $sensor python3 "$here/webhook_receiver.py" $webhook_port $webhook_secret "$work/deliveries.jsonl" \
    "$work/receiver-is-down" &
  receiver_pid=$!
  until_true 30 ip netns exec $sensor bash -c "exec 3<> /dev/tcp/127.0.0.1/$webhook_port" 2> /dev/null || fail "no receiver"
}

# make_picture FILE SEED: bytes of no picture in particular, under a picture's name and magic.
make_picture() {
  python3 - "$1" "$2" << 'END'
import random, sys
generator = random.Random(int(sys.argv[2]))
open(sys.argv[1], "wb").write(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + generator.randbytes(120_000) + b"\xff\xd9")
END
}

make_pictures() {  # make_pictures COUNT: pictures/lane1.jpg and so on
  local n
  mkdir "$work/pictures"
  for n in $(seq "$1"); do make_picture "$work/pictures/lane$n.jpg" $n; done
}

# build_set FILE...: makes owner keys, registers the digests of the files, builds the set.
build_set() {
  mkdir -p "$work/owner"
  if [ ! -f "$work/owner/owner.key" ]; then
    "$SPANWATCH" keygen --out "$work/owner/owner" > /dev/null
    "$SPANWATCH" register init --register "$work/owner/R.db" --owner "Test agency" --record-key "$work/owner/record.key" > /dev/null
  fi
  sha256sum "$@" > "$work/owner/list.sha256"
  "$SPANWATCH" register import --register "$work/owner/R.db" --collection lanes --sha256 "$work/owner/list.sha256" > /dev/null
  sets_built=$((${sets_built:-0} + 1))
  "$SPANWATCH" register build --register "$work/owner/R.db" --sign "$work/owner/owner.key" --serial $sets_built \
    --out "$work/owner/new.swset" > /dev/null
  mv "$work/owner/new.swset" "$work/agency.swset"
}

write_configuration() {  # write_configuration INSPECTORS
  umask 077
  echo $webhook_secret > "$work/webhook.secret"
  umask 022
  mkdir -p "$work/state" "$work/rules"
  cp "$here"/../../rules/*.yml "$work/rules/"
  cat > "$work/spanwatch.yaml" << END
sensor: {name: system-test, run_as: "${RUN_AS:-}"}
capture: {interface: span1, inspectors: $1, ring_bytes: 16 MiB}
zones: {inside: [10.20.0.0/16]}
hashsets: [{file: $work/agency.swset, record_key: $work/owner/record.key}]
trust: [$work/owner/owner.pub]
rules: {directory: $work/rules}
events: {file: $work/events.jsonl}
state: {directory: $work/state}
metrics: {listen: "127.0.0.1:19464"}
webhooks: [{name: soc, url: "http://127.0.0.1:$webhook_port/alerts", secret_file: $work/webhook.secret}]
launcher: {heartbeat_timeout_s: 5, restart_delay_s: 1}
inspector: {first_sighting_delay_ms: 500}
alert: {update_interval_seconds: 1}
END
}

# set_up PICTURES INSPECTORS: the network with its servers, so many pictures, all of them registered, and a configuration.
set_up() {
  make_network
  start_server
  start_receiver
  make_pictures "$1"
  build_set "$work"/pictures/*.jpg
  write_configuration "$2"
}

# Starts it and waits for READY=1.
start_sensor() {
  rm -f "$work/notified" "$work/notify"
  ip netns exec $sensor python3 "$here/notify_listener.py" "$work/notify" "$work/notified" &
  notify_pid=$!
  until_true 10 test -S "$work/notify"
  # exec all the way, so that the process id is the launcher's.
  NOTIFY_SOCKET="$work/notify" ip netns exec $sensor "$SPANWATCH" run --config "$work/spanwatch.yaml" >> "$work/sensor.log" 2>&1 &
  sensor_pid=$!
  until_true 30 grep -qs READY=1 "$work/notified" || fail "the sensor did not become ready"
}

stop_sensor() {  # drains; the exit status is the sensor's
  local status=0
  kill -TERM $sensor_pid
  wait $sensor_pid || status=$?
  sensor_pid=
  kill $notify_pid 2> /dev/null || true
  return $status
}

reloads() { grep -cE 'were read again|The reload was refused' "$work/sensor.log" || true; }
reload_at_once() {  # returns when it has taken effect or was refused
  local before; before=$(reloads)
  decided() { [ "$(reloads)" -gt "$before" ]; }
  kill -HUP $sensor_pid
  until_true 15 decided || fail "the reload did not end"
}
reload() {
  reload_at_once
  sleep 1.1  # metrics are a second old at most
}

upload() {  # upload FILE NAME [SOURCE]
  ip netns exec $client curl -sS --max-time 20 --interface "${3:-10.20.0.9}" -T "$1" "http://198.51.100.7/$2"
}

# upload_four FIRST: four pictures, each from an address of its own, so that both of two inspectors have some.
upload_four() { local n; for n in 0 1 2 3; do upload "$work/pictures/lane$(($1 + n)).jpg" lane$(($1 + n)).jpg 10.20.0.$((9 + n)); done; }

get() { ip netns exec $sensor curl -sS --max-time 5 "http://127.0.0.1:19464$1"; }
metric() { get /metrics | awk -v name="$1" 'index($0, name) == 1 && substr($0, length(name) + 1, 1) ~ /[ {]/ { sum += $NF } END { print sum + 0 }'; }
children() { pgrep -P "$sensor_pid" -f "role $1" || true; }

# Distinct items of sightings so far.
items_seen() { jq -r 'select(.event.dataset == "spanwatch.sighting") | .spanwatch.items[]' "$work/events.jsonl" 2> /dev/null | sort -u | wc -l; }
saw_items() { [ "$(items_seen)" -ge "$1" ]; }
deliveries() { jq -c 'select(.accepted and .good)' "$work/deliveries.jsonl" | wc -l; }
delivered() { [ "$(deliveries)" -ge "$1" ]; }
