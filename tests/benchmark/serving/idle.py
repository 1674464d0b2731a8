"""Twenty models loaded and two in use: what the other eighteen cost."""
import statistics
import time

import make_networks
from serving import load, row
from serving.bench import Result
from serving.observe import cpu_seconds, resident_bytes

NETWORK = "mobilenet2"
USED = ("used0", "used1")
CPU_TARGET = 0.005     # of one core, while nothing is asked: what the kernel's clock tick lets one tell from nothing
RATE_TARGET = 0.97     # of the throughput of the two with nothing else loaded: as equal as two runs are
MEMORY_TARGET = 1.1    # of the weights
CONCURRENCY = 8        # of each of the two


def add_arguments(parser):
    parser.add_argument("--loaded", type=int, default=20, help="models in all (default %(default)s)")


def _with(bench, names):
    """CPU share while idle, resident bytes, and requests per second of the two in use, with these models loaded."""
    path = bench.network(NETWORK)
    with bench.server(*(f"--model={name}={path}" for name in names)) as server:
        resident = resident_bytes(server.pid)
        begin = cpu_seconds(server.pid)
        time.sleep(bench.seconds)
        idle = (cpu_seconds(server.pid) - begin) / bench.seconds
        address = server.addresses["grpc"]
        with load.start(bench, address, USED[0], concurrency=CONCURRENCY) as first:
            with load.start(bench, address, USED[1], concurrency=CONCURRENCY) as second:
                rate = first.result().per_second + second.result().per_second
    return {"idle": idle, "resident": resident, "rate": rate}


def measure(bench):
    others = [f"idle{number}" for number in range(bench.arguments.loaded - len(USED))]
    few, many = [], []
    for _ in bench.rounds_of(f"{len(USED)} and {bench.arguments.loaded} models"):
        few.append(_with(bench, USED))
        many.append(_with(bench, [*USED, *others]))
    middle = lambda rounds, key: statistics.median(one[key] for one in rounds)
    weights = 4 * make_networks.NETWORKS[NETWORK][1]
    each = (middle(many, "resident") - middle(few, "resident")) / len(others)
    name = f"{bench.arguments.loaded} models loaded, {len(USED)} in use"
    rows = [row.at_most(f"{name}: CPU while nothing is asked, of a core", CPU_TARGET, middle(many, "idle"), "{:.2%}"),
            row.at_least(f"{name}: throughput / with these {len(USED)} alone", RATE_TARGET,
                         statistics.median(b["rate"] / a["rate"] for a, b in zip(few, many)), "{:.3f}"),
            row.at_most(f"{name}: memory of an idle one / its weights", MEMORY_TARGET, each / weights, "{:.2f}",
                        f"  ({each / 1e6:.1f} of {weights / 1e6:.1f} MB)")]
    table = [["loaded", "idle CPU", "resident MB", "requests/s"]]
    for count, rounds in ((len(USED), few), (bench.arguments.loaded, many)):
        table.append([count, f"{middle(rounds, 'idle'):.2%}", f"{middle(rounds, 'resident') / 1e6:.0f}",
                      f"{middle(rounds, 'rate'):,.1f}"])
    return Result(rows, {"Medians": table})
