#!/bin/bash
# A hash set at a URL (nginx, TLS): taken in by itself, asked for by its ETag; one that is broken, signed by somebody else or
# older takes the place of nothing, and neither does a server that is down.
. "$(dirname "$0")/lib.sh"
command -v openssl > /dev/null || skip "openssl is not installed"
make_network
start_server
start_receiver
make_pictures 3
mkdir "$work/published"
build_set "$work/pictures/lane1.jpg"
write_configuration 1

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout "$work/tls.key" -out "$work/tls.pem" 2> /dev/null
cat > "$work/publisher.conf" << END
pid $work/publisher.pid; error_log $work/publisher.log; user root; worker_processes 1;
events {}
http {
  log_format plain '\$status'; access_log $work/pulls.log plain; client_body_temp_path $work/nginx/b2;
  proxy_temp_path $work/nginx/p2; fastcgi_temp_path $work/nginx/f2; uwsgi_temp_path $work/nginx/u2; scgi_temp_path $work/nginx/s2;
  server { listen 127.0.0.1:18443 ssl; ssl_certificate $work/tls.pem; ssl_certificate_key $work/tls.key; root $work/published; }
}
END
publisher() { ip netns exec $sensor nginx -c "$work/publisher.conf"; }
publisher
# nginx makes the ETag of the second and the length: each publication has a second of its own.
published=0
publish() {
  published=$((published + 1))
  cp "$1" "$work/published/.next"
  touch -d "@$((1700000000 + published))" "$work/published/.next"
  mv "$work/published/.next" "$work/published/agency.swset"
}
sed -i "s|^hashsets:.*|hashsets: [{url: \"https://localhost:18443/agency.swset\", signer: $work/owner/owner.pub, ca_file: $work/tls.pem, record_key: $work/owner/record.key}]|" "$work/spanwatch.yaml"
sed -i "s|^trust:.*|trust: []|" "$work/spanwatch.yaml"
echo 'hashset: {pull_interval_s: 1, pull_backoff_s: 1}' >> "$work/spanwatch.yaml"

items() { [ "$(metric spanwatch_hashset_items)" = "$1" ]; }
pulls() { get /metrics | awk -v name="spanwatch_hashset_pulls_total{result=\"$1\"}" '$1 == name { print $2 }'; }
more() { [ "$(pulls "$1")" -gt "$2" ]; }

# The first pull comes after the start.
publish "$work/agency.swset"
cp "$work/agency.swset" "$work/first.swset"
start_sensor
until_true 15 items 1 || fail "the set was not pulled"
upload "$work/pictures/lane1.jpg" a.jpg
until_true 15 saw_items 1 || fail "what was pulled finds nothing"
until_true 15 grep -q 304 "$work/pulls.log" || fail "the ETag is not used"
[ "$(metric spanwatch_hashset_pull_last_success_timestamp_seconds)" != 0 ] || fail "no time of the last success"

# The owner publishes a later set.
build_set "$work/pictures/lane2.jpg"
publish "$work/agency.swset"
until_true 15 items 2 || fail "the later set was not taken in"
upload "$work/pictures/lane2.jpg" b.jpg
until_true 15 saw_items 2 || fail "what was registered later is not found"

# What must not be taken: cut short, of another signer, older.
for bad in short foreign older; do
  case $bad in
    short) head -c 700 "$work/agency.swset" > "$work/bad.swset" ;;
    foreign)
      rm "$work/bad.swset"  # a set that was cut short is replaced by no build
      "$SPANWATCH" keygen --out "$work/owner/other" > /dev/null
      "$SPANWATCH" register build --register "$work/owner/R.db" --sign "$work/owner/other.key" --out "$work/bad.swset" 2> /dev/null ;;
    older) cp "$work/first.swset" "$work/bad.swset" ;;
  esac
  before=$(pulls refused)
  publish "$work/bad.swset"
  until_true 20 more refused "$before" || fail "a set that is $bad was not refused"
  items 2 || fail "a set that is $bad changed the set in force"
done
upload "$work/pictures/lane2.jpg" c.jpg 10.20.0.11
before=$(deliveries)

# A server that is down.
kill "$(cat "$work/publisher.pid")"
failed=$(pulls failed)
until_true 20 more failed "$failed" || fail "the failure is not counted"
items 2 || fail "the set was dropped while the server was down"

# A server that goes on and on: however often the configuration is read again, one file of a pull lies there, and none afterwards.
cat > "$work/slow.py" << 'END'
import socket, ssl, sys, threading, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 18443))
def serve(connection):
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(4096)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + bytes(1000))
            while True:
                time.sleep(0.5)
                stream.sendall(b"x")
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
END
ip netns exec $sensor python3 "$work/slow.py" "$work/tls.pem" "$work/tls.key" &
slow_pid=$!
pulling() { find "$work/state/hashsets/pulled" -name '.pulling-*' | wc -l; }
one_pulls() { [ "$(pulling)" = 1 ]; }
until_true 20 one_pulls || fail "nothing is pulled from the slow server"
for _ in 1 2 3 4; do
  reload_at_once
  [ "$(pulling)" -le 1 ] || fail "$(pulling) files of pulls lie there after a reload"
done
until_true 20 one_pulls || fail "after reloads nothing is pulled any more"
kill $slow_pid
none_pulls() { [ "$(pulling)" = 0 ]; }
until_true 20 none_pulls || fail "the file of a pull that broke off stays"
items 2 || fail "the set was dropped meanwhile"

publish "$work/agency.swset"
publisher
unchanged=$(pulls unchanged)
until_true 20 more unchanged "$unchanged" || fail "pulling does not go on"

# After a restart the set that was pulled is there at once.
stop_sensor || fail "exit status $? after SIGTERM"
kill "$(cat "$work/publisher.pid")"
# So does what a pull that was interrupted left there, but it goes.
head -c 1000000 /dev/zero > "$work/state/hashsets/pulled/.pulling-abcdef"
start_sensor
until_true 15 items 2 || fail "the set that was pulled is gone after a restart"
[ ! -e "$work/state/hashsets/pulled/.pulling-abcdef" ] || fail "the leftover of an interrupted pull stays"
stop_sensor || fail "exit status $? after SIGTERM"
echo "PASSED: $(grep -c 304 "$work/pulls.log") times unchanged"
