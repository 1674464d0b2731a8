"""MobileNet v2 under 60 % load while a new version of it appears every second."""
import statistics
import time

from serving import load, row
from serving.bench import Result
from serving.observe import Metrics, resident_bytes
from serving.repository import Repository, onnx_files

MODEL = "mobilenet2"
LOAD = 0.6            # of capacity
SATURATION = 16       # requests under way
SECONDS_A_VERSION = 1
P99_TARGET = 1.2
MEMORY_TARGET = 1.02
SETTLE_SECONDS = 3    # after the last version was published, for the old one to drain and its memory to go back


def add_arguments(parser):
    parser.add_argument("--reloads", type=int, default=50, help="over all rounds (default %(default)s)")


class Deployment:
    """Publishes one version after the other, withdraws those that were replaced, and notes which the server served."""

    def __init__(self, bench, repository, server, model=MODEL):
        self._files, self._repository, self._server = onnx_files(bench.network(model)), repository, server
        self._model = model
        self._newest = 1
        self._oldest = 1  # that is in the repository
        self.served = {1}

    def publish(self):
        self._newest += 1
        self._repository.publish(self._model, self._newest, self._files)

    def withdraw_replaced(self):
        """Only those that a newer one stands in for already, as an operator would."""
        while self._oldest < max(self.look(), default=0):
            self._repository.withdraw(self._model, self._oldest)
            self._oldest += 1

    def look(self):
        """Notes which versions are ready now."""
        states = Metrics(self._server.addresses["metrics"]).samples("beak_model_version_state",
                                                                    model=self._model, state="ready")
        ready = {int(labels["version"]) for labels, value in states if value == 1}
        self.served |= ready
        return ready

    def roll(self, seconds):
        """A new version every second."""
        begin = time.monotonic()
        for number in range(int(seconds / SECONDS_A_VERSION)):
            self.publish()
            for part in (0.5, 1):
                time.sleep(max(0, begin + (number + part) * SECONDS_A_VERSION - time.monotonic()))
                self.withdraw_replaced()

    def settle(self, patience=30):
        """Waits until the newest version is the only one."""
        end = time.monotonic() + patience
        while self.look() != {self._newest} and time.monotonic() < end:
            time.sleep(0.2)
        self.withdraw_replaced()
        time.sleep(SETTLE_SECONDS)


def _round(bench, server, deployment, rate, seed):
    """p99 without and with reloads, failed requests."""
    address, seconds = server.addresses["grpc"], bench.arguments.reloads / bench.rounds * SECONDS_A_VERSION
    steady = load.run_well(bench, address, MODEL, rate=rate, seed=seed, seconds=bench.seconds)
    with load.start(bench, address, MODEL, rate=rate, seed=seed, seconds=seconds) as running:
        deployment.roll(seconds + 1)  # the load warms up for a second
        reloading = running.result()
    return {"steady": steady, "reloading": reloading, "ratio": reloading.p99 / steady.p99}


def measure(bench):
    repository = Repository(bench, "reload")
    repository.publish(MODEL, 1, onnx_files(bench.network(MODEL)))
    with bench.server(f"--model-repository={repository.path}", "--model-control-mode=poll",
                      "--repository-poll-secs=1") as server:
        address = server.addresses["grpc"]
        deployment = Deployment(bench, repository, server)
        bench.say("capacity")
        rate = LOAD * load.run_well(bench, address, MODEL, concurrency=SATURATION).per_second
        load.run_well(bench, address, MODEL, rate=rate)
        before = resident_bytes(server.pid)
        rounds = [_round(bench, server, deployment, rate, number + 1)
                  for number in bench.rounds_of("steady and reloading")]
        deployment.settle()
        after = resident_bytes(server.pid)
    return _result(bench, rounds, deployment, before, after)


def _result(bench, rounds, deployment, before, after):
    reloading = [one["reloading"] for one in rounds]
    failed, requests = sum(one.failed for one in reloading), sum(one.requests for one in reloading)
    median = lambda key: statistics.median(getattr(one[key], "p99") for one in rounds)
    reloads = len(deployment.served) - 1
    rows = [row.at_least("MobileNet v2 reloaded under 60 % load: versions served", bench.arguments.reloads, reloads,
                         "{:.0f}"),
            row.at_most("failed requests meanwhile", 0, failed, "{:.0f}", f"  (of {requests})"),
            row.at_most("p99 / steady", P99_TARGET, statistics.median(one["ratio"] for one in rounds), "{:.2f}",
                        f"  ({median('reloading'):.1f} of {median('steady'):.1f} ms)"),
            row.at_most(f"resident memory after {reloads} reloads / before", MEMORY_TARGET, after / before, "{:.3f}",
                        f"  ({after / 1e6:.0f} of {before / 1e6:.0f} MB)")]
    table = [["round", "steady p50 ms", "p99", "reloading p50", "p99", "failed"]]
    table += [[number + 1, *(f"{value:.2f}" for value in (one["steady"].p50, one["steady"].p99, one["reloading"].p50,
                                                          one["reloading"].p99)), one["reloading"].failed]
              for number, one in enumerate(rounds)]
    return Result(rows, {"Rounds": table})
