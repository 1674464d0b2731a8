"""Models offered together twice what the server can do, with deadlines: what is still answered in time.

Models of different cost are added up by their share of the machine: a model that answers x requests a second, and c
when it is alone, uses x / c of it. Capacity is that sum while all models are saturated in closed loops; then each is
offered, in an open loop, its equal part of twice the capacity.
"""
import contextlib
import dataclasses
import statistics

from serving import engine, load, row
from serving.bench import Result
from serving.observe import Metrics, Since

MODELS = ("alphago192", "keyword_spotting")
OVERLOAD = 2
GOODPUT_TARGET = 0.95
LATE_ANSWERS_TARGET = 1e-3
REFUSAL_TARGET_MS = 5     # after it has become hopeless
LEAST_DEADLINE_MS = 20
DEADLINE_OF_SINGLE = 3    # times the latency of a request that is alone


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model as it is when it has the server to itself."""

    model: str
    alone: float        # requests per second, saturated
    deadline_ms: float
    lane_ms: float      # what a request costs at least while the server is busy

    def hopeless_after_ms(self):
        return max(0, self.deadline_ms - self.lane_ms)


@dataclasses.dataclass(frozen=True)
class Round:
    capacity: float       # in shares of the machine
    goodput: float
    answered: float       # by the server's own count
    answered_late: float
    loads: list           # of each subject, under overload


def add_arguments(parser):
    parser.add_argument("--concurrency", type=int, default=16,
                        help="requests of each model under way to saturate it (default %(default)s)")


def meet(bench, server, model):
    """Measures the model alone."""
    address = server.addresses["grpc"]
    single = load.run_well(bench, address, model, concurrency=1)
    alone = load.run_well(bench, address, model, concurrency=bench.arguments.concurrency)
    deadline = max(DEADLINE_OF_SINGLE * single.p50, LEAST_DEADLINE_MS)
    return Subject(model, alone.per_second, deadline, engine.lane_ms(bench, model))


def _together(bench, server, subjects, options_of):
    """Loads all subjects at once; the figures of each."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(load.start(bench, server.addresses["grpc"], one.model, seed=number + 1,
                                                  **options_of(one))) for number, one in enumerate(subjects)]
        return [one.result() for one in running]


def overload(bench, server, subjects):
    """One round: the capacity of the mix, and then its goodput when it is offered twice that."""
    share = lambda rates: sum(rate / one.alone for rate, one in zip(rates, subjects))
    saturated = _together(bench, server, subjects, lambda _: {"concurrency": bench.arguments.concurrency})
    capacity = share(one.per_second for one in saturated)
    part = OVERLOAD * capacity / len(subjects)
    since = Since(server)
    loads = _together(bench, server, subjects,
                      lambda one: {"rate": part * one.alone, "deadline_ms": one.deadline_ms})
    grown = since.counter()
    return Round(capacity, share(one.goodput for one in loads), grown("beak_requests_total", outcome="ok"),
                 grown("beak_deadline_misses_total", place="answer"), loads)


def executed_late(server):
    """Since the server started."""
    return Metrics(server.addresses["metrics"]).value("beak_executed_late_total")


def rows(name, rounds, subjects, late_runs, goodput_limit=GOODPUT_TARGET):
    """The rows of the table: goodput, lateness, refusals."""
    ratio = statistics.median(one.goodput / one.capacity for one in rounds)
    yield row.at_least(f"{name}: goodput / capacity", goodput_limit, ratio, "{:.3f}")
    yield row.at_most(f"{name}: executed late", 0, late_runs, "{:.0f}")
    answered, late = (sum(getattr(one, key) for one in rounds) for key in ("answered", "answered_late"))
    yield row.at_most(f"{name}: answered late by the server's clock", LATE_ANSWERS_TARGET, late / max(answered, 1),
                      "{:.3%}", f"  ({late:.0f} of {answered:.0f})")
    for number, subject in enumerate(subjects):
        yield _refusals(name, subject, [one.loads[number] for one in rounds])


def _refusals(name, subject, loads):
    figure = f"{name}: {subject.model} refused, ms after hopeless (p99)"
    late = [max(error["latency_ms"]["p99"] for error in one.errors.values()) - subject.hopeless_after_ms()
            for one in loads if one.errors]
    if not late:
        return row.not_measured(figure, f"<= {REFUSAL_TARGET_MS:.1f}", "nothing was refused")
    return row.at_most(figure, REFUSAL_TARGET_MS, statistics.median(late), "{:.1f}",
                       f"  (hopeless after {subject.hopeless_after_ms():.1f})")


def table(rounds, subjects):
    yield ["model", "alone /s", "deadline ms", "a lane ms", "offered /s", "in time /s", "p50 ms", "p99 ms",
           "refused after ms (p50)"]
    for number, subject in enumerate(subjects):
        loads = [one.loads[number] for one in rounds]
        middle = lambda key: statistics.median(getattr(one, key) for one in loads)
        refused = [error["latency_ms"]["p50"] for one in loads for error in one.errors.values()]
        offered = statistics.median(one.requests / one.seconds for one in loads)
        yield [subject.model, f"{subject.alone:,.1f}", f"{subject.deadline_ms:.1f}", f"{subject.lane_ms:.2f}",
               f"{offered:,.1f}", f"{middle('goodput'):,.1f}", f"{middle('p50'):.1f}", f"{middle('p99'):.1f}",
               f"{statistics.median(refused):.1f}" if refused else "none"]


def measure(bench):
    with bench.server_of(*MODELS) as server:
        bench.say("each model alone")
        subjects = [meet(bench, server, model) for model in MODELS]
        rounds = [overload(bench, server, subjects) for _ in bench.rounds_of("capacity and overload")]
        late_runs = executed_late(server)
    return Result(list(rows("two models at 2 x capacity", rounds, subjects, late_runs)),
                  {"Overload": table(rounds, subjects)})
