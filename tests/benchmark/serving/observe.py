"""What a server says of itself on /metrics, and what the kernel says of its process."""
import os
import pathlib
import re
import urllib.request

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One reading of a server's metrics."""

    def __init__(self, address):
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            matches = map(_SAMPLE.match, answer.read().decode().splitlines())
        self._samples = [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3])) for m in matches if m]

    def samples(self, name, **labels):
        """(labels, value) of the series of that name which have these labels."""
        return [(found, value) for series, found, value in self._samples
                if series == name and labels.items() <= found.items()]

    def total(self, name, **labels):
        """The sum of those series; 0 where there is none yet."""
        return sum(value for _, value in self.samples(name, **labels))

    def value(self, name):
        """The value of the one series of that name. A RuntimeError where there is not one: it is not 0 then."""
        values = [value for _, value in self.samples(name)]
        if len(values) != 1:
            raise RuntimeError(f"metric {name}: expected one series, got {len(values)}")
        return values[0]


class Since:
    """Counters of a server from now on."""

    def __init__(self, server):
        self._address = server.addresses["metrics"]
        self._before = Metrics(self._address)

    def counter(self):
        """A function (name, **labels) that tells how much a counter has grown until this call."""
        after = Metrics(self._address)
        return lambda name, **labels: after.total(name, **labels) - self._before.total(name, **labels)


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid):
    """User and system time of all threads so far, in steps of the kernel's clock tick."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
