#!/usr/bin/env python3
"""A real server under load that also trains, a real Prometheus that scrapes it with deploy/prometheus, and every
expression of the rules and of the dashboard: each must have data.

A recording rule, a panel and a variable have data when they have given a number at some second of the run. An alert is
rightly empty as long as it does not fire, so that what it looks at must exist: each selector in its expression must
have series. The server is given what it takes for that: a network that cannot be loaded, full queues, deadlines that
cannot be met, a cache, a train job, and one that fails.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

from prometheus_server import (BIN_DIR, DEPLOY, NO_TRAIN_LIMIT, SELECTOR, SOURCE_DIR, Prometheus, beak_server,
                               dashboard, panels, require)

PATIENCE_SECONDS = 120  # ample: a busy machine
VARIABLES = {"$instance": ".*", "$model": ".*", "$__rate_interval": "10s"}
LABEL_VALUES = re.compile(r"label_values\((.*), *(\w+)\)")
TEXTS = {".json", ".md", ".py", ".sh", ".tpl", ".txt", ".yaml", ".yml"}
METRIC = re.compile(r"(?<![\w:./-])beak_[a-z0-9_]*[a-z0-9](?![\w:/(-]|\.\w)")

JOB = """
model: "digits"
network { description_file: "%s/networks/lecture_cnn.textproto" }
data {
  training { arrays { field { name: "image" file: "digits/train-images-idx3-ubyte.gz" }
                      field { name: "label" file: "digits/train-labels-idx1-ubyte.gz" classes { count: 10 } } } }
  hold_out { fraction: 0.1 }
}
input { field: "image" scale_range {} }
training { epochs: 10 batch_size: 64 optimizer { %s } seed: 5 }
publish { when: ALWAYS }
"""


def expand(expression):
    """What Grafana puts in for its variables."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def make_repository(folder):
    """The demo's network, once as it is and once with a cache, and one that cannot be loaded."""
    mnist, cached, broken = (folder / name for name in ("mnist", "cached", "broken"))
    shutil.copytree(DEPLOY / "demo/models/mnist", mnist)
    shutil.copytree(mnist, cached)
    config = (cached / "config.pbtxt").read_text(encoding="utf-8").replace('"mnist"', '"cached"', 1)
    (cached / "config.pbtxt").write_text(config + "response_cache { enable: true }\n", encoding="utf-8")
    (broken / "1").mkdir(parents=True)
    (broken / "1/model.onnx").write_bytes(b"no network")


