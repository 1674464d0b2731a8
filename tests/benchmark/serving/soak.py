"""A long time at 70 % of capacity, with reloads, train jobs and cancellations: memory, descriptors, errors.

gRPC has nearly all of the load; REST has what one interpreter can make without being late itself. A new version of the
model appears every few seconds and the one before it is withdrawn; a train job starts, runs and is cancelled, over and
over; some clients cancel calls and hang up. Thirty minutes by hand (--duration=1800), a minute in ctest.
"""
import contextlib
import tempfile
import pathlib
import statistics
import threading
import time

from serving import http_load, load, reload, row, training
from serving.bench import ROOT, Result
from serving.observe import Metrics, resident_bytes
from serving.repository import Repository, onnx_files

MODEL, INPUT, SHAPE = "lecture", "input", [1, 1, 28, 28]
REST_SHARE, REST_RATE = 0.1, 200  # of the load; at most so many a second
SATURATION = 16        # requests under way
CONNECTIONS = 8        # of each protocol
WARM_UP_SECONDS = 10
SETTLED = 0.2          # of the time, after which memory is to be flat
PATIENCE_SECONDS = 30  # for the server to be as it was


def add_arguments(parser):
    parser.add_argument("--load", type=float, default=0.7, help="of capacity (default %(default)s)")
    parser.add_argument("--reload-secs", type=float, default=5, metavar="SECONDS", help="default %(default)s")
    parser.add_argument("--job-secs", type=float, default=10, metavar="SECONDS",
                        help="how long a train job runs, and how long there is none (default %(default)s)")
    parser.add_argument("--memory-ratio", type=float, default=1.03,
                        help="resident memory at the end / when settled, at most (default %(default)s); short runs jitter")
    parser.set_defaults(rounds=1, duration=1800)


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


class Every:
    """Calls a function every so many seconds on a thread of its own, and notes in `failures` what it raises. A context
    manager."""

    def __init__(self, seconds, function, failures):
        self._seconds, self._function, self._failures = seconds, function, failures
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=function.__name__)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(self._seconds):
            try:
                self._function()
            except Exception as failure:  # pylint: disable=broad-except  (told to whoever waits)
                self._failures.append(f"{self._function.__name__}: {failure}")


