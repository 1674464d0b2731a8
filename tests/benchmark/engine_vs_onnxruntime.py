#!/usr/bin/env python3
"""Measures Beak's engine against ONNX Runtime on the same files in the same run, and prints tables with the ratios.

usage: engine_vs_onnxruntime.py [--networks=NAME,...] [--batches=1,8] [--threads=1,2] [--rounds=5] [--seconds=1]
                                [--bin-dir=DIR] [--work-dir=DIR] [--json]

Each round runs `beak-model bench` and then ONNX Runtime, each in a process of its own and for the same number of
iterations, so that both see the same neighbours on the machine; the figures are medians over the rounds, and a ratio is
ONNX Runtime's time over Beak's (1.0 or more: Beak is not slower). The ratio of the fastest runs stands beside it: it
tells a busy machine, which disturbs two threads most of all, from a slow kernel. Both compute in float32 with the same
number of threads. Their outputs are compared as well; the exit code is 1 where they differ.
Packages: requirements.txt beside this file.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import make_networks
import report

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEGABYTE = 1e6
RESIDENT_FACTOR, RESIDENT_EXTRA = 1.5, 60 * MEGABYTE  # the memory target: 1.5 x weights + 60 MB
SPEEDUP_TARGET = 1.7                                  # of two threads over one
RATIO_TARGET = 1.0


def peer(path, batch, threads, iterations):
    """ONNX Runtime on one network: the same keys as `beak-model bench --json`. Runs in a process of its own."""
    resident = lambda: int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import onnxruntime
    before, start = resident(), time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    load = time.perf_counter() - start
    shape = [batch, *session.get_inputs()[0].shape[1:]]
    binding = session.io_binding()  # spares the copies that the convenient call makes
    binding.bind_cpu_input("input", np.random.default_rng(1).random(shape, np.float32))
    binding.bind_output("output")
    session.run_with_iobinding(binding)
    loaded = resident() - before
    times = []
    for _ in range(2 + iterations):
        begin = time.perf_counter()
        session.run_with_iobinding(binding)
        times.append((time.perf_counter() - begin) * 1e3)
    return {"median_ms": statistics.median(times[2:]), "min_ms": min(times[2:]), "load_seconds": load,
            "resident_bytes": loaded}


def summary(runs):
    """One figure a key: the least of the minima, the median of everything else."""
    pick = lambda key: min if key == "min_ms" else statistics.median
    return {key: pick(key)([run[key] for run in runs]) for key in runs[0] if isinstance(runs[0][key], (int, float))}


class Bench:
    """Both sides as commands; `arguments` are the parsed options."""

    def __init__(self, arguments):
        self.beak_model = arguments.bin_dir / "beak-model"
        self.seconds, self.rounds = arguments.seconds, arguments.rounds

    def beak(self, path, batch, threads, iterations):
        command = [self.beak_model, "bench", path, f"--batch={batch}", f"--threads={threads}",
                   f"--iterations={iterations}", "--json"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def onnxruntime(self, path, batch, threads, iterations):
        command = [sys.executable, __file__, "--peer", path, str(batch), str(threads), str(iterations)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def compare(self, path, batch, threads):
        """Medians over the rounds of both sides' figures, as {"beak": {...}, "onnxruntime": {...}}."""
        first = self.onnxruntime(path, batch, threads, 5)["median_ms"] / 1e3
        iterations = int(min(max(self.seconds / first, 5), 20000))
        rounds = {"beak": [], "onnxruntime": []}
        for _ in range(self.rounds):
            rounds["beak"].append(self.beak(path, batch, threads, iterations))
            rounds["onnxruntime"].append(self.onnxruntime(path, batch, threads, iterations))
        return {side: summary(runs) for side, runs in rounds.items()}

    def difference(self, path, batch):
        """Largest |beak - onnxruntime| as a fraction of what is allowed: above 1 they disagree."""
        import onnxruntime
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        x = np.random.default_rng(2).random([batch, *session.get_inputs()[0].shape[1:]], np.float32)
        expected = session.run(None, {"input": x})[0]
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/x.npy", x)
            subprocess.run([self.beak_model, "run", path, f"--input=input={folder}/x.npy",
                            f"--output=output={folder}/y.npy"], check=True, stdout=subprocess.DEVNULL)
            actual = np.load(f"{folder}/y.npy")
        if actual.shape != expected.shape:
            raise SystemExit(f"{path}: expected output shape {expected.shape}, got {actual.shape}")
        allowed = 1e-3 * np.abs(expected) + 1e-5 * np.abs(expected).max()
        return float(np.max(np.abs(actual - expected) / allowed))


