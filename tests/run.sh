#!/usr/bin/env bash
# Installs what is needed, builds Beak and runs every test. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--full] [--help]

On any Debian machine: installs the missing packages (apt, with sudo when not root) and a Python environment in
build/venv, builds the release preset and runs every test that needs no other machine. The last output is ctest's
summary, the exit status ctest's. Running it again does only what is left to do.

  --full   then also: a minute of requests whose every answer is checked, ThreadSanitizer (preset tsan), clang with its
           sanitizers and the fuzzers (preset clang), and, as root, build and test in a root of Debian 13 made with
           mmdebstrap under build/debian13. With Go 1.24 or newer helm is built first, and the chart rendered anew and
           compared; where docker or podman is, the image is built and run
  --help   this text
TEXT
}

full=false
for argument in "$@"; do
  case $argument in
    --full) full=true ;;
    --help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown argument '$argument'" >&2; usage >&2; exit 2 ;;
  esac
done

cd "$(dirname "$0")/.."
. deploy/packages.sh
jobs=$(nproc)

# The Python environment of the tests that use other people's clients. Quick when everything is there already.
make_venv() {
  local requirements=tests/interop/requirements.txt
  if [ ! -f "$requirements" ]; then
    echo "tests/run.sh: $requirements is absent: no build/venv, tests that need it are skipped" >&2
    return 0
  fi
  [ -x build/venv/bin/python ] || python3 -m venv build/venv
  build/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
}

# build_and_test PRESET [ctest arguments]. Joined by &&, because `set -e` is off where a caller asks for the status.
build_and_test() {
  local preset=$1
  shift
  echo "== $preset" >&2
  cmake --preset "$preset" >&2 &&
    cmake --build --preset "$preset" --parallel "$jobs" >&2 &&
    ctest --preset "$preset" --parallel 2 "$@"
}

# shellcheck disable=SC2086  # Lists of words.
install_packages $BUILD_PACKAGES $TEST_PACKAGES
for package in $FORMAT_PACKAGES; do
  # Not every Debian has this version; the check says that it is skipped.
  ! package_is_known "$package" || install_packages "$package"
done
make_venv

if ! $full; then
  build_and_test release
  exit
fi

# shellcheck disable=SC2086
install_packages $FULL_PACKAGES
failed=""
export BEAK_SOAK_SECONDS=60  # of answers_test, which looks for rows that were mixed up
tests/deploy/kube_tools.py >&2 || true  # says what it lacks; the tests that need it are skipped
build_and_test release || failed="$failed release"
# The checks look at the sources, which are the same in every preset.
# Debian's gRPC is not instrumented: what it hands from thread to thread looks like races, so those tests are left out.
build_and_test tsan --label-exclude 'check|grpc' || failed="$failed tsan"
build_and_test clang --label-exclude check || failed="$failed clang"
tests/debian13.sh || failed="$failed debian13"
tests/deploy/image.sh || [ $? = 77 ] || failed="$failed image"
if [ -n "$failed" ]; then
  echo "failed:$failed"
  exit 1
fi
