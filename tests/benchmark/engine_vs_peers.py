#!/usr/bin/env python3
"""Measures Beak's engine against other runtimes on the same networks in the same run, and prints tables of ratios.

usage: engine_vs_peers.py [--networks=NAME,...] [--peers=NAME,...] [--batches=1,8] [--threads=1,2] [--rounds=5]
                          [--seconds=0.5] [--environments=DIR,...] [--results=FILE] [--bin-dir=DIR] [--work-dir=DIR]
                          [--json]

The peers are ONNX Runtime, OpenVINO, MNN, ncnn, TF Lite (XNNPACK) and PyTorch, each at its best documented settings for
a CPU, in float32 and with the same number of threads: see peers/runtime.py. What is not installed is left out and said.
Each is looked for in this Python and in the virtual environments that are folders of DIR, by default build;
requirements-peers.txt and requirements-pnnx.txt beside this file say what they want. Networks are converted once, into the work folder.

Each round runs everybody once, in a process of its own and for the same time, starting with another one each round, so
that all see the same neighbours on the machine. A time is the median over the rounds of the rounds' medians. A ratio is
the peer's time over Beak's (1.0 or more: Beak is not slower), taken within each round: its median over the rounds, and
the interval in which that lies with 93 % certainty (of five rounds: from the lowest to the highest). `of minima` is the
ratio of the fastest runs: it tells a busy machine, which disturbs two threads most of all, from a slow kernel. All
outputs are compared with Beak's; who differs is not counted, and the exit code is 1.

With --results what is measured is kept in FILE at once, and not measured again by the next call with it: a long
measurement can be made in pieces, on one machine. The tables are over all that is in FILE.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np

import make_networks
import report
from peers import fma_gain, sides, tables
from peers.catalogue import PEERS, signature

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRST_ITERATIONS, LEAST, MOST = 3, 3, 20000
WORDS = 20_000  # integers are words of kim_cnn


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.beak = sides.Beak(arguments.bin_dir)
        self.peers, self.versions, self.missing = sides.installed(arguments.peers, arguments.environments,
                                                                  arguments.work_dir)

    def cases(self, folder):
        """All that is asked for, one after another."""
        for name in self.arguments.networks:
            path = make_networks.write(name, self.arguments.work_dir / "networks")
            shape, integers = signature(path)
            for batch in self.arguments.batches:
                random = np.random.default_rng(2)
                x = (random.integers(0, WORDS, (batch, *shape)) if integers
                     else random.random((batch, *shape), np.float32))
                for threads in self.arguments.threads:
                    yield sides.Case(name, path, x, threads, folder)

    def first_look(self, case):
        """Of all who can run it: iterations that fill the time, how far outputs are from Beak's; why others fail."""
        iterations, differences, failed = {}, {}, {}
        expected = self.beak.output(case)
        for side in [self.beak, *self.peers]:
            try:
                milliseconds = side.measure(case, FIRST_ITERATIONS)["min_ms"]
            except sides.Failed as failure:
                if side is self.beak:
                    raise  # nothing to compare with
                failed[side.title] = str(failure)
                continue
            iterations[side] = int(min(max(self.arguments.seconds * 1e3 / milliseconds, LEAST), MOST))
            if side is not self.beak:
                differences[side.title] = difference(side.output(case), expected)
        return iterations, differences, failed

    def measure(self, case):
        """A row: {"network", "batch", "threads", "rounds": {title: [figures of a round]}, "difference": {title: ...},
        "failed": {title: reason}, ...}; a difference above 1 is more than is allowed."""
        iterations, differences, failed = self.first_look(case)
        rounds = {side.title: [] for side in iterations}
        order = list(iterations)
        for _ in range(self.arguments.rounds):
            for side in order:
                rounds[side.title].append(side.measure(case, iterations[side]))
            order.append(order.pop(0))
        row = {"network": case.network, "batch": len(case.x), "threads": case.threads, "rounds": rounds,
               "difference": differences, "failed": failed, "machine": report.machine(), "versions": self.versions,
               "weight_bytes": make_networks.NETWORKS[case.network][1] * 4}
        return row if case.threads == 1 else {**row, "machine_gain": fma_gain.gain(case.threads)}


