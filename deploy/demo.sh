#!/usr/bin/env bash
# Installs what is needed, builds Beak, serves a network, sends it pictures, trains its next version and shows what was
# counted. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: deploy/demo.sh [--help]

On any Debian machine: installs the missing packages (apt, with sudo when not root), builds the release preset, starts
beak-server on a model repository (a digit classifier that is part of this repository and, where BEAK_DATA or
../shared/data holds it, SqueezeNet in float16), sends it pictures through the C++ client, prints the answers, trains the
next version of the digit classifier in a train job while the first one answers (on MNIST where BEAK_DATA holds it, which
takes a minute or two; else on a small set of digits that is part of this repository), predicts with it, shows the
requests in /metrics and stops the server. Nothing is left behind but build/release.

  BEAK_DATA=DIR   where real data is (default ../shared/data)
TEXT
}

case ${1-} in
  "") ;;
  --help) usage; exit 0 ;;
  *) echo "deploy/demo.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
. deploy/packages.sh
bin=build/release/bin
work=$(mktemp -d)
server=""

stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
  rm -rf "$work"
}
trap stop EXIT

say() { printf '\n== %s\n' "$*"; }

build() {
  # shellcheck disable=SC2086  # A list of words.
  install_packages $BUILD_PACKAGES
  say "building (some minutes the first time)"
  cmake --preset release -DBEAK_TESTS=OFF >"$work/build.log" 2>&1 &&
    cmake --build --preset release --parallel "$(nproc)" --target beak-server beak beak-train >>"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log" >&2
    return 1
  }
}

# The float16 SqueezeNet, its class names taken from the JSON beside it, one a line.
add_squeezenet() {
  local source=$1
  mkdir -p "$work/models/squeezenet/1"
  cp deploy/demo/squeezenet/config.pbtxt "$work/models/squeezenet/"
  cp "$source/model.onnx" "$work/models/squeezenet/1/"
  sed -n 's/^ *"[0-9]*" *: *"\(.*\)",\{0,1\} *\r\{0,1\}$/\1/p' "$source/Labels.json" >"$work/models/squeezenet/labels.txt"
}

start_server() {
  $bin/beak-server --model-repository="$work/models" --state-dir="$work/state" --data-dir="$data" --repository-poll-secs=0.5 \
    --grpc-port=0 --http-port=0 --metrics-port=0 --shutdown-grace-secs=0 2>"$work/server.log" &
  server=$!
  for _ in $(seq 300); do
    grep -q '^beak-server ready' "$work/server.log" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; server=""; return 1; }
    sleep 0.1
  done
  ready=$(grep '^beak-server ready' "$work/server.log")
  grpc=$(sed 's/.*grpc=\([^ ]*\).*/\1/' <<<"$ready")
  metrics=$(sed 's/.*metrics=\([^ ]*\).*/\1/' <<<"$ready")
  echo "$ready"
}

# GET /metrics without asking for a program that fetches pages.
fetch_metrics() {
  exec 3<>"/dev/tcp/${metrics%:*}/${metrics##*:}"
  printf 'GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n' "$metrics" >&3
  cat <&3
  exec 3>&-
}

# How many of the ten drawn digits the network that serves recognises.
recognise() {
  right=0
  for digit in 0 1 2 3 4 5 6 7 8 9; do
    answer=$($bin/beak predict mnist --server="$grpc" --image="deploy/demo/digits/$digit.png" --top=1)
    [ "$1" = quietly ] || echo "$answer"
    if grep -qE "^ *[-+.e0-9]+ +$digit( |$)" <<<"$answer"; then right=$((right + 1)); fi
  done
}

# Asks the network that serves again and again until there is a file; prints how often, and how often it did not answer.
ask_until() {
  local asked=0 failed=0
  until [ -e "$1" ]; do
    $bin/beak predict mnist --server="$grpc" --image=deploy/demo/digits/7.png --top=1 >/dev/null 2>&1 || failed=$((failed + 1))
    asked=$((asked + 1))
    sleep 0.2
  done
  echo "meanwhile version 1 was asked $asked times and failed to answer $failed times"
  [ "$failed" = 0 ]
}

train() {
  ask_until "$work/trained" >"$work/asked" &
  local asking=$! status=0
  $bin/beak train submit "$work/job.textproto" --watch --server="$grpc" || status=$?
  touch "$work/trained"
  wait "$asking" || status=1
  cat "$work/asked"
  return "$status"
}

# Until a version of the digit classifier serves.
await_version() {
  for _ in $(seq 300); do
    if $bin/beak model list --server="$grpc" | grep -qE "^mnist +$1 +READY"; then return 0; fi
    sleep 0.1
  done
  echo "version $1 does not serve:" >&2
  $bin/beak model list --server="$grpc" >&2
  return 1
}

build
mkdir -p "$work/models" "$work/state"
data=${BEAK_DATA:-../shared/data}/datasets job=deploy/demo/jobs/mnist.textproto
if [ -d "$data/mnist" ]; then
  epochs=2  # of its five will do here
else
  data=deploy/demo job=deploy/demo/jobs/digits.textproto epochs=8
fi
sed "s|epochs: .*|epochs: $epochs|; s|\.\./networks|$PWD/deploy/demo/networks|" "$job" >"$work/job.textproto"
cp -r deploy/demo/models/mnist "$work/models/"
squeezenet=${BEAK_DATA:-../shared/data}/models/onnx/winml-squeezenet-fp16
if [ -d "$squeezenet" ]; then add_squeezenet "$squeezenet"; fi

say "starting beak-server"
start_server
$bin/beak model list --server="$grpc"

say "ten digits that the network has never seen, drawn for this demo"
recognise aloud
first=$right
echo "recognised: $first of 10"

if [ -d "$squeezenet" ]; then
  say "a kitten, through SqueezeNet in float16"
  $bin/beak predict squeezenet --server="$grpc" --image="$squeezenet/kitten_224.png" --top=5
else
  say "no $squeezenet here: the pretrained network is left out"
fi

say "training version 2 ($job) while version 1 answers"
train
await_version 2
$bin/beak model list --server="$grpc"
recognise quietly
echo "version 2 recognises $right of the 10 drawn digits"
$bin/beak predict mnist --server="$grpc" --image=deploy/demo/digits/7.png --top=3

say "what /metrics counted"
fetch_metrics | tr -d '\r' | grep -E '^beak_(requests_total|request_duration_seconds_(sum|count)|executed_late_total|model_|train_jobs)' || true

say "stopping the server"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=""
echo "beak-server ended with status $status"
[ "$status" = 0 ] && [ "$first" = 10 ]
