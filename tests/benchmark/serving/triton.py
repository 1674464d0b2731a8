"""Beak and Triton's own server on the same models: perf_analyzer's closed loops, and open ones of twice the capacity.

Each server is offered twice the best rate that it reached itself; the deadline is the same for both, three times what
the slower one takes for a request that is alone, 20 ms at least. Open loops come from `beak bench` and, where it is
among the peers, from ghz.
"""
import os
import pathlib

from serving import ghz, load, overload, row
from serving.bench import Result, medians
from serving.triton_server import TritonServer, perf_analyzer

SMALL, LARGE = "lecture", "mobilenet2"
SMALL_RATE_TARGET = 2.0  # of Triton's best
LARGE_P99_TARGET = 0.5   # of Triton's, at its best rate or more
# Where a refusal costs next to nothing beside an answer, so that nearly all of the capacity can be kept.
GOODPUT_MODELS = ("alphago192", "keyword_spotting")


def add_arguments(parser):
    parser.add_argument("--peers", type=pathlib.Path, default=os.environ.get("BEAK_PEERS"), metavar="DIR",
                        help="with tritonserver.sh, perf_analyzer.sh, bin/ghz (default: BEAK_PEERS)")
    parser.add_argument("--models", type=lambda text: text.split(","), default=[SMALL, LARGE, *GOODPUT_MODELS],
                        help=f"default {','.join((SMALL, LARGE, *GOODPUT_MODELS))}")
    parser.add_argument("--concurrencies", type=lambda text: [int(part) for part in text.split(",")],
                        default=[1, 16, 64], help="default 1,16,64")
    parser.set_defaults(rounds=1)


class Side:
    """One of the two servers under measurement."""

    def __init__(self, bench, name, start):
        self._bench, self.name, self._start = bench, name, start

    def closed(self, model):
        """{concurrency: {"per_second", "p50", "p99"}}"""
        arguments = self._bench.arguments
        with self._start(model) as server:
            address = server.addresses["grpc"]
            return {concurrency: perf_analyzer(self._bench, arguments.peers, address, model, concurrency)
                    for concurrency in arguments.concurrencies}

    def offered(self, model, rate, deadline_ms):
        """{generator: (its figures of an open loop, whether the server died of it)}, each with a fresh server."""
        program = self._bench.arguments.peers / "bin/ghz"
        generators = {"beak bench": lambda address: load.run(self._bench, address, model, rate=rate,
                                                             deadline_ms=deadline_ms)}
        if program.exists():
            generators["ghz"] = lambda address: ghz.run(self._bench, program, address, model, rate, deadline_ms)
        found = {}
        for name, generate in generators.items():
            with self._start(model) as server:
                found[name] = generate(server.addresses["grpc"]), getattr(server, "died", False)
        return found


def best(closed):
    """The concurrency with the highest rate."""
    return max(closed, key=lambda concurrency: closed[concurrency]["per_second"])


def _measure_model(bench, sides, model):
    rounds = {side: [] for side in sides}
    for _ in bench.rounds_of(f"{model}, closed loops"):
        for side in sides:
            rounds[side].append(side.closed(model))
    closed = {side: {concurrency: medians([one[concurrency] for one in found]) for concurrency in found[0]}
              for side, found in rounds.items()}
    single = max(found[min(found)]["p50"] for found in closed.values())
    deadline = max(overload.DEADLINE_OF_SINGLE * single, overload.LEAST_DEADLINE_MS)
    bench.say(f"{model}, open loops")
    opened = {side: side.offered(model, overload.OVERLOAD * found[best(found)]["per_second"], deadline)
              for side, found in closed.items()}
    return closed, opened, deadline


def _rows(model, beak, triton, goodput):
    top, at = triton[best(triton)], best(triton)
    fastest = beak[best(beak)]
    if model == LARGE:
        # Beak's p99 counts where it has Triton's best rate, with as few clients as that takes.
        able = [found for _, found in sorted(beak.items()) if found["per_second"] >= top["per_second"]]
        figure = f"{model}: p99 / Triton's at its best rate"
        if able:
            yield row.at_most(figure, LARGE_P99_TARGET, able[0]["p99"] / top["p99"], "{:.2f}",
                              f"  ({able[0]['p99']:.1f} of {top['p99']:.1f} ms at {at})")
        else:
            yield row.Row(figure, f"<= {LARGE_P99_TARGET}", f"rate not reached: {fastest['per_second']:,.1f} of "
                          f"{top['per_second']:,.1f}/s", False)
    else:
        limit = SMALL_RATE_TARGET if model == SMALL else 1.0
        yield row.at_least(f"{model}: requests per second / Triton's best", limit,
                           fastest["per_second"] / top["per_second"], "{:.2f}",
                           f"  ({fastest['per_second']:,.0f} of {top['per_second']:,.0f})")
    if model in GOODPUT_MODELS:
        yield row.at_least(f"{model}: goodput at 2 x capacity / capacity", overload.GOODPUT_TARGET,
                           goodput / fastest["per_second"], "{:.3f}")


def _closed_table(closed):
    yield ["server", "clients", "requests/s", "p50 ms", "p99 ms"]
    for side, found in closed.items():
        for concurrency, one in found.items():
            yield [side.name, concurrency, f"{one['per_second']:,.1f}", f"{one['p50']:.2f}", f"{one['p99']:.2f}"]


def _opened_table(closed, opened):
    yield ["server", "capacity /s", "load by", "requests", "in time", "goodput /s", "goodput / capacity", "outcomes", ""]
    for side, loads in opened.items():
        capacity = closed[side][best(closed[side])]["per_second"]
        for generator, (found, died) in loads.items():
            yield [side.name, f"{capacity:,.1f}", generator, f"{found.requests:,}", f"{found.in_time:,}",
                   f"{found.goodput:,.1f}", f"{found.goodput / capacity:.3f}", _text(found.outcomes),
                   "died" if died else ""]


def _text(outcomes):
    """What became of requests, the most frequent first: a zero says more with the reason for it."""
    return ", ".join(f"{code} {count:,}" for code, count in sorted(outcomes.items(), key=lambda one: -one[1]) if count)


def measure(bench):
    peers = bench.arguments.peers
    if peers is None:
        raise SystemExit("serving_figures.py triton: --peers or BEAK_PEERS is required")
    bench.arguments.peers = pathlib.Path(peers).resolve()
    triton = Side(bench, "Triton", lambda model: TritonServer(bench, bench.arguments.peers, model))
    beak = Side(bench, "Beak", bench.server_of)
    rows, tables = [], {}
    for model in bench.arguments.models:
        closed, opened, deadline = _measure_model(bench, (triton, beak), model)
        rows += _rows(model, closed[beak], closed[triton], opened[beak]["beak bench"][0].goodput)
        tables[f"{model}, closed loops"] = _closed_table(closed)
        tables[f"{model}, twice the capacity, deadline {deadline:.0f} ms"] = _opened_table(closed, opened)
    return Result(rows, tables)
