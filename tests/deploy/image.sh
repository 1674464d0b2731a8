#!/usr/bin/env bash
# Builds the image from deploy/docker/Dockerfile and runs it as a careful person would. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/deploy/image.sh [--image NAME] [--without-unit-tests] [--jobs N] [--help]

With docker, podman or buildah, whichever works here: builds the image from the unmodified Dockerfile, checks what it is
configured to do and how large it is, runs it hardened (read-only, no capabilities, no new privileges, 512 MB, one core),
predicts, asks for health and metrics, trains, and stops it; with podman then also the Deployment of the chart's first
example (podman kube play). buildah alone builds and measures; it does not run.

Where debian:trixie-slim is not there and no registry answers, root makes it with mmdebstrap under that name.

  --image NAME           check this image, do not build
  --without-unit-tests   build without running the unit tests
  --jobs N               processes of the compiler (default: as many as there are cores)

  BEAK_COLD_START_SECS   how long from the container's start to ready, at most (default 1)

Exit status: 0 all is well, 1 something is not, 77 there is nothing to build or run images with.
TEXT
}

image="" unit_tests=true jobs=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    --image) image=$2; shift ;;
    --without-unit-tests) unit_tests=false ;;
    --jobs) jobs=$2; shift ;;
    --help) usage; exit 0 ;;
    *) echo "tests/deploy/image.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

cd "$(dirname "$0")/../.."
base=docker.io/library/debian:trixie-slim
name=beak-image-test-$$
work=$(mktemp -d)
failures=0 passes=0

say() { printf '\n== %s\n' "$*"; }

# check TEXT COMMAND...: the command must succeed.
check() {
  local text=$1
  shift
  if "$@"; then
    passes=$((passes + 1)) && echo "ok: $text"
  else
    failures=$((failures + 1)) && echo "FAILED: $text"
  fi
}

equal() { [ "$1" = "$2" ] || { echo "expected '$1', got '$2'" >&2; false; }; }
at_most() { awk -v limit="$1" -v got="$2" 'BEGIN { exit !(got <= limit) }'; }
not() { ! "$@"; }

# ---------------------------------------------------------------- docker, podman or buildah
# podman runs without systemd and without rights to raise limits; what it says of the first is no news.
podman_quietly() { podman --log-level=panic "$@"; }

smaller() { if [ "$1" = unlimited ] || [ "$1" -gt "$2" ]; then echo "$2"; else echo "$1"; fi; }

configure_podman() {
  local files processes
  files=$(smaller "$(ulimit -Hn)" 16384) processes=$(smaller "$(ulimit -Hu)" 16384)
  {
    printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=%s:%s"]\n' "$files" "$files" "$processes" "$processes"
    # crun does not know hosts with both versions of cgroups.
    if command -v runc >/dev/null; then printf '[engine]\nruntime = "runc"\n'; fi
  } >"$work/containers.conf"
  export CONTAINERS_CONF=$work/containers.conf
}

choose_engine() {
  if docker info >/dev/null 2>&1; then
    engine=docker run=docker build="docker build"
  elif command -v podman >/dev/null; then
    configure_podman
    engine=podman run=podman_quietly build="podman_quietly build --isolation chroot --format docker --layers --pull=never"
  elif command -v buildah >/dev/null; then
    engine=buildah run="" build="buildah build --isolation chroot --format docker --layers --pull=never"
  else
    echo "skipped: no docker that answers, no podman, no buildah"
    exit 77
  fi
}

has_image() { "$engine" image inspect "$1" >/dev/null 2>&1 || buildah inspect --type image "$1" >/dev/null 2>&1; }

# What Debian's slim image has, from Debian's packages.
make_base() {
  if ! command -v mmdebstrap >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "skipped: $base cannot be pulled, and mmdebstrap (as root) is not there to make it"
    exit 77
  fi
  echo "no registry answers: making $base with mmdebstrap"
  mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' trixie "$work/base.tar"
  case $engine in
    docker | podman) "$engine" import "$work/base.tar" "$base" >/dev/null ;;
    buildah)
      local container
      container=$(buildah from scratch)
      buildah add -q "$container" "$work/base.tar" / >/dev/null
      buildah commit -q "$container" "$base" >/dev/null
      buildah rm "$container" >/dev/null ;;
  esac
  rm "$work/base.tar"
}

get_base() {
  has_image "$base" || timeout 120 "$engine" pull "$base" >/dev/null 2>&1 || make_base
}

