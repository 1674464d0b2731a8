"""REST with binary tensors against gRPC: how long one client waits for an answer of the same model.

Both are asked by the stock Triton client of their protocol, one request at a time over one connection, in turns within a
round, so that both see the same neighbours. There is no one client that speaks both; these two are what users have, and
each does with NumPy arrays what the other does. `ghz` and `wrk` know nothing of tensors, and differ more.
"""
import statistics
import time

from serving import row
from serving.bench import Result

# Small requests, which are all protocol, and 600 KB of picture.
MODELS = {"lecture": [1, 1, 28, 28], "mobilenet2": [1, 3, 224, 224]}
INPUT, OUTPUT = "input", "output"
RATIO_TARGET = 1.3
TURN_SECONDS = 0.5


def add_arguments(parser):
    parser.add_argument("--models", type=lambda text: text.split(","), default=list(MODELS),
                        help=f"default {','.join(MODELS)}")


def _caller(client_module, address, model):
    """A function that asks once, and what ends its connection."""
    import numpy as np

    client = client_module.InferenceServerClient(address)
    values = np.random.default_rng(1).random(MODELS[model], np.float32)

    def ask():
        tensor = client_module.InferInput(INPUT, MODELS[model], "FP32")
        tensor.set_data_from_numpy(values)
        return client.infer(model, [tensor]).as_numpy(OUTPUT)

    return ask, client.close


def _turn(ask):
    """Milliseconds of as many requests as there is time for."""
    times, end = [], time.perf_counter() + TURN_SECONDS
    while (begin := time.perf_counter()) < end:
        ask()
        times.append(1e3 * (time.perf_counter() - begin))
    return times


def _round(bench, server, model):
    # Not imported with the others: only this figure needs the packages.
    import tritonclient.grpc
    import tritonclient.http

    clients = {"gRPC": _caller(tritonclient.grpc, server.addresses["grpc"], model),
               "REST": _caller(tritonclient.http, server.addresses["http"], model)}
    times = {name: [] for name in clients}
    for ask, _ in clients.values():
        _turn(ask)
    end = time.monotonic() + bench.seconds
    while time.monotonic() < end:
        for name, (ask, _) in clients.items():
            times[name] += _turn(ask)
    for _, close in clients.values():
        close()
    return times


def measure(bench):
    rows, table = [], [["", "p50 ms, gRPC", "REST", "p99 ms, gRPC", "REST", "requests, gRPC", "REST"]]
    for model in bench.arguments.models:
        with bench.server_of(model) as server:
            rounds = [_round(bench, server, model) for _ in bench.rounds_of(f"{model}: gRPC and REST in turns")]
        median = lambda name: statistics.median(statistics.median(one[name]) for one in rounds)
        p99 = lambda name: statistics.median(statistics.quantiles(one[name], n=100)[98] for one in rounds)
        ratio = statistics.median(statistics.median(one["REST"]) / statistics.median(one["gRPC"]) for one in rounds)
        rows.append(row.at_most(f"{model}: REST binary / gRPC, median latency", RATIO_TARGET, ratio, "{:.2f}",
                                f"  ({median('REST'):.2f} of {median('gRPC'):.2f} ms)"))
        table.append([model, *(f"{of(name):.2f}" for of in (median, p99) for name in ("gRPC", "REST")),
                      *(sum(len(one[name]) for one in rounds) for name in ("gRPC", "REST"))])
    return Result(rows, {"One client, one request at a time": table})
