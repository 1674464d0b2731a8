#!/usr/bin/env python3
"""Runs `beak-model test` over other people's networks with stored inputs and outputs: nothing may fail, and only what
Beak says it lacks may be unsupported.

usage: conformance_test.py node | models        run by ctest
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE_DIR = pathlib.Path(os.environ.get("BEAK_SOURCE_DIR", HERE.parents[1]))
BIN_DIR = pathlib.Path(os.environ.get("BEAK_BIN_DIR", SOURCE_DIR / "build/release/bin"))
DATA_DIR = pathlib.Path(os.environ.get("BEAK_DATA", SOURCE_DIR / "../shared/data"))
NODE_CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")
MODELS = ("onnx", "pair-cifar10-winml", "ultraface-rfb320")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

# What a node case may be unsupported for: how the line that says so may end.
LACKING = ("element type string", "element type bfloat16", "sequence type", "optional type", "training mode", "cubic")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def test_cases(folders):
    """Runs them; returns the lines of unsupported cases and the number of all cases."""
    done = subprocess.run([BIN_DIR / "beak-model", "test", *folders], stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    *lines, last = done.stdout.splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) unsupported", last)
    assert counts, f"last line: expected the counts, got {last!r} and exit code {done.returncode}"
    verdicts = [line.split(" ", 1)[0] for line in lines]
    passed, failed, unsupported = map(int, counts.groups())
    assert [verdicts.count(verdict) for verdict in ("PASS", "FAIL", "UNSUPPORTED")] == [passed, failed, unsupported]
    assert failed == 0, f"expected no failed case, got {failed}"
    assert done.returncode == 0, f"expected exit code 0, got {done.returncode}"
    return [line for line in lines if line.startswith("UNSUPPORTED")], passed + unsupported


def node():
    if not NODE_CASES.is_dir():
        skip(f"{NODE_CASES} is absent; it comes with libonnx-testdata")
    names = (HERE / "node_cases.txt").read_text().split()
    unsupported, cases = test_cases([NODE_CASES / name for name in names])
    assert cases == len(names), f"expected {len(names)} cases, got {cases}"
    for line in unsupported:
        assert line.endswith(tuple(f": {reason}" for reason in LACKING)), f"expected one of {LACKING}, got: {line}"


def models():
    folders = [DATA_DIR / "models" / name for name in MODELS]
    absent = [str(folder) for folder in folders if not folder.is_dir()]
    if absent:
        skip(f"{', '.join(absent)} is absent; BEAK_DATA says where the data is")
    unsupported, cases = test_cases(folders)
    assert not unsupported, f"expected every network to run, got: {unsupported}"
    assert cases > 0


if __name__ == "__main__":
    {"node": node, "models": models}[sys.argv[1]]()
