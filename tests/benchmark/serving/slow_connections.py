"""Connections that a server has to put up with: idle ones, and such as send a byte now and then.

Runs as a program of its own:
  python -m serving.slow_connections COUNT HOST:PORT PROTOCOL     prints a line when all are there, then holds them
"""
import selectors
import socket
import subprocess
import sys
import time

from serving.http_load import request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes(3) + b"\x04" + bytes(5)  # an empty frame
SECONDS_A_BYTE = 1
# (what is sent at once, what is sent a byte at a time, over and over) of each kind of connection.
_BODY = request("lecture", "input", [1, 1, 28, 28])
KINDS = {"http": [(b"", b""), (b"", _BODY), (_BODY[:_BODY.index(b"\r\n\r\n") + 4], _BODY)],
         "grpc": [(b"", b""), (PREFACE + SETTINGS, b""), (b"", PREFACE)]}


class _Slow:
    """One connection, made anew when the server has had enough of it."""

    def __init__(self, address, kind):
        host, port = address.rsplit(":", 1)
        self._address, self._kind = (host, int(port)), kind
        self._connect()

    def _connect(self):
        self._socket = socket.create_connection(self._address, 10)
        self._socket.sendall(self._kind[0])
        self._socket.setblocking(False)
        self._sent = 0

    def step(self):
        """Another byte. True where the connection had to be made anew."""
        try:
            while self._socket.recv(4096):
                pass
            closed = True
        except BlockingIOError:
            closed = False
        except OSError:
            closed = True
        drop = self._kind[1]
        if not closed and drop:
            try:
                self._socket.send(drop[self._sent % len(drop):][:1])
                self._sent += 1
            except BlockingIOError:
                pass
            except OSError:
                closed = True
        if closed:
            self._socket.close()
            self._connect()
        return closed


def _main(count, address, protocol):
    kinds = KINDS[protocol]
    slow = [_Slow(address, kinds[number % len(kinds)]) for number in range(int(count))]
    print("connected", flush=True)
    input_ended = selectors.DefaultSelector()
    input_ended.register(sys.stdin, selectors.EVENT_READ)
    anew, begin = 0, time.monotonic()
    for second in range(1, 1 << 30):
        # A few at a time, over the whole second.
        for number, one in enumerate(slow):
            due = begin + (second - 1 + number / len(slow)) * SECONDS_A_BYTE
            if input_ended.select(max(0, due - time.monotonic())):
                print(anew, flush=True)
                return
            anew += one.step()


class SlowConnections:
    """A context manager: they are there while it lives; `anew` then tells how many were made again."""

    def __init__(self, bench, count, address, protocol):
        self._command = [sys.executable, "-m", "serving.slow_connections", str(count), address, protocol]
        self._folder = bench.folder

    def __enter__(self):
        self._process = subprocess.Popen(self._command, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        if self._process.stdout.readline() != "connected\n":
            self._process.kill()
            self._process.wait()
            raise RuntimeError("slow connections: expected them to be taken")
        return self

    def __exit__(self, *_):
        output, _ = self._process.communicate()  # the end of its input ends it
        if not output:
            raise RuntimeError("slow connections: expected a number at their end, got none")
        self.anew = int(output)


if __name__ == "__main__":
    _main(*sys.argv[1:])
