#!/usr/bin/env python3
"""deploy/docker/compose.yaml mounts what is there, is reached from this machine only, gives the server the time that it
takes to end, and agrees with what Prometheus and Grafana are told. docker-compose, where it is there, agrees as well."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

try:
    import yaml
except ImportError:
    print("skipped: no python3-yaml")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "docker"
FILE = FOLDER / "compose.yaml"
BIN = pathlib.Path(os.environ.get("BEAK_BIN_DIR", ROOT / "build/release/bin"))


class Compose(unittest.TestCase):
    def setUp(self):
        self.compose = yaml.safe_load(FILE.read_text())
        self.services = self.compose["services"]

    def mounts(self):
        """(service, what is mounted, where) of all services."""
        for name, service in self.services.items():
            for volume in service["volumes"]:
                source, target = volume.replace("${MODELS:-../demo/models}", "../demo/models").split(":")[:2]
                yield name, source, target

    def test_what_is_mounted_is_there(self):
        for name, source, _ in self.mounts():
            with self.subTest(service=name, source=source):
                if "/" in source:
                    self.assertTrue((FOLDER / source).exists())
                else:
                    self.assertIn(source, self.compose["volumes"])

    def test_only_this_machine_can_connect(self):
        for name, service in self.services.items():
            for port in service["ports"]:
                with self.subTest(service=name, port=port):
                    self.assertTrue(port.startswith("127.0.0.1:"))

    def test_prometheus_scrapes_the_server(self):
        (targets,) = [target for group in yaml.safe_load((FOLDER / "targets/beak.yml").read_text())
                      for target in group["targets"]]
        service, port = targets.split(":")
        self.assertIn(f"127.0.0.1:{port}:{port}", self.services[service]["ports"])
        configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        files = [file for scrape in configuration["scrape_configs"] for found in scrape["file_sd_configs"]
                 for file in found["files"]]
        self.assertEqual(files, ["targets/*.yml"])
        self.assertEqual(configuration["rule_files"], ["rules/*.yml"])
        self.assertLessEqual({("prometheus", "./targets", "/etc/prometheus/targets"),
                              ("prometheus", "../prometheus/rules", "/etc/prometheus/rules")}, set(self.mounts()))

    def test_grafana_finds_prometheus_and_the_dashboard(self):
        provisioning = ROOT / "deploy/grafana/provisioning"
        (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
        self.assertEqual(source["url"].split("/")[2].split(":")[0] in self.services, True)
        (provider,) = yaml.safe_load((provisioning / "dashboards/beak.yml").read_text())["providers"]
        self.assertIn(("grafana", "../grafana/beak.json", provider["options"]["path"] + "/beak.json"), set(self.mounts()))

    @unittest.skipUnless((BIN / "beak-server").exists(), f"no programs in {BIN}")
    def test_the_server_knows_its_flags_and_has_the_time_to_end(self):
        said = subprocess.run([BIN / "beak-server", "--help"], capture_output=True, text=True, check=True).stdout
        for flag in self.services["beak"]["command"]:
            self.assertIn(flag.split("=")[0] + " ", said)
        defaults = [float(line.split("=")[1]) for line in said.splitlines()
                    if line.strip().startswith(("--shutdown-grace-secs", "--drain-timeout-secs"))]
        self.assertEqual(len(defaults), 2)
        self.assertGreater(float(self.services["beak"]["stop_grace_period"].rstrip("s")), sum(defaults))

    @unittest.skipIf(shutil.which("docker-compose") is None, "no docker-compose")
    def test_compose_understands_it(self):
        done = subprocess.run(["docker-compose", "--file", FILE, "config", "--quiet"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
