"""The programs under measurement: Beak's and each peer's, all asked in the same way."""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from peers.environment import Environments
from peers.catalogue import PEERS

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_SECONDS = 1800


class Failed(Exception):
    """A program could not do it; str() is one line that says why."""


@dataclasses.dataclass
class Case:
    """One network at one batch size and number of threads, and the values that everyone computes on."""

    network: str
    onnx: pathlib.Path
    x: np.ndarray
    threads: int
    folder: pathlib.Path  # for files of the moment

    @property
    def input_file(self):
        path = self.folder / "input.npy"
        np.save(path, self.x)
        return path


def _run(command, environment=None):
    """What the command prints; Failed with the last that it complained about."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False,
                              timeout=TIMEOUT_SECONDS, env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired:
        raise Failed(f"nothing after {TIMEOUT_SECONDS} seconds") from None
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Failed(f"exit code {done.returncode}: {lines[-1][:200] if lines else 'no word'}")
    return done.stdout


class Beak:
    title = "Beak"

    def __init__(self, bin_dir):
        self.program = bin_dir / "beak-model"

    def measure(self, case, iterations):
        """The figures of `beak-model bench`, loading counted as for the peers: up to the first answer."""
        figures = json.loads(_run([self.program, "bench", case.onnx, f"--batch={len(case.x)}",
                                   f"--threads={case.threads}", f"--iterations={iterations}", "--json"]))
        return {**figures, "load_seconds": figures["load_seconds"] + figures["median_ms"] / 1e3}

    def output(self, case):
        path = case.folder / "beak.npy"
        _run([self.program, "run", case.onnx, f"--threads={case.threads}", f"--input=input={case.input_file}",
              f"--output=output={path}"])
        return np.load(path)


class Runtime:
    """One of PEERS, in the environment that has it."""

    def __init__(self, name, python, converter, work_dir):
        self.name, self.peer = name, PEERS[name]
        self.title = self.peer.title
        self.python, self.converter = python, converter  # interpreters
        self.files = work_dir / "peers" / name

    def prepare(self, case):
        """The file of the case's network, converted unless it is there."""
        if not self.peer.converter:
            return case.onnx
        batch = f".batch{len(case.x)}" if self.peer.each_batch else ""
        path = self.files / f"{case.network}{batch}{self.peer.suffix}"
        if path.exists() and path.stat().st_mtime >= case.onnx.stat().st_mtime:
            return path
        if self.converter is None:
            raise Failed(f"no converter: wants {' and '.join(self.peer.converter)}")
        self.files.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.files) as folder:
            shape = ",".join(map(str, case.x.shape))
            _run([self.converter, "-B", HERE / "convert.py", self.name, case.onnx, f"{folder}/{path.name}", shape,
                  case.x.dtype])
            for part in pathlib.Path(folder).iterdir():
                shutil.move(part, self.files / part.name)
        return path

    def measure(self, case, iterations):
        printed = _run([self.python, "-B", HERE / "runtime.py", self.name, self.prepare(case), case.input_file,
                        self._output_file(case), case.threads, iterations], {"OMP_NUM_THREADS": str(case.threads)})
        return json.loads(printed.splitlines()[-1])

    def output(self, case):
        """What the last measure() left."""
        return np.load(self._output_file(case))

    def _output_file(self, case):
        return case.folder / f"{self.name}.npy"


def installed(names, environment_folders, work_dir):
    """([Runtime], {title: version}, titles of those that are not installed)."""
    environments = Environments(environment_folders)
    found, versions, missing = [], {}, []
    for name in names:
        peer = PEERS[name]
        python = environments.with_packages([*peer.packages, "numpy"])
        if python is None:
            missing.append(peer.title)
            continue
        versions[peer.title] = environments.version(python, peer.packages[0])
        found.append(Runtime(name, python, environments.with_packages(peer.converter), work_dir))
    return found, versions, missing
