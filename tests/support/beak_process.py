"""Starts Beak's programs for the tests and benchmarks that are written in Python, and reads files for them.

NumPy is needed by what handles arrays only: tests of programs alone run with any Python.
"""
import gzip
import os
import pathlib
import signal
import struct
import subprocess
import threading

SOURCE_DIR = pathlib.Path(os.environ.get("BEAK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN_DIR = pathlib.Path(os.environ.get("BEAK_BIN_DIR", SOURCE_DIR / "build/release/bin"))
DATA_DIR = pathlib.Path(os.environ.get("BEAK_DATA", SOURCE_DIR / "../shared/data"))
START_SECONDS, STOP_SECONDS = 120, 60  # ample: a server under a sanitizer on a busy machine
NO_TRAIN_LIMIT = f"--train-memory-limit-bytes={1 << 50}"  # sanitizers reserve address space that a limit counts


class Server:
    """A program that prints "NAME ready key=HOST:PORT ..." on stderr and ends with exit code 0 on SIGTERM.

    A context manager; `addresses` holds the fields of that line, `log` all lines so far.
    """

    def __init__(self, *command):
        self.command = [str(part) for part in command]
        self.addresses, self.log = {}, []
        self._ready = threading.Event()

    def __enter__(self):
        self._process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, name="stderr", daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        if not self.addresses:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.command[0]} did not become ready:\n{self.text()}")
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.command[0]} did not stop on SIGTERM:\n{self.text()}") from None
        self._reader.join()
        self._process.stderr.close()
        if code != 0:
            raise AssertionError(f"{self.command[0]}: expected exit code 0 after SIGTERM, got {code}:\n{self.text()}")

    def kill(self):
        """Ends it at once, instead of __exit__."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stderr.close()

    @property
    def pid(self):
        return self._process.pid

    def text(self):
        return "".join(self.log)

    def _read(self):
        name = pathlib.Path(self.command[0]).name
        for line in self._process.stderr:
            self.log.append(line)
            _, found, fields = line.partition(f"{name} ready ")
            if found:
                self.addresses = dict(field.split("=", 1) for field in fields.split() if "=" in field)
                self._ready.set()
        self._ready.set()


def beak_server(*arguments):
    """A server on free ports."""
    return Server(BIN_DIR / "beak-server", "--grpc-port=0", "--http-port=0", "--metrics-port=0", "--shutdown-grace-secs=0",
                  *arguments)


def run_model(path, inputs, outputs, folder):
    """`beak-model run` on arrays: inputs is {name: array}, outputs a list of names; returns {name: array}."""
    import numpy as np
    folder = pathlib.Path(folder)
    command = [BIN_DIR / "beak-model", "run", path]
    for i, (name, values) in enumerate(inputs.items()):
        np.save(folder / f"input_{i}.npy", values)
        command.append(f"--input={name}={folder / f'input_{i}.npy'}")
    command += [f"--output={name}={folder / f'output_{i}.npy'}" for i, name in enumerate(outputs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"beak-model run: expected exit code 0, got {done.returncode}:\n{done.stdout}")
    return {name: np.load(folder / f"output_{i}.npy") for i, name in enumerate(outputs)}


def read_idx(path):
    """The array of a gzipped IDX file (MNIST's format) of unsigned bytes."""
    import numpy as np
    with gzip.open(path, "rb") as file:
        zero, dtype, rank = struct.unpack(">HBB", file.read(4))
        if (zero, dtype) != (0, 8):
            raise ValueError(f"{path}: expected an IDX file of unsigned bytes")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)
