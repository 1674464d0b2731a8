"""Beak's defaults against the best batch size, delay and number of instances that a sweep finds.

The sweep is what an operator of today's servers does: each combination of a largest (and preferred) batch, a queue
delay and a number of lanes under the same closed loop, the fastest wins. Then pairs of runs alternate between the
winner and the defaults.
"""
import dataclasses
import itertools

from serving import load, row
from serving.bench import Result, cores, medians
from serving.repository import Repository, onnx_files

CONCURRENCY = {"lecture": 64, "mobilenet2": 16}
RATE_TARGET = 0.95
EQUAL_P99 = 1.05  # of the winner's: as equal as two runs of the same server are


@dataclasses.dataclass(frozen=True)
class Setting:
    batch: int
    delay_us: int
    lanes: int

    def config(self):
        if self.batch == 1:
            return "max_batch_size: 1\n"
        return (f"max_batch_size: {self.batch}\n"
                f"dynamic_batching {{ preferred_batch_size: [ {self.batch} ] "
                f"max_queue_delay_microseconds: {self.delay_us} }}\n")

    def __str__(self):
        return f"batch {self.batch}, delay {self.delay_us} us, {self.lanes} lanes"


def add_arguments(parser):
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser.add_argument("--models", type=lambda text: text.split(","), default=list(CONCURRENCY),
                        help=f"default {','.join(CONCURRENCY)}")
    parser.add_argument("--batches", type=numbers, default=[1, 4, 8], help="of the sweep (default 1,4,8)")
    parser.add_argument("--delays-us", type=numbers, default=[0, 2000], help="of the sweep (default 0,2000)")
    parser.add_argument("--lanes", type=numbers, default=sorted({1, cores()}),
                        help="of the sweep (default one and all cores)")
    parser.set_defaults(rounds=10, duration=3)


def settings(arguments):
    """The grid; where nothing is batched, nothing waits."""
    grid = itertools.product(arguments.batches, arguments.delays_us, arguments.lanes)
    return list(dict.fromkeys(Setting(batch, delay if batch > 1 else 0, lanes) for batch, delay, lanes in grid))


def _tuned(bench, model, setting):
    repository = Repository(bench, "no_tuning")
    repository.configure(model, setting.config())
    repository.publish(model, 1, onnx_files(bench.network(model)))
    with bench.server(f"--model-repository={repository.path}", f"--threads={setting.lanes}") as server:
        return load.run_well(bench, server.addresses["grpc"], model, concurrency=CONCURRENCY[model])


def _untuned(bench, model):
    with bench.server_of(model) as server:
        return load.run_well(bench, server.addresses["grpc"], model, concurrency=CONCURRENCY[model])


def _measure_model(bench, model):
    swept = {}
    for setting in settings(bench.arguments):
        bench.say(f"{model}: {setting}")
        swept[setting] = _tuned(bench, model, setting)
    best = max(swept, key=lambda setting: swept[setting].per_second)
    pairs = []
    for _ in bench.rounds_of(f"{model}, {best} and defaults"):
        tuned, untuned = _tuned(bench, model, best), _untuned(bench, model)
        pairs.append({"tuned": tuned.per_second, "untuned": untuned.per_second, "tuned p99": tuned.p99,
                      "untuned p99": untuned.p99, "rate ratio": untuned.per_second / tuned.per_second,
                      "p99 ratio": untuned.p99 / tuned.p99})
    return swept, best, medians(pairs)


def _sweep_table(swept):
    yield ["setting", "requests/s", "p50 ms", "p99 ms"]
    for setting, found in swept.items():
        yield [setting, f"{found.per_second:,.1f}", f"{found.p50:.2f}", f"{found.p99:.2f}"]


def measure(bench):
    rows, tables = [], {}
    for model in bench.arguments.models:
        swept, best, median = _measure_model(bench, model)
        rate = f"  ({median['untuned']:,.1f} of {median['tuned']:,.1f}/s: {best})"
        p99 = f"  ({median['untuned p99']:.2f} of {median['tuned p99']:.2f} ms)"
        rows += [row.at_least(f"{model}: defaults / best static, requests per second", RATE_TARGET,
                              median["rate ratio"], "{:.3f}", rate),
                 row.at_most(f"{model}: defaults / best static, p99", EQUAL_P99, median["p99 ratio"], "{:.3f}", p99)]
        tables[f"Sweep of {model}"] = _sweep_table(swept)
    return Result(rows, tables)
