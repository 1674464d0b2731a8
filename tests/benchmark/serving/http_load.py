"""An open loop of REST requests with binary tensors over connections that are kept, as `beak bench` makes one of gRPC.

Runs as a program of its own, so that what measures does not share an interpreter with what it measures:
  python -m serving.http_load HOST:PORT MODEL INPUT SHAPE RATE CONNECTIONS SECONDS SEED     prints JSON
"""
import asyncio
import collections
import dataclasses
import json
import random
import subprocess
import sys

import numpy as np

PATIENCE_SECONDS = 30  # for one answer
WARM_UP_SECONDS = 1


def request(model, name, shape, **headers):
    """A request of random numbers, answered with raw bytes."""
    tensor = np.random.default_rng(1).random(shape, np.float32).tobytes()
    document = json.dumps({"inputs": [{"name": name, "shape": shape, "datatype": "FP32",
                                       "parameters": {"binary_data_size": len(tensor)}}],
                           "parameters": {"binary_data_output": True}}).encode()
    fields = {"Host": "beak", "Content-Type": "application/octet-stream", "Content-Length": len(document) + len(tensor),
              "Inference-Header-Content-Length": len(document), **headers}
    head = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return f"POST /v2/models/{model}/infer HTTP/1.1\r\n{head}\r\n".encode() + document + tensor


@dataclasses.dataclass(frozen=True)
class HttpLoad:
    """What was measured, with the names of serving.load.Load."""

    requests: int
    failed: int
    per_second: float
    p50: float  # milliseconds from when a request was due; of successes
    p99: float
    errors: dict


class _Connection:
    """One that is kept, and made anew where it has gone."""

    def __init__(self, address):
        self._host, self._port = address.rsplit(":", 1)
        self._streams = None

    async def ask(self, data):
        """The status of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, int(self._port))
        try:
            return await self._exchange(*self._streams, data)
        except BaseException:
            self.close()
            raise

    async def _exchange(self, reader, writer, data):
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self):
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class _Loop:
    def __init__(self, address, data, connections):
        self._data = data
        self._free = asyncio.LifoQueue()
        self._connections = [_Connection(address) for _ in range(connections)]
        for one in self._connections:
            self._free.put_nowait(one)
        self.latencies, self.errors = [], collections.Counter()

    async def run(self, rate, seconds, seed):
        """Requests due at random times, those of the warm-up not counted."""
        clock, arrivals, tasks = asyncio.get_running_loop().time, random.Random(seed), set()
        begin = due = clock()
        while (due := due + arrivals.expovariate(rate)) < begin + WARM_UP_SECONDS + seconds:
            await asyncio.sleep(max(0, due - clock()))
            task = asyncio.create_task(self._ask(clock, due, counts=due >= begin + WARM_UP_SECONDS))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for one in self._connections:
            one.close()

    async def _ask(self, clock, due, counts):
        connection = await self._free.get()
        try:
            status = await asyncio.wait_for(connection.ask(self._data), PATIENCE_SECONDS)
            error = None if status == 200 else str(status)
        except (OSError, EOFError, asyncio.TimeoutError) as failure:
            error = type(failure).__name__
        self._free.put_nowait(connection)
        if counts and error:
            self.errors[error] += 1
        elif counts:
            self.latencies.append(clock() - due)


def _main(address, model, name, shape, rate, connections, seconds, seed):
    async def measure():
        loop = _Loop(address, request(model, name, [int(dim) for dim in shape.split("x")]), int(connections))
        await loop.run(float(rate), float(seconds), int(seed))
        return loop

    loop = asyncio.run(measure())
    failed = sum(loop.errors.values())
    percentile = lambda share: float(np.percentile(loop.latencies, share)) * 1e3 if loop.latencies else float("nan")
    print(json.dumps(dataclasses.asdict(HttpLoad(
        len(loop.latencies) + failed, failed, len(loop.latencies) / float(seconds), percentile(50), percentile(99),
        dict(loop.errors)))))


class Running:
    """A load under way. A context manager, which ends it where nobody waited for it."""

    def __init__(self, bench, address, model, name, shape, *, rate, connections, seconds=None, seed=1):
        command = [sys.executable, "-m", "serving.http_load", address, model, name, "x".join(map(str, shape)), rate,
                   connections, seconds or bench.seconds, seed]
        self._process = subprocess.Popen([str(part) for part in command], cwd=bench.folder, stdout=subprocess.PIPE,
                                         text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def result(self):
        output, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"load over HTTP: expected figures, got exit status {self._process.returncode}")
        return HttpLoad(**json.loads(output))


if __name__ == "__main__":
    _main(*sys.argv[1:])
