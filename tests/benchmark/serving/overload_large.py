"""MobileNet v2, whose requests of 600 KB cost something even when they are refused, offered twice its capacity.

A refused request takes w of the machine's time, one that is answered c: with twice the capacity offered, about as many
are refused as answered, and capacity x (1 - w / c) is left. w is measured with a server that refuses all: ResNet-50
takes a request of the same bytes, and a deadline of half its latency leaves no hope from the beginning, but time enough
for the refusal to reach the client before it gives up by itself.
"""
from serving import load, overload, row
from serving.bench import Result
from serving.observe import Since

MODEL = "mobilenet2"
REFUSER = "resnet50"  # takes the same bytes, computes much longer
HOPELESS = 0.5        # of its latency: the deadline
REFUSED_AT_ONCE = 4   # under way: enough to keep all cores busy, few enough to be quick
PROMPT = 0.8          # of that deadline: a refusal that comes later may be the client's own patience
MOST_RUN = 0.01       # of the requests
FIGURE = "MobileNet v2 at 2 x capacity"


def add_arguments(parser):
    overload.add_arguments(parser)


def refusals_per_second(bench):
    """With all cores busy, or None where the server did not refuse them: (rate or None, why)."""
    with bench.server_of(REFUSER) as server:
        address = server.addresses["grpc"]
        single = load.run_well(bench, address, REFUSER, concurrency=1)
        since = Since(server)
        deadline = HOPELESS * single.p50
        refused = load.run(bench, address, REFUSER, concurrency=REFUSED_AT_ONCE, deadline_ms=deadline)
        ran = since.counter()("beak_batch_rows_count")
    if refused.failed == 0 or ran > MOST_RUN * refused.failed:
        return None, f"of {refused.requests} hopeless requests the server ran {ran:.0f}"
    after = max(error["latency_ms"]["p50"] for error in refused.errors.values())
    if after > PROMPT * deadline:
        return None, f"hopeless requests ended after {after:.1f} ms, their deadline of {deadline:.1f}"
    return refused.failed / refused.seconds, ""


def measure(bench):
    bench.say("a server that refuses all")
    refusals, why = refusals_per_second(bench)
    with bench.server_of(MODEL) as server:
        bench.say("the model alone")
        subjects = [overload.meet(bench, server, MODEL)]
        rounds = [overload.overload(bench, server, subjects) for _ in bench.rounds_of("capacity and overload")]
        late_runs = overload.executed_late(server)
    left = 1 - subjects[0].alone / refusals if refusals else 1
    rows = list(overload.rows(FIGURE, rounds, subjects, late_runs, overload.GOODPUT_TARGET * left))
    if refusals is None:
        rows[0] = row.not_measured(rows[0].figure, "0.95 (1 - w/c)", f"{rows[0].measured}, but w: {why}")
    tables = {"Overload": overload.table(rounds, subjects)}
    if refusals:
        w, c = 1e3 / refusals, 1e3 / subjects[0].alone
        tables["Wire"] = [["refusals /s", "w ms", "c ms", "1 - w/c"],
                          [f"{refusals:,.0f}", f"{w:.2f}", f"{c:.2f}", f"{left:.3f}"]]
    return Result(rows, tables)
