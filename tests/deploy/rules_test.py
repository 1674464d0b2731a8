#!/usr/bin/env python3
"""What can be said of deploy/prometheus and deploy/grafana without running them: promtool agrees, each alert is tested
both ways and has its section in the runbook, the dashboard is what its script writes and what Grafana's schema
wants."""
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import unittest

from prometheus_server import DATA_DIR, DEPLOY, dashboard, panels, require

SCHEMAS = DATA_DIR / "k8s/grafana-jsonschema.tar.xz"


def run(*command):
    done = subprocess.run([str(part) for part in command], cwd=DEPLOY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def anchors(markdown):
    """Those that renderers give to the headings of a page."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S), flags=re.M):
        found.add(re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-"))
    return found


class Rules(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.alerts = (DEPLOY / "prometheus/rules/alerts.yml").read_text(encoding="utf-8")
        cls.names = re.findall(r"^ +- alert: (\w+)$", cls.alerts, flags=re.M)
        cls.tests = (DEPLOY / "prometheus/tests/alerts_test.yml").read_text(encoding="utf-8")

    def test_prometheus_takes_the_configuration_and_the_rules(self):
        status, said = run("promtool", "check", "config", "prometheus/prometheus.yml")
        self.assertEqual(status, 0, said)
        self.assertNotIn("FAILED", said)
        self.assertNotIn("WARNING", said)

    def test_rules_do_what_their_tests_say(self):
        files = sorted((DEPLOY / "prometheus/tests").glob("*.yml"))
        self.assertTrue(files)
        status, said = run("promtool", "test", "rules", *files)
        self.assertEqual(status, 0, said)

    def test_each_alert_is_tested_firing_and_not_firing(self):
        self.assertGreater(len(self.names), 10)
        for name in self.names:
            with self.subTest(alert=name):
                self.assertRegex(self.tests, rf"alertname: {name}, eval_time: \w+, exp_alerts: \[\]")
                self.assertRegex(self.tests, rf"alertname: {name}\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels")

    def test_each_alert_links_to_its_section_of_the_runbook(self):
        runbook = (DEPLOY / "README.md").read_text(encoding="utf-8")
        sections = anchors(runbook)
        links = re.findall(r"^ +runbook_url: deploy/README\.md#(\S+)$", self.alerts, flags=re.M)
        self.assertEqual(links, [name.lower() for name in self.names])
        links += re.findall(r"\]\(#([^)]+)\)", runbook)
        self.assertEqual([link for link in links if link not in sections], [])

    def test_each_alert_has_a_severity(self):
        severities = re.findall(r"^ +labels: \{severity: (\w+)\}$", self.alerts, flags=re.M)
        self.assertEqual(len(severities), len(self.names))
        self.assertLessEqual(set(severities), {"critical", "warning"})


class Dashboard(unittest.TestCase):

    def test_is_what_its_script_writes(self):
        status, said = run(sys.executable, "grafana/make_dashboard.py", "--check")
        self.assertEqual(status, 0, said)

    def test_panels_have_ids_descriptions_and_places_of_their_own(self):
        made, taken = dashboard(), set()
        self.assertEqual(len({panel["id"] for panel in made["panels"]}), len(made["panels"]))
        for panel in made["panels"]:
            with self.subTest(panel=panel["title"]):
                self.assertTrue(panel["type"] == "row" or panel["description"])
                place = panel["gridPos"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertLessEqual(place["x"] + place["w"], 24)
                self.assertFalse(cells & taken)
                taken |= cells

    def test_is_found_by_what_is_provisioned(self):
        source = (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
        self.assertIn("type: prometheus\n", source)
        self.assertIn("isDefault: true\n", source)
        self.assertEqual({panel["datasource"]["uid"] for panel in panels(dashboard())}, {"${datasource}"})

    def test_is_what_grafanas_schema_wants(self):
        if not SCHEMAS.is_file():
            self.skipTest(f"{SCHEMAS} is absent")
        try:
            import jsonschema
        except ImportError:
            self.skipTest("no Python package jsonschema")
        schemas = {}
        with tarfile.open(SCHEMAS) as archive:
            for member in archive.getmembers():
                if member.isfile():
                    schemas[pathlib.Path(member.name).name.split(".")[0]] = json.load(archive.extractfile(member))

        def wrong(value, kind, part=None):
            schema = schemas[kind] if part is None else {"definitions": schemas[kind]["definitions"],
                                                         "$ref": f"#/definitions/{part}"}
            return [f"{list(error.absolute_path)}: {error.message}"
                    for error in jsonschema.Draft7Validator(schema).iter_errors(value)]

        made = dashboard()
        self.assertEqual(wrong(made, "dashboard"), [])
        for panel in panels(made):
            with self.subTest(panel=panel["title"]):
                self.assertEqual(wrong(panel["options"], panel["type"], "Options"), [])
                for target in panel["targets"]:
                    self.assertEqual(wrong(target, "prometheus"), [])
                if custom := panel["fieldConfig"]["defaults"].get("custom"):
                    self.assertEqual(wrong(custom, panel["type"], "FieldConfig"), [])


if __name__ == "__main__":
    require("promtool")
    unittest.main(verbosity=2)