build_image() {
  image=localhost/beak:test
  say "building with $engine"
  get_base
  local began=$SECONDS
  # shellcheck disable=SC2086  # A command and its arguments.
  $build --build-arg UNIT_TESTS=$unit_tests --build-arg JOBS="$jobs" --build-arg REVISION="$(git rev-parse HEAD)" \
    --file deploy/docker/Dockerfile --tag "$image" .
  echo "built in $((SECONDS - began)) s"
}

# ---------------------------------------------------------------- what it is
compressed_bytes() {
  case $engine in
    docker) docker save "$1" ;;
    podman) podman_quietly save --quiet --format docker-archive "$1" ;;
    buildah) rm -f "$work/image.tar" && buildah push --quiet "$1" "docker-archive:$work/image.tar" >/dev/null && cat "$work/image.tar" ;;
  esac | gzip -6 | wc -c
}

check_size() {
  local all above
  all=$(compressed_bytes "$image")
  above=$((all - $(compressed_bytes "$base")))
  echo "compressed: $((all / 1000000)) MB in all, $((above / 1000000)) MB above the base"
  check "at most 120 MB compressed" at_most 120000000 "$all"
  check "at most 40 MB above the base" at_most 40000000 "$above"
}

of_image() { $run image inspect --format "$1" "$image"; }

check_configuration() {
  check "runs as a user that has a number and is not root" equal 10001:10001 "$(of_image '{{.Config.User}}')"
  check "starts the server without a shell" equal '["/usr/bin/beak-server"]' "$(of_image '{{json .Config.Entrypoint}}')"
  check "has volumes for models and state" equal '{"/models":{},"/state":{}}' "$(of_image '{{json .Config.Volumes}}')"
  local said
  said=$($run image inspect "$image" | tr -d ' \n')
  check "has a health check" grep -q '"CMD","/usr/bin/beak","health"' <<<"$said"
  check "says what it is" grep -q '"org.opencontainers.image.licenses":"Apache-2.0"' <<<"$said"
}

# ---------------------------------------------------------------- what it does
hardened="--read-only --cap-drop all --security-opt no-new-privileges --memory 512m --cpus 1"

# The container $name on the demo's models; returns when it is ready.
start() {
  # shellcheck disable=SC2086  # Words.
  $run run --detach --name "$name" $hardened $network --volume "$PWD/deploy/demo/models:/models:ro" \
    --volume "$PWD/deploy/demo/digits:/digits:ro" "$image" >/dev/null
  for _ in $(seq 300); do
    if logs | grep -q '^beak-server ready'; then return 0; fi
    [ "$(of_container '{{.State.Running}}')" = true ] || break
    sleep 0.1
  done
  logs
  return 1
}

logs() { $run logs "$name" 2>&1; }
of_container() { $run inspect --format "$1" "$name"; }
inside() { $run exec "$name" "$@"; }
end() { $run rm --force "$name" >/dev/null; }

# A bridge where there can be one; else no network but the container's own loopback, which is enough for what is asked here.
choose_network() {
  network=""
  if ! $run run --rm --name "$name" "$image" --version >/dev/null 2>&1; then
    end 2>/dev/null || true
    network="--network none"
    echo "no bridge can be made here: the container has its loopback only"
  fi
}

# Seconds from the container's start to the line that says ready.
cold_start() {
  local started ready
  started=$(date +%s.%N --date "$(of_container '{{.State.StartedAt}}' | sed 's/ +0000 UTC$/Z/')")
  ready=$($run logs --timestamps "$name" 2>&1 | sed -n 's/^\([^ ]*\) beak-server ready.*/\1/p')
  echo "$(date +%s.%N --date "$ready") $started" | awk '{ printf "%.3f", $1 - $2 }'
}

check_cold_start() {
  local best=1000 this
  for _ in 1 2 3; do
    start
    this=$(cold_start)
    end
    if at_most "$best" "$this"; then best=$this; fi
  done
  echo "cold start: $best s (the best of 3)"
  check "ready within ${BEAK_COLD_START_SECS:-1} s" at_most "${BEAK_COLD_START_SECS:-1}" "$best"
}

recognised() {
  local digit right=0
  for digit in 0 1 2 3 4 5 6 7 8 9; do
    if inside /usr/bin/beak predict mnist --image="/digits/$digit.png" --top=1 | grep -qE "^ *[0-9.]+ +$digit( |$)"; then
      right=$((right + 1))
    fi
  done
  echo "$right"
}

