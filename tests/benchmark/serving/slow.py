"""A thousand connections, nine hundred of them idle or sending a byte a second: what the other hundred notice.

On each port in turn, alternating with the hundred alone. The slow ones are of three kinds in equal parts: silent; a request's
head (HTTP) or the connection's preface (gRPC) a byte at a time; the head at once and the body a byte at a time (HTTP), the
preface and then nothing (gRPC).
"""
import statistics

from serving import http_load, load, row
from serving.bench import Result
from serving.slow_connections import SlowConnections

MODEL, INPUT, SHAPE = "lecture", "input", [1, 1, 28, 28]
P99_TARGET = 1.5


def add_arguments(parser):
    parser.add_argument("--slow", type=int, default=900, help="slow connections (default %(default)s)")
    parser.add_argument("--busy", type=int, default=100, help="the others (default %(default)s)")
    parser.add_argument("--rate", type=float, default=300, help="requests a second of the others together (default %(default)s)")


def _over_http(bench, server, seed):
    arguments = bench.arguments
    with http_load.Running(bench, server.addresses["http"], MODEL, INPUT, SHAPE, rate=arguments.rate,
                           connections=arguments.busy, seed=seed) as running:
        return running.result()


def _over_grpc(bench, server, seed):
    """`beak bench` takes 64 connections, so there are two of them; the p99 of the worse one."""
    half = bench.arguments.busy // 2
    start = lambda number: load.start(bench, server.addresses["grpc"], MODEL, rate=bench.arguments.rate / 2,
                                      connections=half, seed=2 * seed + number)
    with start(0) as first, start(1) as second:
        return max(first.result(), second.result(), key=lambda one: one.p99)


def _measure_port(bench, protocol, run):
    alone, beside, anew = [], [], 0
    with bench.server_of(MODEL) as server:
        for number in bench.rounds_of(f"{protocol}: alone and beside slow connections"):
            alone.append(run(bench, server, number + 1))
            with SlowConnections(bench, bench.arguments.slow, server.addresses[protocol], protocol) as slow:
                beside.append(run(bench, server, number + 1))
            anew += slow.anew
    return alone, beside, anew


def measure(bench):
    rows, table = [], [["", "p50 alone, ms", "p99", "p50 beside slow ones", "p99", "failed", "made anew"]]
    for protocol, run in (("http", _over_http), ("grpc", _over_grpc)):
        alone, beside, anew = _measure_port(bench, protocol, run)
        middle = lambda rounds, key: statistics.median(getattr(one, key) for one in rounds)
        ratio = statistics.median(after.p99 / before.p99 for before, after in zip(alone, beside))
        failed = sum(one.failed for one in alone + beside)
        name = f"{protocol}, {bench.arguments.slow} slow connections"
        rows += [row.at_most(f"{name}: p99 of {bench.arguments.busy} others / without", P99_TARGET, ratio, "{:.2f}"),
                 row.at_most(f"{name}: failed requests of the others", 0, failed, "{:.0f}")]
        table.append([protocol, *(f"{middle(rounds, key):.2f}" for rounds in (alone, beside) for key in ("p50", "p99")),
                      failed, anew])
    return Result(rows, {"Medians": table})
