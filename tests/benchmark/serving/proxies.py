"""64 gRPC clients through haproxy and nginx to two servers, one killed and one drained in turn: what fails.

Proxies run with the configurations of deploy/proxies. Clients are of two kinds: plain ones, and such as have gRPC repeat what
is UNAVAILABLE, as Beak's own client does. Through haproxy, which asks servers whether they are ready, none may fail when a
server is told to end, and of the plain ones only those that were under way when a server was killed. nginx does not ask: there
the second kind is held to that. Whatever failed must succeed when it is asked again.
"""
import collections
import dataclasses
import time

from serving import row
from serving.bench import Result

MODEL, SHAPE = "lecture", [1, 1, 28, 28]
PROXIES = ("haproxy", "nginx")
KINDS = {False: "plain", True: "repeating"}  # clients


def add_arguments(parser):
    parser.add_argument("--proxies", type=lambda text: text.split(","), default=list(PROXIES),
                        help=f"default {','.join(PROXIES)}")
    parser.add_argument("--clients", type=int, default=64, help="default %(default)s")
    parser.add_argument("--grace", type=float, default=2, metavar="SECONDS", help="--shutdown-grace-secs (default %(default)s)")
    parser.set_defaults(rounds=3, duration=3)


class Replica:
    """A server that can go and come back under its addresses."""

    def __init__(self, bench):
        self._bench, self.addresses, self._server = bench, {}, None
        self.start()

    def start(self):
        ports = {name: address.rsplit(":", 1)[1] for name, address in self.addresses.items()}
        server = self._bench.server(f"--model={MODEL}={self._bench.network(MODEL)}",
                                    f"--shutdown-grace-secs={self._bench.arguments.grace}",
                                    ports=ports)
        self._server = server.__enter__()
        self.addresses = server.addresses

    def kill(self):
        """At once, as a machine that loses its power."""
        server, self._server = self._server, None
        server.kill()

    def drain(self):
        """As an operator ends it; returns when it has gone."""
        server, self._server = self._server, None
        server.__exit__(None, None, None)

    def end(self):
        """However it has gone until then."""
        if self._server is not None:
            self.kill()


def _round(bench, replicas):
    """One server killed, the other drained, with pauses in between: [(what, begin, end)] by time.monotonic()."""
    first, second = replicas
    times = []
    for what, go, replica in (("kill", first.kill, first), ("drain", second.drain, second)):
        time.sleep(bench.seconds)
        begin = time.monotonic()
        go()
        times.append((what, begin, time.monotonic()))
        time.sleep(bench.seconds)
        replica.start()
    return times


def _measure_proxy(bench, name, body, repeating):
    # Not imported with the others: only this figure needs the package.
    from serving.grpc_callers import Callers

    replicas = [Replica(bench), Replica(bench)]
    try:
        with bench.proxy(name, [one.addresses for one in replicas]) as proxy:
            with Callers(proxy.addresses["grpc"], bench.arguments.clients, body, repeating) as callers:
                times = []
                for _ in bench.rounds_of(f"{name}, {KINDS[repeating]}"):
                    times += _round(bench, replicas)
                    replicas.reverse()
                time.sleep(bench.seconds)
    finally:
        for replica in replicas:
            replica.end()
    return Measured(name, repeating, callers.requests, callers.failures, times)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What clients of one kind saw through one proxy."""

    proxy: str
    repeating: bool
    requests: int
    failures: list
    times: list

    def during(self, what):
        """The failed requests that were under way while a server was killed, or drained."""
        spans = [(begin, end) for which, begin, end in self.times if which == what]
        return [one for one in self.failures if any(one.begin <= end and begin <= one.end for begin, end in spans)]

    def at_other_times(self):
        return [one for one in self.failures if one not in self.during("kill") and one not in self.during("drain")]

    def lost(self):
        """Those that failed again when they were asked again."""
        return [one for one in self.failures if not one.recovered]


def _rows(one):
    name, of = f"{one.proxy}, {KINDS[one.repeating]}", f"  (of {one.requests:,})"
    none = lambda figure, failures: row.at_most(f"{name}: {figure}", 0, len(failures), "{:.0f}", of)
    if one.proxy == "nginx" and not one.repeating:
        return
    yield none("failed while a server was drained", one.during("drain"))
    yield none("failed, begun before or after a server was killed", one.at_other_times())
    yield row.at_most(f"{name}: failed again when asked again", 0, len(one.lost()), "{:.0f}",
                      f"  (of {len(one.failures)})")


def _numbers(measured):
    yield ["", "requests", "failed: killed", "drained", "other times"]
    for one in measured:
        yield [f"{one.proxy}, {KINDS[one.repeating]}", f"{one.requests:,}", len(one.during("kill")),
               len(one.during("drain")), len(one.at_other_times())]


def _errors(measured):
    yield ["", "error", "requests"]
    for one in measured:
        for error, count in collections.Counter(failure.error for failure in one.failures).most_common():
            yield [f"{one.proxy}, {KINDS[one.repeating]}", error[:100], count]


def measure(bench):
    from serving.grpc_callers import request

    body = request(MODEL, "input", SHAPE)
    rows, measured = [], []
    for name in bench.arguments.proxies:
        if not bench.has_program(name):
            rows.append(row.not_measured(f"{name}: failed while a server was drained", "<= 0", f"no {name} here"))
            continue
        for repeating in KINDS:
            measured.append(_measure_proxy(bench, name, body, repeating))
            rows += _rows(measured[-1])
    return Result(rows, {"Failed requests": _numbers(measured), "What they said": _errors(measured)})