# get PORT PATH, by the shell of the base, which has no program that fetches pages.
get() {
  inside /bin/bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; printf 'GET $2 HTTP/1.0\r\n\r\n' >&3; cat <&3" | tr -d '\r'
}

check_serving() {
  check "is healthy" inside /usr/bin/beak health
  check "its model is healthy" inside /usr/bin/beak health --service=mnist
  check "nobody else's is" not inside /usr/bin/beak health --service=nobody
  check "recognises ten digits of ten" equal 10 "$(recognised)"
  get 8002 /metrics >"$work/metrics"
  check "has one lane on one core" grep -qx 'beak_lanes 1' "$work/metrics"
  check "counted the requests" grep -qE '^beak_requests_total\{.*outcome="ok".*\} 10$' "$work/metrics"
  check "answers REST" grep -q '"name":"mnist"' <<<"$(get 8000 /v2/models/mnist)"
  check "says that it is ready" grep -q '200 OK' <<<"$(get 8002 /readyz)"
  # 1F40 to 1F42 are 8000 to 8002; zeros are any address.
  check "listens on all addresses" equal 3 "$(inside cat /proc/net/tcp /proc/net/tcp6 | grep -cE ' 0+:1F4[012] .* 0A ')"
}

check_hardening() {
  inside cat /proc/1/status >"$work/status"
  check "pid 1 is the server" grep -q 'beak-server' "$work/status"
  check "nobody is root" grep -qE '^Uid:\s+10001\s+10001\s+10001\s+10001$' "$work/status"
  check "has no capabilities" grep -qE '^CapEff:\s+0+$' "$work/status"
  check "gets no privileges" grep -qE '^NoNewPrivs:\s+1$' "$work/status"
  check "cannot write beside its volumes" not inside /bin/sh -c 'touch /file || touch /usr/file || touch /models/file' 2>/dev/null
  check "can write its state" inside /bin/sh -c 'touch /state/file && rm /state/file'
}

check_stop() {
  local began=$SECONDS
  $run stop --time 40 "$name" >/dev/null
  echo "stopped in $((SECONDS - began)) s"
  check "ends with status 0 on SIGTERM" equal 0 "$(of_container '{{.State.ExitCode}}')"
  check "says that it has stopped" grep -q 'info *stopped' <(logs)
  end
}

check_training() {
  mkdir "$work/training"
  cp -r deploy/demo/jobs deploy/demo/networks deploy/demo/digits "$work/training"
  sed -i 's/epochs: .*/epochs: 1/' "$work/training/jobs/digits.textproto"
  chown -R 10001:10001 "$work/training"
  # shellcheck disable=SC2086  # Words.
  check "trains" $run run --rm --name "$name" $hardened $network --volume "$work/training:/training" \
    --entrypoint /usr/bin/beak-train "$image" /training/jobs/digits.textproto --data-dir=/training \
    --output=/training/runs/digits --resume
  check "what it trained is there" [ -s "$work/training/runs/digits/result/model.onnx" ]
}

# ---------------------------------------------------------------- the chart's Deployment
check_kube_play() {
  if ! python3 -c 'import yaml' 2>/dev/null; then
    echo "no python3-yaml: podman kube play is left out"
    return
  fi
  $run tag "$image" localhost/beak:0.1.0
  python3 tests/deploy/kube_play.py deploy/helm/rendered/configmap.yaml "$PWD/deploy/demo/models" >"$work/deployment.yaml"
  # shellcheck disable=SC2086  # Words.
  check "podman plays the Deployment" $run play kube $network "$work/deployment.yaml"
  name=$($run ps --format '{{.Names}}' | grep -E '^beak-.*-beak$' || true)
  for _ in $(seq 100); do
    if logs | grep -q '^beak-server ready'; then break; fi
    sleep 0.1
  done
  check "the Deployment serves" inside /usr/bin/beak health --service=mnist
  $run play kube --down "$work/deployment.yaml" >/dev/null
}

finish() {
  [ -z "${run-}" ] || end 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

choose_engine
[ -n "$image" ] || build_image
say "what it is"
has_image "$base" || get_base
check_size
if [ -n "$run" ]; then
  check_configuration
  say "what it does"
  choose_network
  check_cold_start
  start
  check_serving
  check_hardening
  check_stop
  check_training
  if [ $engine = podman ]; then
    say "the Deployment of the chart"
    check_kube_play
  fi
else
  echo "buildah alone does not run images: only built and measured"
fi
printf '\n%s passed, %s failed\n' "$passes" "$failures"
[ "$failures" = 0 ]