class Monitoring(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("models", "state", "prometheus"):
            (folder / name).mkdir()
        make_repository(folder / "models")
        server = beak_server(f"--model-repository={folder / 'models'}", f"--state-dir={folder / 'state'}",
                             f"--data-dir={DEPLOY / 'demo'}", "--repository-poll-secs=0.5", "--queue-rows=16",
                             NO_TRAIN_LIMIT)
        cls.server = server.__enter__()
        cls.addClassCleanup(cls.stop_server)
        cls.target = cls.server.addresses["metrics"]
        cls.begin = time.time()
        cls.prometheus = cls.enterClassContext(Prometheus(folder / "prometheus", cls.target))
        cls.prometheus.wait_for("it has scraped twice", lambda: cls.prometheus.has_data(
            'count_over_time(up{job="beak"}[30s]) >= 2', cls.begin), PATIENCE_SECONDS)
        cls.load()
        cls.train(folder, "kind: ADAM", "succeeded")
        cls.train(folder, "kind: SGD learning_rate: 1e9", "failed")
        # All that was said until now has been scraped, and the rules have seen it.
        seen = f"timestamp(model:beak_requests:rate5m) > {time.time() + 2}"
        cls.prometheus.wait_for("the rules are evaluated", lambda: cls.prometheus.has_data(seen, cls.begin),
                                PATIENCE_SECONDS)

    @classmethod
    def stop_server(cls):
        if cls.server is not None:
            server, cls.server = cls.server, None
            server.__exit__(None, None, None)

    @classmethod
    def beak(cls, *arguments):
        """Whatever it ends with: some of the load is meant to be refused."""
        return subprocess.run([BIN_DIR / "beak", *arguments, f"--server={cls.server.addresses['grpc']}"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS, check=False)

    @classmethod
    def load(cls):
        brief = ["--duration=2s", "--warm-up=0.1s"]
        cls.beak("bench", "mnist", "--concurrency=8", *brief)
        cls.beak("bench", "cached", "--concurrency=2", *brief)
        cls.beak("bench", "mnist", "--concurrency=64", *brief)                     # more than may wait
        cls.beak("bench", "mnist", "--concurrency=12", "--deadline-ms=2", *brief)  # more than can be in time

    @classmethod
    def train(cls, folder, optimizer, expected):
        job = folder / "job.textproto"
        job.write_text(JOB % (DEPLOY / "demo", optimizer), encoding="utf-8")
        said = cls.beak("train", "submit", str(job), "--watch").stdout
        listed = cls.beak("train", "list", f"--state={expected}").stdout
        if listed.count(f" {expected} ") != 1:
            raise AssertionError(f"train job: expected one that has {expected}, got:\n{listed}\n{said}")

    def rules(self, kind):
        groups = self.prometheus.get("rules")["groups"]
        found = [rule for group in groups for rule in group["rules"] if rule["type"] == kind]
        self.assertTrue(found)
        return found

    def test_prometheus_finds_nothing_wrong_with_the_target_and_the_rules(self):
        [target] = self.prometheus.get("targets")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"], target["labels"]["job"]), ("up", "", "beak"))
        for rule in self.rules("recording") + self.rules("alerting"):
            with self.subTest(rule=rule["name"]):
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""))

    def test_recording_rules_have_data(self):
        for rule in self.rules("recording"):
            with self.subTest(rule=rule["name"]):
                self.assertTrue(self.prometheus.has_data(rule["query"], self.begin), rule["query"])
                self.assertTrue(self.prometheus.has_data(rule["name"], self.begin))

    def test_what_alerts_look_at_exists(self):
        for rule in self.rules("alerting"):
            with self.subTest(alert=rule["name"]):
                selectors = [name + (labels or "") for name, labels in SELECTOR.findall(rule["query"])]
                self.assertTrue(selectors)
                for selector in selectors:
                    self.assertTrue(self.prometheus.has_series(selector, self.begin), selector)

    def test_panels_have_data(self):
        for panel in panels(dashboard()):
            self.assertTrue(panel["targets"])
            for target in panel["targets"]:
                expression = expand(target["expr"])
                with self.subTest(panel=panel["title"], expression=expression):
                    self.assertNotIn("$", expression)
                    self.assertTrue(self.prometheus.has_data(expression, self.begin))

    def test_variables_have_values(self):
        wanted = {"instance": {self.target}, "model": {"mnist", "cached", "broken", "digits"}}
        for variable in dashboard()["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = LABEL_VALUES.fullmatch(expand(variable["query"])).groups()
                values = self.prometheus.get(f"label/{label}/values", **{"match[]": selector, "start": self.begin})
                self.assertEqual(set(values), wanted.pop(variable["name"]))
        self.assertEqual(wanted, {})

    def test_every_metric_that_is_named_is_exported(self):
        with urllib.request.urlopen(f"http://{self.target}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        exported = set()
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, flags=re.M):
            exported |= {name, *(name + suffix for suffix in ("_bucket", "_sum", "_count") if kind == "histogram")}
        # Of the model that was trained, until its job had ended.
        exported |= {name for name in self.prometheus.get("label/__name__/values", start=self.begin)
                     if name.startswith("beak_train_")}
        named = {}
        for path in sorted(DEPLOY.rglob("*")):
            if path.suffix in TEXTS and path.is_file():
                for name in METRIC.findall(path.read_text(encoding="utf-8")):
                    named.setdefault(name, path.relative_to(SOURCE_DIR))
        self.assertGreater(len(named), 20)
        self.assertEqual({name: str(path) for name, path in named.items() if name not in exported}, {})

    def test_the_right_alerts_are_firing_or_on_their_way(self):
        alerts = {(alert["labels"]["alertname"], alert["labels"].get("model"))
                  for alert in self.prometheus.get("alerts")["alerts"]}
        self.assertLessEqual({("BeakModelLoadFailed", "broken"), ("BeakModelUnavailable", "broken"),
                              ("BeakTrainJobFailed", None)}, alerts)
        self.assertFalse({name for name, _ in alerts} & {"BeakDown", "BeakAbsent", "BeakNotReady", "BeakExecutedLate"})

    def test_zz_a_server_that_has_ended_is_down(self):  # the last one
        self.stop_server()
        self.prometheus.wait_for("BeakDown is pending", lambda: "BeakDown" in {
            alert["labels"]["alertname"] for alert in self.prometheus.get("alerts")["alerts"]}, PATIENCE_SECONDS)


if __name__ == "__main__":
    require("prometheus")
    unittest.main(verbosity=2)