def measure(arguments):
    bench = Bench(arguments)
    rows = []
    for name in arguments.networks:
        path = str(make_networks.write(name, arguments.work_dir / "networks"))
        differences = [bench.difference(path, batch) for batch in arguments.batches]
        for batch, difference in zip(arguments.batches, differences):
            for threads in arguments.threads:
                print(f"{name} batch {batch} threads {threads}", file=sys.stderr, flush=True)
                sides = bench.compare(path, batch, threads)
                rows.append({"network": name, "batch": batch, "threads": threads, **sides,
                             "ratio": sides["onnxruntime"]["median_ms"] / sides["beak"]["median_ms"],
                             "ratio_of_minima": sides["onnxruntime"]["min_ms"] / sides["beak"]["min_ms"],
                             "difference": difference, "weight_bytes": make_networks.NETWORKS[name][1] * 4})
    return rows


def find(rows, row, threads):
    """The measurement of the same network and batch with that many threads, or None."""
    wanted = (row["network"], row["batch"], threads)
    return next((other for other in rows if (other["network"], other["batch"], other["threads"]) == wanted), None)


def verdict(good, otherwise="BELOW"):
    return "ok" if good else otherwise


def speed_table(rows):
    yield ["network", "batch", "threads", "Beak ms", "ONNX RT ms", "ratio", f">= {RATIO_TARGET}", "ratio of minima",
           "Beak GFLOP/s", "outputs"]
    for row in rows:
        yield [row["network"], row["batch"], row["threads"], f"{row['beak']['median_ms']:.3f}",
               f"{row['onnxruntime']['median_ms']:.3f}", f"{row['ratio']:.2f}", verdict(row["ratio"] >= RATIO_TARGET),
               f"{row['ratio_of_minima']:.2f}", f"{row['beak']['gflops']:.1f}",
               "agree" if row["difference"] <= 1 else "DIFFER"]


def speedup_table(rows):
    yield ["network", "batch", "Beak 2:1", "ONNX RT 2:1", f"Beak >= {SPEEDUP_TARGET}"]
    for row in (r for r in rows if r["threads"] == 1):
        two = find(rows, row, 2)
        if two:
            beak, other = (row[side]["median_ms"] / two[side]["median_ms"] for side in ("beak", "onnxruntime"))
            yield [row["network"], row["batch"], f"{beak:.2f}", f"{other:.2f}", verdict(beak >= SPEEDUP_TARGET)]


def memory_table(rows):
    yield ["network", "batch", "load s", "ONNX RT load s", "weights MB", "resident MB", "limit MB", "within",
           "ONNX RT MB"]
    for row in (r for r in rows if r["threads"] == 1):
        beak, other = row["beak"], row["onnxruntime"]
        limit = RESIDENT_FACTOR * row["weight_bytes"] + RESIDENT_EXTRA
        megabytes = lambda size: f"{size / MEGABYTE:.0f}"
        yield [row["network"], row["batch"], f"{beak['load_seconds']:.3f}", f"{other['load_seconds']:.3f}",
               f"{row['weight_bytes'] / MEGABYTE:.1f}", megabytes(beak["resident_bytes"]), megabytes(limit),
               verdict(beak["resident_bytes"] <= limit, "OVER"), megabytes(other["resident_bytes"])]


def parse_arguments():
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=lambda text: text.split(","), default=list(make_networks.NETWORKS))
    parser.add_argument("--batches", type=numbers, default=[1, 8])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="per side and round")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build/benchmark")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--peer"]:
        path, *numbers = sys.argv[2:]
        print(json.dumps(peer(path, *map(int, numbers))))
        return 0
    arguments = parse_arguments()
    rows = measure(arguments)
    if arguments.json:
        print(json.dumps({"machine": report.machine(), "rows": rows}, indent=1))
    else:
        print(report.machine_line())
        for title, table in [("Time of a run", speed_table), ("Two threads over one", speedup_table),
                             ("Loading and memory (one thread; ONNX Runtime's without its Python)", memory_table)]:
            print(f"\n{title}\n{report.aligned(table(rows))}")
    return 0 if all(row["difference"] <= 1 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
