"""One client at a time, and a few at random: how much longer an answer takes than the engine itself with all cores."""
from serving import engine, load, row
from serving.bench import Result, cores, medians

MODELS = ["alphago192", "resnet50"]  # 20 ms and more on one core
P50_TARGET, P99_TARGET, POISSON_P99_TARGET = 1.1, 1.3, 2.1
POISSON_LOAD = 0.1  # of capacity
SATURATION = 8      # requests under way


def add_arguments(parser):
    parser.add_argument("--models", type=lambda text: text.split(","), default=MODELS,
                        help=f"default {','.join(MODELS)}")
    parser.add_argument("--poisson-requests", type=int, default=200,
                        help="a round, at least, for a 99th percentile that means something (default %(default)s)")
    parser.set_defaults(rounds=3)


def _measure_model(bench, model):
    rounds = []
    for number in bench.rounds_of(model):
        alone = engine.latency_ms(bench, model, cores())
        with bench.server_of(model) as server:
            address = server.addresses["grpc"]
            closed = load.run_well(bench, address, model, concurrency=1, connections=1)
            rate = POISSON_LOAD * load.run_well(bench, address, model, concurrency=SATURATION).per_second
            seconds = max(bench.seconds, bench.arguments.poisson_requests / rate)
            poisson = load.run_well(bench, address, model, rate=rate, seconds=seconds, seed=number + 1)
        rounds.append({"engine": alone, "p50": closed.p50, "p99": closed.p99, "rate": rate, "poisson p50": poisson.p50,
                       "poisson p99": poisson.p99, "p50 ratio": closed.p50 / alone, "p99 ratio": closed.p99 / alone,
                       "poisson ratio": poisson.p99 / alone})
    return medians(rounds)


def measure(bench):
    rows, table = [], [["ms", "engine", "p50", "p99", "Poisson rate /s", "p50", "p99"]]
    for model in bench.arguments.models:
        median = _measure_model(bench, model)
        rows += [row.at_most(f"{model}, one client: p50 / engine", P50_TARGET, median["p50 ratio"]),
                 row.at_most(f"{model}, one client: p99 / engine", P99_TARGET, median["p99 ratio"]),
                 row.at_most(f"{model}, Poisson at {POISSON_LOAD:.0%}: p99 / engine", POISSON_P99_TARGET,
                             median["poisson ratio"])]
        keys = ("engine", "p50", "p99", "rate", "poisson p50", "poisson p99")
        table.append([model, *(f"{median[key]:.2f}" for key in keys)])
    return Result(rows, {"Latency": table})
