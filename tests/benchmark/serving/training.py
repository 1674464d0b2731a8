"""MobileNet v2 at half its capacity, alone and beside a train job of the same server."""
import json
import os
import statistics
import subprocess
import time

from serving import load, row
from serving.bench import ROOT, Result
from serving.repository import Repository, onnx_files

MODEL = "mobilenet2"
LOAD = 0.5           # of capacity
SATURATION = 16      # requests under way
P99_RATIO, P99_EXTRA_MS = 1.2, 5
PATIENCE_SECONDS = 60
# Far more epochs than there is time for; nothing is published.
JOB = """
model: "digits"
network {{ description_file: "{networks}/lecture_cnn.textproto" }}
data {{ training {{ arrays {{
  field {{ name: "image" file: "digits/train-images-idx3-ubyte.gz" }}
  field {{ name: "label" file: "digits/train-labels-idx1-ubyte.gz" classes {{ count: 10 }} }} }} }} }}
input {{ field: "image" scale_range {{}} }}
training {{ epochs: 100000 batch_size: 64 }}
publish {{ when: NEVER }}
"""


def add_arguments(_):
    pass


class Job:
    """A train job of the server. A context manager: entered once it trains, and cancelled at the end."""

    def __init__(self, bench, server):
        self._beak, self._address = bench.beak, server.addresses["grpc"]
        file = bench.work_dir / "training.textproto"
        file.write_text(JOB.format(networks=ROOT / "deploy/demo/networks"), encoding="utf-8")
        self._id = json.loads(self._run("submit", file, "--json"))["id"]

    def _run(self, *arguments):
        command = [self._beak, "train", *arguments, f"--server={self._address}"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def __enter__(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while self.step() == 0:
            if time.monotonic() > end:
                raise RuntimeError(f"train job {self._id}: expected a first step within {PATIENCE_SECONDS} s")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.cancel()

    def cancel(self):
        self._run("cancel", self._id)

    def step(self):
        return int(json.loads(self._run("show", self._id, "--json")).get("progress", {}).get("step", 0))

    def speed(self, wait):
        """Steps a second while `wait` runs, and what that returns."""
        step, begin = self.step(), time.monotonic()
        result = wait()
        return (self.step() - step) / (time.monotonic() - begin), result


def _round(bench, server, rate, seed):
    run = lambda: load.run_well(bench, server.addresses["grpc"], MODEL, rate=rate, seed=seed)
    alone = run()
    with Job(bench, server) as job:
        free, _ = job.speed(lambda: time.sleep(bench.seconds))
        beside, training = job.speed(run)
    return {"alone": alone, "training": training, "free": free, "beside": beside}


def measure(bench):
    repository = Repository(bench, "training")
    repository.publish(MODEL, 1, onnx_files(bench.network(MODEL)))
    state = bench.work_dir / f"training_state_{os.getpid()}"
    state.mkdir(parents=True)
    with bench.server(f"--model-repository={repository.path}", f"--state-dir={state}",
                      f"--data-dir={ROOT / 'deploy/demo'}") as server:
        bench.say("capacity")
        rate = LOAD * load.run_well(bench, server.addresses["grpc"], MODEL, concurrency=SATURATION).per_second
        rounds = [_round(bench, server, rate, number + 1) for number in bench.rounds_of("alone and beside training")]
    middle = lambda value: statistics.median(value(one) for one in rounds)
    alone, training = middle(lambda one: one["alone"].p99), middle(lambda one: one["training"].p99)
    share = middle(lambda one: one["beside"] / one["free"])
    rows = [row.at_most("MobileNet v2 at half its capacity beside a train job: p99, ms",
                        P99_RATIO * alone + P99_EXTRA_MS, training, "{:.1f}", f"  (alone {alone:.1f})"),
            row.at_least("steps a second of the job / without load", 0.2, share, "{:.2f}")]
    table = [["round", "p50 alone, ms", "p99", "p50 beside training", "p99", "steps/s without load", "with"]]
    table += [[number + 1, *(f"{value:.1f}" for value in (one["alone"].p50, one["alone"].p99, one["training"].p50,
                                                          one["training"].p99, one["free"], one["beside"]))]
              for number, one in enumerate(rounds)]
    return Result(rows, {"Rounds": table})
