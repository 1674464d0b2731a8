"""The programs under measurement: where they are, and how they are started."""
import dataclasses
import os
import pathlib
import statistics
import sys

import make_networks

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from beak_process import Server  # noqa: E402
from proxy_process import Proxy, program  # noqa: E402


def cores():
    """How many this process, and so the programs it starts, may use."""
    return len(os.sched_getaffinity(0))


def medians(rounds):
    """The median of every number over the rounds, which are dicts of the same keys."""
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


@dataclasses.dataclass
class Result:
    """What a figure's module measured: its rows of the table of targets, and tables of the numbers behind them."""

    rows: list
    tables: dict = dataclasses.field(default_factory=dict)  # {title: table as report.aligned takes it}


class Bench:
    """Programs of a build, and the options that all figures share: `seconds` of one run, `rounds`."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.seconds, self.rounds = arguments.duration, arguments.rounds
        self.work_dir = arguments.work_dir
        self.folder = ROOT / "tests/benchmark"  # where `python -m serving.X` finds the programs of this package
        programs = arguments.build_dir / "bin"
        self.beak, self.beak_model, self.beak_server = (programs / n for n in ("beak", "beak-model", "beak-server"))
        self.echo_server = arguments.build_dir / "benchmark/beak-benchmark-echo"

    def network(self, name):
        return make_networks.write(name, self.work_dir / "networks")

    def server(self, *arguments, ports=None):
        """Beak's server on the loopback, on free ports where `ports` ({"grpc": PORT, ...}) has none: a context manager."""
        chosen = {"grpc": 0, "http": 0, "metrics": 0, **(ports or {})}
        return Server(self.beak_server, *(f"--{name}-port={port}" for name, port in chosen.items()),
                      "--log-level=warning", *arguments)

    def server_of(self, *names):
        """The server with these networks, each under its own name, and nothing configured."""
        return self.server(*(f"--model={name}={self.network(name)}" for name in names))

    def echo(self):
        """The bare gRPC server that sends a request's tensors back: a context manager."""
        return Server(self.echo_server)

    @staticmethod
    def proxy(name, servers):
        """haproxy or nginx before servers, of which `servers` are the addresses: a context manager."""
        return Proxy(name, servers)

    @staticmethod
    def has_program(name):
        return program(name) is not None

    def rounds_of(self, what):
        """The numbers of the rounds, each announced on stderr."""
        for number in range(self.rounds):
            self.say(f"{what}: round {number + 1} of {self.rounds}")
            yield number

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)