def difference(actual, expected):
    """Largest |actual - expected| as a fraction of what is allowed: above 1 they do not compute the same.

    Enough for Winograd convolutions and approximate functions (MNN's tanh is 1e-3 off); how exact Beak is, other tests
    tell.
    """
    if actual.shape != expected.shape:
        return float("inf")
    allowed = 1e-2 * np.abs(expected) + 1e-3 * np.abs(expected).max()
    return float(np.max(np.abs(actual - expected) / allowed))


def read_results(path):
    """The rows of a file of an earlier call; ValueError where another machine made them."""
    if path is None or not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if any(row["machine"] != report.machine() for row in rows):
        raise ValueError(f"{path}: expected results of this machine, got those of another")
    return rows


def measure(bench, rows):
    """Adds to rows, and to the file of results, what is asked for and not in them. False: Beak failed somewhere."""
    results, good = bench.arguments.results, True
    key = lambda row: (row["network"], row["batch"], row["threads"])
    with tempfile.TemporaryDirectory() as folder:
        for case in bench.cases(pathlib.Path(folder)):
            if any(key(row) == (case.network, len(case.x), case.threads) for row in rows):
                continue
            print(f"{case.network} batch {len(case.x)} threads {case.threads}", file=sys.stderr, flush=True)
            try:
                rows.append(bench.measure(case))
            except sides.Failed as failure:
                print(f"Beak: {failure}", file=sys.stderr, flush=True)
                good = False
                continue
            if results:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    return good


def print_tables(rows, missing):
    order = list(make_networks.NETWORKS)
    rows = sorted(rows, key=lambda row: (row["batch"], row["threads"], order.index(row["network"])))
    versions = {title: version for row in rows for title, version in row["versions"].items()}
    print(report.machine_line())
    print(", ".join(f"{title} {version}" for title, version in versions.items()))
    if missing:
        print(f"not installed: {', '.join(missing)}")
    groups = {}
    for row in rows:
        groups.setdefault((row["batch"], row["threads"]), []).append(row)
    for (batch, threads), group in groups.items():
        show(f"Milliseconds, batch {batch}, threads {threads}", tables.speed(group))
    show("More threads over one", tables.gains(rows))
    first = groups[min(groups)]
    show(f"Seconds from the file to the first answer, batch {first[0]['batch']}, threads {first[0]['threads']}",
         tables.loading(first))
    show("Resident megabytes after it (the peers' without Python)", tables.memory(first))
    for line in tables.failures(rows):
        print(line)


def show(title, table):
    lines = list(table)
    if len(lines) > 1:
        print(f"\n{title}\n{report.aligned(lines)}")


def parse_arguments():
    numbers = lambda text: [int(part) for part in text.split(",")]
    names = lambda text: text.split(",")
    paths = lambda text: [pathlib.Path(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=names, default=list(make_networks.NETWORKS))
    parser.add_argument("--peers", type=names, default=list(PEERS), help=f"of {','.join(PEERS)}; default all")
    parser.add_argument("--batches", type=numbers, default=[1, 8])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="per side and round (default %(default)s)")
    parser.add_argument("--environments", type=paths, default=[ROOT / "build"], metavar="DIR,...")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build/benchmark")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for option, chosen, known in (("networks", arguments.networks, make_networks.NETWORKS),
                                  ("peers", arguments.peers, PEERS)):
        if not set(chosen) <= set(known):
            parser.error(f"--{option}: expected of {', '.join(known)}, got {', '.join(set(chosen) - set(known))}")
    return arguments


def main():
    arguments = parse_arguments()
    bench = Bench(arguments)
    rows = read_results(arguments.results)
    good = measure(bench, rows)
    if arguments.json:
        print(json.dumps({"missing": bench.missing, "rows": rows}, indent=1))
    elif rows:
        print_tables(rows, bench.missing)
    return 0 if good and all(value <= 1 for row in rows for value in row["difference"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