class Samples:
    """Memory and descriptors of a process over time."""

    def __init__(self, pid):
        self._pid, self._begin, self.values = pid, time.monotonic(), []

    def take(self):
        self.values.append((time.monotonic() - self._begin, resident_bytes(self._pid), descriptors(self._pid)))

    def memory(self, begin, end):
        """The median of a part of the time; 0 is its begin, 1 its end."""
        last = self.values[-1][0]
        return statistics.median(memory for at, memory, _ in self.values if begin * last <= at <= end * last)

    def table(self, lines=12):
        yield ["minute", "resident MB", "descriptors"]
        for at, memory, files in self.values[::max(1, len(self.values) // lines)]:
            yield [f"{at / 60:.1f}", f"{memory / 1e6:.1f}", files]


class Jobs:
    """A train job that is there, then not, then another. They train when the requests leave them a core."""

    def __init__(self, bench, server):
        self._bench, self._server, self._job = bench, server, None
        self.count, self.steps = 0, 0

    def turn(self):
        if self._job is None:
            self._job = training.Job(self._bench, self._server)
            self.count += 1
        else:
            self.end()

    def end(self):
        job, self._job = self._job, None
        if job is not None:
            self.steps += job.step()
            job.cancel()


def _both_loads(bench, server, rate, seconds):
    """Loads of both protocols at the same time: their figures."""
    rest_rate = min(rate * REST_SHARE, REST_RATE)
    with load.start(bench, server.addresses["grpc"], MODEL, rate=rate - rest_rate, seconds=seconds,
                    connections=CONNECTIONS) as grpc_load:
        with http_load.Running(bench, server.addresses["http"], MODEL, INPUT, SHAPE, rate=rest_rate,
                               connections=CONNECTIONS, seconds=seconds) as rest_load:
            return grpc_load.result(), rest_load.result()


def _settled(server, expected):
    """Descriptors when they are as few as before, or when nobody waits for that any longer."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (now := descriptors(server.pid)) > expected and time.monotonic() < end:
        time.sleep(0.2)
    return now


def _soak(bench, server, deployment, rate):
    # Not imported with the others: only this figure needs the package.
    from serving.grpc_callers import request
    from serving.impatient import Impatient

    arguments = bench.arguments
    samples, jobs, failures = Samples(server.pid), Jobs(bench, server), []

    def new_version():
        deployment.publish()
        deployment.withdraw_replaced()

    with contextlib.ExitStack() as stack:
        stack.callback(jobs.end)
        impatient = stack.enter_context(Impatient(server, request(MODEL, INPUT, SHAPE),
                                                  http_load.request(MODEL, INPUT, SHAPE)))
        stack.enter_context(Every(arguments.reload_secs, new_version, failures))
        stack.enter_context(Every(arguments.job_secs, jobs.turn, failures))
        stack.enter_context(Every(max(1, bench.seconds / 200), samples.take, failures))
        loads = _both_loads(bench, server, rate, bench.seconds)
    deployment.settle()
    return samples, jobs, impatient, loads, failures


def measure(bench):
    repository = Repository(bench, "soak")
    repository.publish(MODEL, 1, onnx_files(bench.network(MODEL)))
    bench.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bench.work_dir) as state, \
            bench.server(f"--model-repository={repository.path}", "--repository-poll-secs=0.5", f"--state-dir={state}",
                         f"--data-dir={ROOT / 'deploy/demo'}") as server:
        deployment = reload.Deployment(bench, repository, server, MODEL)
        bench.say("capacity")
        capacity = load.run_well(bench, server.addresses["grpc"], MODEL, concurrency=SATURATION, seconds=5)
        rate = bench.arguments.load * capacity.per_second
        bench.say(f"warming up, then {bench.seconds:.0f} s at {rate:.0f} requests a second")
        with training.Job(bench, server):
            _both_loads(bench, server, rate, WARM_UP_SECONDS)
        before = _settled(server, 0)
        soaked = _soak(bench, server, deployment, rate)
        after = _settled(server, before)
        metrics = Metrics(server.addresses["metrics"])
    return _result(bench, soaked, deployment, metrics, before, after)


def _result(bench, soaked, deployment, metrics, before, after):
    samples, jobs, impatient, loads, failures = soaked
    early, late = samples.memory(SETTLED, 2 * SETTLED), samples.memory(1 - SETTLED, 1)
    none = lambda figure, count, detail="": row.at_most(figure, 0, count, "{:.0f}", detail)
    grpc_load, rest_load = loads
    refused = "; ".join(f"{error['count']} {code}: {error['message']}" for code, error in grpc_load.errors.items())
    rows = [none("gRPC: failed requests", grpc_load.failed, f"  (of {grpc_load.requests:,}) {refused}"),
            none("REST: failed requests", rest_load.failed, f"  (of {rest_load.requests:,}) {rest_load.errors or ''}"),
            none("cancelled, and something else came of it", sum(impatient.unexpected().values()),
                 f"  (of {sum(impatient.outcomes.values()):,}) {impatient.unexpected() or ''}"),
            none("reloads and train jobs that went wrong", len(failures), f"  {failures[:3] or ''}"),
            none("internal errors by the server's count", metrics.total("beak_requests_total", outcome="internal")),
            none("executed late", metrics.value("beak_executed_late_total")),
            row.at_most("resident memory at the end / when settled", bench.arguments.memory_ratio, late / early, "{:.3f}",
                        f"  ({late / 1e6:.1f} of {early / 1e6:.1f} MB)"),
            row.at_most("descriptors after it / before it", before, after, "{:.0f}")]
    table = [["minutes", "versions served", "train jobs", "their steps", *sorted(impatient.outcomes)],
             [f"{bench.seconds / 60:.1f}", len(deployment.served), jobs.count, jobs.steps,
              *(impatient.outcomes[outcome] for outcome in sorted(impatient.outcomes))]]
    latency = [["", "requests", "per second", "p50 ms", "p99 ms"]]
    latency += [[name, f"{one.requests:,}", f"{one.per_second:,.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}"]
                for name, one in (("gRPC", grpc_load), ("REST", rest_load))]
    return Result(rows, {"Over time": samples.table(), "What was done": table, "Latency": latency})
