"""Many clients of gRPC at once, each with a connection of its own, which ask again what has failed."""
import dataclasses
import json
import threading
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2

METHOD = "/inference.GRPCInferenceService/ModelInfer"
TRIES = 3
SECONDS = 30  # that a call may take
# What deploy/proxies/nginx.conf tells clients to do.
REPEAT = {"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}]}


@dataclasses.dataclass(frozen=True)
class Failure:
    """A request that failed at its first try."""

    begin: float  # by time.monotonic()
    end: float
    error: str
    recovered: bool  # by a further try


def request(model, name, shape):
    """A ModelInferRequest of random numbers, as bytes."""
    message = service_pb2.ModelInferRequest(model_name=model)
    message.inputs.add(name=name, datatype="FP32", shape=shape)
    message.raw_input_contents.append(np.random.default_rng(1).random(shape, np.float32).tobytes())
    return message.SerializeToString()


class Callers:
    """Closed loops of as many clients. A context manager: they call until its end; read `requests` and `failures` then."""

    def __init__(self, address, count, body, repeating=False):
        """`repeating`: gRPC itself tries a call again, too."""
        self.requests, self.failures = 0, []
        self._address, self._body = address, body
        # Otherwise all channels to one address share a connection.
        self._options = [("grpc.use_local_subchannel_pool", 1)]
        if repeating:
            self._options.append(("grpc.service_config", json.dumps(REPEAT)))
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, name=f"caller {number}") for number in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        requests, failures = 0, []
        with grpc.insecure_channel(self._address, self._options) as channel:
            call = channel.unary_unary(METHOD)
            while not self._stop.is_set():
                requests += 1
                if failure := self._ask(call):
                    failures.append(failure)
        with self._lock:
            self.requests += requests
            self.failures += failures

    def _ask(self, call):
        """One request, asked again where it failed."""
        begin = time.monotonic()
        error = self._try(call)
        if error is None:
            return None
        end = time.monotonic()
        return Failure(begin, end, error, any(self._try(call) is None for _ in range(TRIES - 1)))

    def _try(self, call):
        try:
            call(self._body, timeout=SECONDS)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
        return None
