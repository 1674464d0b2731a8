"""The engine alone, measured by `beak-model bench`: what a server on the same machine can at best hand on."""
import json
import subprocess

from serving.bench import cores

MIN_RUNS = 5


def _command(bench, path, batch, threads, runs):
    return [bench.beak_model, "bench", path, f"--batch={batch}", f"--threads={threads}", f"--iterations={runs}",
            "--json"]


def _figures(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _runs(bench, path, batch, threads):
    """How many take about the time of a measurement."""
    once = _figures(_command(bench, path, batch, threads, MIN_RUNS))["median_ms"]
    return max(MIN_RUNS, int(bench.seconds * 1e3 / once))


def latency_ms(bench, name, threads):
    """Median of a run of one row."""
    path = bench.network(name)
    return _figures(_command(bench, path, 1, threads, _runs(bench, path, 1, threads)))["median_ms"]


def rows_per_second(bench, name, batch, threads):
    """Of as many copies at once, with so many threads each, as there are cores for."""
    path = bench.network(name)
    command = _command(bench, path, batch, threads, _runs(bench, path, batch, threads))
    copies = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(cores() // threads)]
    try:
        return sum(batch * 1e3 / json.loads(copy.communicate()[0])["median_ms"] for copy in copies)
    finally:
        for copy in copies:
            if copy.poll() is None:
                copy.kill()
                copy.wait()


def lane_ms(bench, name):
    """Time of one row on one core while all cores do the same."""
    return cores() * 1e3 / rows_per_second(bench, name, 1, 1)


def ways(batches):
    """The (batch, threads) that use all cores: a copy on each, or one copy on all."""
    return [(batch, threads) for batch in batches for threads in sorted({1, cores()})]


def best_way(bench, name, batches):
    """The fastest of the ways, and a table of all: ((batch, threads), table)."""
    measured = {way: rows_per_second(bench, name, *way) for way in ways(batches)}
    table = [["batch", "threads a copy", "rows/s"]]
    table += [[batch, threads, f"{rate:,.1f}"] for (batch, threads), rate in measured.items()]
    return max(measured, key=measured.get), table
