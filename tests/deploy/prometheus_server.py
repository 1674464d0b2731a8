"""A real Prometheus for the tests in this folder."""
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beak_process import BIN_DIR, DATA_DIR, NO_TRAIN_LIMIT, SOURCE_DIR, beak_server  # noqa: E402,F401

DEPLOY = SOURCE_DIR / "deploy"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
START_SECONDS = 60

# A metric of Beak's, or Prometheus' own about a target, and what selects series of it.
SELECTOR = re.compile(r"\b((?:\w+:)?beak_[\w:]+|up)\b(\{[^}]*\})?")


def require(*programs):
    """Ends the test as skipped where one of these is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed (package prometheus)")
            sys.exit(SKIPPED)


def dashboard():
    return json.loads((DEPLOY / "grafana/beak.json").read_text(encoding="utf-8"))


def panels(made):
    """The panels of a dashboard that show something, those of collapsed rows included."""
    for panel in made["panels"]:
        yield from panel.get("panels", []) if panel["type"] == "row" else [panel]


class Prometheus:
    """Debian's Prometheus with the configuration of deploy/prometheus: only the target, and how often, is changed.

    A context manager; keeps its data below `folder`.
    """

    def __init__(self, folder, target):
        self.folder = pathlib.Path(folder)
        shutil.copytree(DEPLOY / "prometheus", self.folder / "config")
        config = self.folder / "config/prometheus.yml"
        text, changed = re.subn(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s",
                                config.read_text(encoding="utf-8"))
        if changed != 2:
            raise AssertionError(f"{config}: expected two intervals, got {changed}")
        config.write_text(text, encoding="utf-8")
        (self.folder / "config/targets/local.yml").write_text(f"- targets: ['{target}']\n", encoding="utf-8")
        self.log, self.address = [], None
        self._listening = threading.Event()

    def __enter__(self):
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/config/prometheus.yml",
             f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0"],
            stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, name="prometheus", daemon=True)
        self._reader.start()
        self._listening.wait(START_SECONDS)
        if not self.address:
            self._process.kill()
            self._process.wait()
            raise AssertionError("prometheus did not listen:\n" + "".join(self.log))
        self.wait_for("it is ready", self._is_ready, START_SECONDS)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stderr.close()

    def _read(self):
        for line in self._process.stderr:
            self.log.append(line)
            if found := re.search(r'[Ll]istening on"? address=(127\.0\.0\.1:[1-9]\d*)', line):
                self.address = found[1]
                self._listening.set()
        self._listening.set()

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        """The data of an answer of its interface; errors say what was asked."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def has_data(self, expression, begin):
        """Whether it has given a number, NaN and infinity not counted, at any second since `begin`."""
        result = self.get("query_range", query=expression, start=begin, end=time.time(), step=1)["result"]
        return any(math.isfinite(float(value)) for series in result for _, value in series["values"])

    def has_series(self, selector, begin):
        return bool(self.get("series", **{"match[]": selector, "start": begin, "end": time.time()}))

    def wait_for(self, what, condition, seconds):
        """Until a condition holds that something else brings about."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"prometheus: after {seconds} s, not yet: {what}")
            time.sleep(0.1)
