"""Triton's own server with ONNX Runtime in its python backend, and perf_analyzer, the load generator from its house.

Both are found in a folder of peers as tritonserver.sh and perf_analyzer.sh, each of which starts the program with its
libraries. Triton loads ONNX files on CPU like this: a model.py, one thread and one instance a core, dynamic batching.
"""
import csv
import os
import pathlib
import signal
import socket
import subprocess
import time

import onnx

from serving.bench import cores
from serving.repository import Repository

MAX_BATCH = 8
WINDOWS = 3  # of which perf_analyzer makes a measurement
START_SECONDS, EXIT_SECONDS, STOP_SECONDS = 120, 10, 20
SHARED_MEMORY = pathlib.Path("/dev/shm")


def _config(path):
    graph = onnx.load(path, load_external_data=False).graph
    dims = lambda value: [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]
    tensor = lambda kind, value: f'{kind} [ {{ name: "{value.name}" data_type: TYPE_FP32 dims: {dims(value)} }} ]\n'
    return (f'backend: "python"\nmax_batch_size: {MAX_BATCH}\ndynamic_batching {{ }}\n'
            f"instance_group [ {{ kind: KIND_CPU count: {cores()} }} ]\n"
            + tensor("input", graph.input[0]) + tensor("output", graph.output[0]))


def _free_port():
    """Triton takes no port 0. Free now, and most likely still when Triton listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TritonServer:
    """A context manager like beak_process.Server: `addresses["grpc"]` once it serves the networks of these names.

    Ends with whatever exit status it likes: `died` tells that it went by itself.
    """

    def __init__(self, bench, peers, *names):
        self._bench, self._names = bench, names
        self._repository = Repository(bench, "triton")
        for name in names:
            path = bench.network(name)
            self._repository.configure(name, _config(path))
            self._repository.publish(name, 1, {"model.onnx": path, "model.py": _model_py()})
        port = _free_port()
        self.addresses = {"grpc": f"127.0.0.1:{port}"}
        self._region = f"beak-benchmark-{os.getpid()}-"
        self._log = bench.work_dir / "tritonserver.log"
        self._command = [peers / "tritonserver.sh", f"--model-repository={self._repository.path}",
                         "--grpc-address=127.0.0.1", f"--grpc-port={port}", "--allow-http=false",
                         "--allow-metrics=false", f"--exit-timeout-secs={EXIT_SECONDS}",
                         f"--backend-config=python,shm-region-prefix-name={self._region}"]

    def __enter__(self):
        with open(self._log, "w") as log:  # a session of its own: the processes of its models end with it
            self._process = subprocess.Popen(list(map(str, self._command)), stdout=log, stderr=log,
                                             start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.died or time.monotonic() > end:
                self._stop()
                raise RuntimeError(f"Triton did not become ready:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self._stop()

    @property
    def died(self):
        return self._process.poll() is not None

    def _ready(self):
        health = [self._bench.beak, "health", f"--server={self.addresses['grpc']}", "--deadline-ms=2000"]
        return subprocess.run(health, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def _stop(self):
        try:
            if not self.died:
                self._process.terminate()
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # itself, or what it left behind
        except ProcessLookupError:
            pass
        self._process.wait()
        for region in SHARED_MEMORY.glob(f"{self._region}*"):  # it leaves them behind when it dies
            region.unlink(missing_ok=True)


def _model_py():
    return pathlib.Path(__file__).with_name("triton_model.py")


def perf_analyzer(bench, peers, address, model, concurrency):
    """A closed loop by perf_analyzer: {"per_second", "p50", "p99"}, milliseconds."""
    report = bench.work_dir / "perf_analyzer.csv"
    report.unlink(missing_ok=True)
    command = [peers / "perf_analyzer.sh", "-m", model, "-u", address, "-i", "grpc", "-a", "-f", report,
               f"--concurrency-range={concurrency}", f"--measurement-interval={int(bench.seconds * 1e3 / WINDOWS)}",
               f"--max-trials={WINDOWS}", "--stability-percentage=999"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not report.exists():
        raise RuntimeError(f"perf_analyzer: expected a report, got: {done.stdout[-2000:]}")
    with open(report, newline="") as lines:
        found = next(csv.DictReader(lines))
    return {"per_second": float(found["Inferences/Second"]), "p50": float(found["p50 latency"]) / 1e3,
            "p99": float(found["p99 latency"]) / 1e3}
