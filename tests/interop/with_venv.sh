#!/bin/sh
# usage: with_venv.sh TEST.py        run by ctest
# Runs a test with the interpreter and packages that tests/run.sh puts into build/venv. Where they are not there the test
# says so and counts as skipped (exit code 77).
python=$BEAK_SOURCE_DIR/build/venv/bin/python
if [ ! -x "$python" ]; then
  echo "skipped: $python is absent; tests/run.sh makes it (python3 -m venv, then pip install -r tests/interop/requirements.txt)"
  exit 77
fi
exec "$python" "$@"
