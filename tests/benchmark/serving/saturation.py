"""ResNet-50 saturated through gRPC against the engine alone at its best batch."""
from serving import engine, load, row
from serving.bench import Result, medians

MODEL = "resnet50"
TARGET = 0.95


def add_arguments(parser):
    parser.add_argument("--concurrency", type=int, default=16, help="requests under way (default %(default)s)")
    parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[1, 4, 8],
                        help="that the engine alone is tried with (default 1,4,8)")


def measure(bench):
    bench.say("the engine's best batch")
    way, tried = engine.best_way(bench, MODEL, bench.arguments.batches)
    rounds = []
    for _ in bench.rounds_of("server and engine"):
        with bench.server_of(MODEL) as server:
            served = load.run_well(bench, server.addresses["grpc"], MODEL, concurrency=bench.arguments.concurrency)
        alone = engine.rows_per_second(bench, MODEL, *way)
        rounds.append({"served": served.per_second, "alone": alone, "ratio": served.per_second / alone})
    median = medians(rounds)
    detail = f"  ({median['served']:.1f} of {median['alone']:.1f} rows/s, batch {way[0]} on {way[1]} threads)"
    return Result([row.at_least("ResNet-50 through gRPC / engine alone", TARGET, median["ratio"], detail=detail)],
                  {"The engine alone": tried})
