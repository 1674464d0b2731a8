#!/usr/bin/env python3
"""Measures what serving costs over computing, on the lecture network with its 3 KB request.

usage: serving_overhead.py [--rounds=5] [--seconds=3] [--in-flight=64] [--channels=2] [--build-dir=DIR] [--work-dir=DIR]
                           [--json]

  R         requests per second through beak-server
  R_echo    of a bare gRPC server that sends the tensors back, with the same client: what the transport can do
  R_engine  runs per second of the engine alone, one single-threaded copy on every core
  limit     1 / (1 / R_echo + 1 / R_engine): transport and engine one after the other, nothing between them

The three are measured in alternating rounds, client and server on the same cores; the figures are medians.
Packages: requirements.txt beside this file.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import make_networks
import report

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from beak_process import Server  # noqa: E402


def load(arguments, server):
    """The figures of `beak bench` on a server."""
    command = [arguments.build_dir / "bin/beak", "bench", "lecture", f"--server={server.addresses['grpc']}",
               f"--concurrency={arguments.in_flight}", f"--connections={arguments.channels}",
               f"--duration={arguments.seconds}s", "--json"]
    figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    if figures["failed"] > 0:
        raise RuntimeError(f"requests failed: {figures['errors']}")
    return {"per_second": figures["requests_per_second"], "p50_ms": figures["latency_ms"]["p50"],
            "p99_ms": figures["latency_ms"]["p99"]}


def engine(arguments, network):
    """Runs per second of one copy a core, all at once."""
    bench = [arguments.build_dir / "bin/beak-model", "bench", network, "--batch=1", "--threads=1", "--json"]
    once = json.loads(subprocess.run(bench, check=True, stdout=subprocess.PIPE, text=True).stdout)["median_ms"]
    command = [*bench, f"--iterations={max(10, int(arguments.seconds * 1e3 / once))}"]
    copies = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in os.sched_getaffinity(0)]
    return sum(1e3 / json.loads(copy.communicate()[0])["median_ms"] for copy in copies)


def measure(arguments):
    network = make_networks.write("lecture", arguments.work_dir / "networks")
    rounds = []
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
        with Server(arguments.build_dir / "benchmark/beak-benchmark-echo") as server:
            echo = load(arguments, server)
        with Server(arguments.build_dir / "bin/beak-server", f"--model=lecture={network}", "--grpc-port=0",
                    "--metrics-port=0", "--shutdown-grace-secs=0") as server:
            served = load(arguments, server)
        rounds.append({"R": served["per_second"], "R_echo": echo["per_second"],
                       "R_engine": engine(arguments, network), "p50_ms": served["p50_ms"], "p99_ms": served["p99_ms"],
                       "echo_p50_ms": echo["p50_ms"], "echo_p99_ms": echo["p99_ms"]})
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    result["limit"] = 1 / (1 / result["R_echo"] + 1 / result["R_engine"])
    result["R_over_limit"] = result["R"] / result["limit"]
    return result


def table(result):
    latency = lambda prefix: f"{result[prefix + 'p50_ms']:.2f} / {result[prefix + 'p99_ms']:.2f}"
    yield ["", "per second", "p50 / p99 ms"]
    yield ["R         beak-server", f"{result['R']:,.0f}", latency("")]
    yield ["R_echo    bare gRPC", f"{result['R_echo']:,.0f}", latency("echo_")]
    yield ["R_engine  engine alone", f"{result['R_engine']:,.0f}", ""]
    yield ["limit     1 / (1 / R_echo + 1 / R_engine)", f"{result['limit']:,.0f}", ""]
    yield ["R / limit", f"{result['R_over_limit']:.2f}", ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build/benchmark")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments)
    if arguments.json:
        print(json.dumps({"machine": report.machine(), "in_flight": arguments.in_flight, **result}, indent=1))
    else:
        print(f"{report.machine_line()}; {arguments.in_flight} requests in flight\n\n{report.aligned(table(result))}")


if __name__ == "__main__":
    main()
