"""Which Python has which peer: each may be in a virtual environment of its own."""
import json
import pathlib
import subprocess
import sys

# Prints {package: version} of all that the interpreter has.
_LIST = ("import importlib.metadata as m, json, re;"
         "print(json.dumps({re.sub('[-_.]+', '-', d.name).lower(): d.version for d in m.distributions() if d.name}))")


class Environments:
    """This Python, and those of the virtual environments that are in `folders`; the first that fits is taken."""

    def __init__(self, folders):
        found = [path for folder in folders for path in sorted(pathlib.Path(folder).glob("*/bin/python"))]
        self._packages = {}  # {interpreter: {package: version}}
        for python in dict.fromkeys([pathlib.Path(sys.executable), *found]):
            listed = subprocess.run([python, "-c", _LIST], stdout=subprocess.PIPE, text=True, check=False)
            if listed.returncode == 0:
                self._packages[python] = json.loads(listed.stdout)

    def with_packages(self, packages):
        """The interpreter that has all of these, or None."""
        return next((python for python, have in self._packages.items() if set(packages) <= set(have)), None)

    def version(self, python, package):
        return self._packages[python][package]
