#!/usr/bin/env python3
"""Measures the server against its targets, one figure a command, and prints rows of figure, target, measured, verdict.

usage: serving_figures.py FIGURE [--duration=SECONDS] [--rounds=N] [--build-dir=DIR] [--work-dir=DIR] [--json] ...

Server and load run on the same cores. What is compared alternates in rounds, so that both see the same neighbours on
the machine; figures are medians over the rounds. Exit status 0: all targets are reached; 1: one is missed or could not
be measured. Packages: requirements.txt beside this file; for proxies, rest and soak that of tests/interop.
"""
import argparse
import json
import pathlib
import signal
import subprocess
import sys

import report
from serving import (idle, latency, lecture, no_tuning, overload, overload_large, proxies, reload, rest, row, saturation,
                     slow, soak, training, triton)
from serving.bench import ROOT, Bench

FIGURES = {"saturation": saturation, "lecture": lecture, "overload": overload, "overload-large": overload_large,
           "latency": latency, "no-tuning": no_tuning, "reload": reload, "idle": idle, "training": training,
           "triton": triton, "proxies": proxies, "slow": slow, "rest": rest, "soak": soak}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    figures = parser.add_subparsers(dest="figure", metavar="FIGURE", required=True)
    for name, module in FIGURES.items():
        figure = figures.add_parser(name, help=module.__doc__.partition("\n")[0].replace("%", "%%"),
                                    description=module.__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
        figure.add_argument("--duration", type=float, default=5, metavar="SECONDS",
                            help="of each run (default %(default)s)")
        figure.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
        figure.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release", metavar="DIR")
        figure.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build/benchmark", metavar="DIR",
                            help="for networks and repositories")
        figure.add_argument("--json", action="store_true", help="print JSON")
        module.add_arguments(figure)
    return parser.parse_args()


def print_text(result):
    print(report.machine_line())
    for title, table in result.tables.items():
        print(f"\n{title}\n{report.aligned(table)}")
    print(f"\n{report.aligned(row.table(result.rows))}")


def print_json(figure, result):
    rows = [{"figure": one.figure, "target": one.target, "measured": one.measured, "passed": one.passed}
            for one in result.rows]
    tables = {title: [[str(cell) for cell in line] for line in table] for title, table in result.tables.items()}
    print(json.dumps({"machine": report.machine(), "figure": figure, "rows": rows, "tables": tables}, indent=1))


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds, which stops the servers
    arguments.work_dir = arguments.work_dir.resolve()
    try:
        result = FIGURES[arguments.figure].measure(Bench(arguments))
    except (AssertionError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"serving_figures.py: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print_json(arguments.figure, result)
    else:
        print_text(result)
    return 0 if all(one.passed for one in result.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
