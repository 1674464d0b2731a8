"""Load on a server of the Open Inference Protocol, made by `beak bench`."""
import dataclasses
import json
import subprocess

CONNECTIONS = 2


@dataclasses.dataclass(frozen=True)
class Load:
    """What `beak bench` measured of one model."""

    seconds: float
    requests: int
    failed: int
    in_time: int
    per_second: float  # answered with success
    goodput: float     # of these, within their deadline
    p50: float         # of successes, milliseconds; here and below
    p99: float
    errors: dict       # {code: {"count": ..., "message": ..., "latency_ms": {"p50": ..., "p99": ...}}}

    @property
    def outcomes(self):
        """{code: count}, successes that came late included."""
        errors = {code: error["count"] for code, error in self.errors.items()}
        return {"OK": self.requests - self.failed, **errors}

    @classmethod
    def of(cls, figures):
        latency = figures["latency_ms"]
        return cls(figures["seconds"], figures["requests"], figures["failed"], figures["in_time"],
                   figures["requests_per_second"], figures["goodput_per_second"], latency["p50"], latency["p99"],
                   figures["errors"])


class Running:
    """A load under way. A context manager, which ends it where nobody waited for it."""

    def __init__(self, command):
        self._process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def result(self):
        """Waits for the end. All requests may have failed; that the load could not be made is an error."""
        output, diagnostics = self._process.communicate()
        if not output:
            raise RuntimeError(f"beak bench: expected figures, got: {diagnostics.strip()}")
        return Load.of(json.loads(output))


def start(bench, address, model, *, concurrency=None, rate=None, deadline_ms=None, seconds=None, warm_up=1, seed=1,
          connections=CONNECTIONS):
    """A closed loop of `concurrency` requests, or an open one of `rate` a second with Poisson arrivals."""
    command = [bench.beak, "bench", model, f"--server={address}", f"--duration={seconds or bench.seconds}s",
               f"--warm-up={warm_up}s", f"--connections={connections}", "--json"]
    if concurrency:
        command.append(f"--concurrency={concurrency}")
    else:
        command += [f"--rate={rate:.3f}", "--arrival=poisson", f"--seed={seed}"]
    if deadline_ms:
        command.append(f"--deadline-ms={deadline_ms:.3f}")
    return Running(command)


def run(bench, address, model, **options):
    with start(bench, address, model, **options) as load:
        return load.result()


def run_well(bench, address, model, **options):
    """The same where no request may fail."""
    load = run(bench, address, model, **options)
    if load.failed > 0:
        raise RuntimeError(f"{model}: expected no failed request, got {load.failed} of {load.requests}: {load.errors}")
    return load
