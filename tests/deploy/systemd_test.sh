#!/bin/sh
# usage: systemd_test.sh        run by ctest
# deploy/systemd/beak.service is understood by systemd, without a warning, and hardened: systemd's own measure of exposure, 0
# to 10, is below 2. Neither needs a running systemd. Its flags are those of the real server.
set -u
if ! command -v systemd-analyze >/dev/null; then
  echo "skipped: no systemd-analyze"
  exit 77
fi
unit=$BEAK_SOURCE_DIR/deploy/systemd/beak.service
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# The program where this build has it: systemd wants it to exist.
sed "s|/usr/local/bin/|$BEAK_BIN_DIR/|" "$unit" >"$work/beak.service"
if ! systemd-analyze verify --man=no "$work/beak.service" >"$work/verify" 2>&1 || [ -s "$work/verify" ]; then
  cat "$work/verify"
  status=1
fi

systemd-analyze security --offline=true --no-pager --threshold=20 "$work/beak.service" >"$work/security" 2>&1 ||
  { cat "$work/security"; status=1; }
tail -n 1 "$work/security"

# What it starts, told to end at once: it must be understood, become ready and end well.
mkdir "$work/state"
command=$(sed -n 's/^ExecStart=//p' "$work/beak.service" |
  sed "s|=/var/lib/beak-models|=$BEAK_SOURCE_DIR/deploy/demo/models|; s|=/var/lib/beak\$|=$work/state|")
# shellcheck disable=SC2086  # A command and its arguments.
$command --grpc-port=0 --http-port=0 --metrics-port=0 --shutdown-grace-secs=0 2>"$work/log" &
server=$!
for _ in $(seq 300); do
  if grep -q '^beak-server ready' "$work/log" || ! kill -0 $server 2>/dev/null; then break; fi
  sleep 0.1
done
kill -TERM $server 2>/dev/null
if ! wait $server || ! grep -q '^beak-server ready' "$work/log"; then
  cat "$work/log"
  status=1
fi
exit $status
