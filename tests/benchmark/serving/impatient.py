"""Clients that change their minds: gRPC calls that are cancelled, REST requests whose connection is closed."""
import collections
import random
import socket
import threading
import time

import grpc

from serving.grpc_callers import METHOD

PATIENCE_SECONDS = 30
LONGEST_SECONDS = 0.02  # that they wait: some requests are answered before, some are still in the queue


class Impatient:
    """Both kinds, each at `rate` a second. A context manager; `outcomes` counts what became of them."""

    def __init__(self, server, grpc_body, http_body, rate=20):
        self.outcomes = collections.Counter()
        self._server, self._bodies, self._rate = server, (grpc_body, http_body), rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(kind,), name=kind.__name__)
                         for kind in (self._cancel, self._hang_up)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind):
        try:
            kind()
        except Exception as error:  # pylint: disable=broad-except  # counted, like all that is not expected
            self.outcomes[f"{kind.__name__} ended: {error}"] += 1

    def _waits(self, seed):
        """How long to wait for each answer, for as long as there is to do."""
        chance = random.Random(seed)
        while not self._stop.wait(1 / self._rate):
            yield chance.uniform(0, LONGEST_SECONDS)

    def _cancel(self):
        with grpc.insecure_channel(self._server.addresses["grpc"]) as channel:
            call = channel.unary_unary(METHOD)
            for wait in self._waits(1):
                future = call.future(self._bodies[0], timeout=PATIENCE_SECONDS)
                time.sleep(wait)
                future.cancel()
                self.outcomes[f"cancelled: {future.code().name}"] += 1

    def _hang_up(self):
        host, port = self._server.addresses["http"].rsplit(":", 1)
        for wait in self._waits(2):
            with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as connection:
                connection.sendall(self._bodies[1])
                time.sleep(wait)
                connection.setblocking(False)
                try:
                    answer = connection.recv(12)
                except BlockingIOError:
                    answer = b"none"
            self.outcomes[f"hung up: {answer.decode()}"] += 1

    # What may become of them: the server's own doing, or the client's.
    EXPECTED = {"cancelled: OK", "cancelled: CANCELLED", "hung up: none", "hung up: HTTP/1.1 200"}

    def unexpected(self):
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in self.EXPECTED}
