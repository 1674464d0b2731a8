"""The lecture network's 3 KB requests, many at once, against what transport and engine could do together.

  R         requests per second through beak-server
  R_echo    of a bare gRPC server that sends the tensors back, with the same client: what the transport can do
  R_engine  rows per second of the engine alone on all cores
  limit     1 / (1 / R_echo + 1 / R_engine): transport and engine one after the other, nothing between them
"""
from serving import engine, load, row
from serving.bench import Result, medians

MODEL = "lecture"
TARGET = 0.85


def add_arguments(parser):
    parser.add_argument("--concurrency", type=int, default=64, help="requests under way (default %(default)s)")
    parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[1, 8, 16],
                        help="that the engine alone is tried with (default 1,8,16)")


def measure(bench):
    in_flight = {"concurrency": bench.arguments.concurrency}
    bench.say("the engine's best batch")
    way, tried = engine.best_way(bench, MODEL, bench.arguments.batches)
    rounds = []
    for _ in bench.rounds_of("echo, server and engine"):
        with bench.echo() as server:
            echo = load.run_well(bench, server.addresses["grpc"], MODEL, **in_flight)
        with bench.server_of(MODEL) as server:
            served = load.run_well(bench, server.addresses["grpc"], MODEL, **in_flight)
        alone = engine.rows_per_second(bench, MODEL, *way)
        limit = 1 / (1 / echo.per_second + 1 / alone)
        rounds.append({"R": served.per_second, "R_echo": echo.per_second, "R_engine": alone, "limit": limit,
                       "ratio": served.per_second / limit, "p50": served.p50, "p99": served.p99,
                       "echo_p50": echo.p50, "echo_p99": echo.p99})
    median = medians(rounds)
    figure = f"lecture CNN, {bench.arguments.concurrency} at once: R / limit"
    detail = f"  (R {median['R']:,.0f}/s of {median['limit']:,.0f})"
    return Result([row.at_least(figure, TARGET, median["ratio"], detail=detail)],
                  {"The engine alone": tried, "Requests per second": _table(median)})


def _table(median):
    latency = lambda prefix: f"{median[prefix + 'p50']:.2f} / {median[prefix + 'p99']:.2f}"
    yield ["", "per second", "p50 / p99 ms"]
    yield ["R         beak-server", f"{median['R']:,.0f}", latency("")]
    yield ["R_echo    bare gRPC", f"{median['R_echo']:,.0f}", latency("echo_")]
    yield ["R_engine  engine alone", f"{median['R_engine']:,.0f}", ""]
    yield ["limit     1 / (1 / R_echo + 1 / R_engine)", f"{median['limit']:,.0f}", ""]
