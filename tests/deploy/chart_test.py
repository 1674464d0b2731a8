#!/usr/bin/env python3
"""What is deployed to Kubernetes (rendered examples of the chart, deploy/kubernetes, deploy/kserve) is valid, hardened, and
says what the programs understand. Skipped (77) where kubeconform and the schemas cannot be had, once the rest has passed."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import chart
import kube_tools

try:
    import yaml
except ImportError:
    print("skipped: no python3-yaml")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beak_process import BIN_DIR as BIN  # noqa: E402
from beak_process import Server  # noqa: E402
from secrets_for_tests import make_certificate, make_token  # noqa: E402

ADAPTER = chart.ROOT / "deploy/kubernetes/prometheus-adapter.yaml"


def rendered_files():
    return [chart.rendered(example) for example in chart.examples()]


def documents():
    """(file, document) of all that is deployed."""
    for path in [*rendered_files(), *chart.MANIFESTS]:
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def pod_of(document):
    """The PodSpec in a document, or what KServe makes one of, or None."""
    spec = document.get("spec", {})
    if document["kind"] in ("Pod", "ClusterServingRuntime"):
        return spec
    return spec.get("template", {}).get("spec") if document["kind"] in ("Deployment", "Job") else None


def pods():
    return [(path, document, pod_of(document)) for path, document in documents() if pod_of(document)]


def flags_of(container):
    """{flag: value} of a container's arguments; "" where there is no value."""
    return dict((*flag.split("=", 1), "")[:2] for flag in container["args"])


def beak_containers():
    """(file, container) of all that run a program of Beak."""
    return [(path, container) for path, _, pod in pods() for container in pod["containers"]]


class Valid(unittest.TestCase):
    """Against the schemas of Kubernetes, the Prometheus Operator and KServe."""

    @classmethod
    def setUpClass(cls):
        try:
            kube_tools.kubeconform()
            kube_tools.schemas()
        except kube_tools.Unavailable as error:
            raise unittest.SkipTest(str(error))

    def test_everything_is_valid(self):
        for path in [*rendered_files(), *chart.MANIFESTS]:
            with self.subTest(path.name):
                good, said = chart.validate(path.read_text())
                self.assertTrue(good, said)

    def test_a_field_that_nobody_knows_is_refused_in_every_kind(self):
        for kind, document in {document["kind"]: document for _, document in documents()}.items():
            with self.subTest(kind):
                where = document.get("spec") if isinstance(document.get("spec"), dict) else document
                where["nobodyKnowsThis"] = 1
                good, said = chart.validate(yaml.safe_dump(document))
                self.assertFalse(good)
                self.assertIn("nobodyKnowsThis", said)

    def test_a_wrong_type_is_refused(self):
        for path, document, pod in pods():
            with self.subTest(path.name):
                pod["containers"][0]["ports"] = "8001"
                good, _ = chart.validate(yaml.safe_dump(document))
                self.assertFalse(good)


class Content(unittest.TestCase):
    def test_rendered_files_are_of_this_chart(self):
        for example in chart.examples():
            with self.subTest(example.name):
                self.assertTrue(chart.rendered(example).read_text().startswith(chart.head(example)),
                                "stale: tests/deploy/kube_tools.py, then chart_rendering_test.py --update, makes it anew")

    def test_every_rendered_file_has_its_example(self):
        self.assertEqual(sorted((chart.HELM / "rendered").iterdir()), sorted(rendered_files()))

    def test_every_container_is_hardened_and_limited(self):
        self.assertGreater(len(pods()), 5)
        for path, document, pod in pods():
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                with self.subTest(path.name, kind=document["kind"], container=container["name"]):
                    security = {**pod.get("securityContext", {}), **container["securityContext"]}
                    self.assertIs(security["runAsNonRoot"], True)
                    self.assertGreaterEqual(security["runAsUser"], 10000)
                    self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertIs(security["allowPrivilegeEscalation"], False)
                    self.assertIs(security["readOnlyRootFilesystem"], True)
                    self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                    self.assertLessEqual({"cpu", "memory"}, set(container["resources"]["limits"]))

    def test_a_pod_has_the_time_that_its_server_takes_to_end(self):
        deployments = [pod for _, document, pod in pods() if document["kind"] == "Deployment"]
        self.assertGreaterEqual(len(deployments), 3)
        for pod in deployments:
            container = pod["containers"][0]
            flags = flags_of(container)
            takes = (container["lifecycle"]["preStop"]["sleep"]["seconds"] + float(flags["--shutdown-grace-secs"]) +
                     float(flags["--drain-timeout-secs"]))
            self.assertGreater(pod["terminationGracePeriodSeconds"], takes)

    def test_ports_are_those_that_the_server_is_told(self):
        for path, container in beak_containers():
            if container["command"] != ["/usr/bin/beak-server"]:
                continue
            with self.subTest(path.name):
                flags = flags_of(container)
                told = {name: int(flags[f"--{name}-port"]) for name in ("grpc", "http", "metrics")}
                for port in container.get("ports", []):
                    self.assertEqual(port["containerPort"], told[port["name"]])
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    if "grpc" in container.get(probe, {}):
                        self.assertEqual(container[probe]["grpc"]["port"], told["grpc"])

    def test_kserve_sends_requests_where_the_server_listens(self):
        (runtime,) = [container for path, container in beak_containers() if path.parent.name == "kserve"]
        flags = flags_of(runtime)
        services = [document["spec"]["predictor"]["model"] for _, document in documents()
                    if document["kind"] == "InferenceService"]
        self.assertEqual({one["protocolVersion"] for one in services}, {"v2", "grpc-v2"})
        for one in services:
            # Where no port is named, KServe takes 8080.
            (port,) = [port["containerPort"] for port in one.get("ports", [{"containerPort": 8080}])]
            self.assertEqual(port, int(flags["--http-port" if one["protocolVersion"] == "v2" else "--grpc-port"]))

    def test_who_is_reached_from_outside_is_protected_or_said_not_to_be(self):
        """With TLS or tokens there are no native probes: the kubelet has neither a certificate nor a token."""
        servers = [container for _, container in beak_containers() if container["command"] == ["/usr/bin/beak-server"]]
        self.assertEqual({("--tls-cert" in flags_of(one)) for one in servers}, {True, False})
        for container in servers:
            flags = flags_of(container)
            self.assertNotEqual("--tls-cert" in flags, "--allow-insecure" in flags)
            secured = bool({"--tls-cert", "--token-file"} & set(flags))
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe in container:
                    self.assertNotEqual(secured, "grpc" in container[probe])

    def test_rules_of_the_adapter_are_promql(self):
        if shutil.which("promtool") is None:
            self.skipTest("no promtool")
        rules = yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]
        expressions = []
        for rule in rules:
            series = rule["seriesQuery"].split("{")[0]
            expressions += [rule["seriesQuery"], rule["metricsQuery"].replace("<<.Series>>", series).replace(
                "<<.LabelMatchers>>", 'namespace="beak",pod=~"a|b"').replace("<<.GroupBy>>", "pod")]
        group = {"groups": [{"name": "adapter", "rules": [{"record": "x", "labels": {"n": str(n)}, "expr": expression}
                                                          for n, expression in enumerate(expressions)]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(group, file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_autoscaling_asks_for_is_what_the_adapter_gives(self):
        values = yaml.safe_load((chart.CHART / "values.yaml").read_text())["autoscaling"]
        rules = yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]
        given = {rule.get("name", {}).get("as", rule["seriesQuery"].split("{")[0]) for rule in rules}
        self.assertEqual({values["load"]["metric"], values["queue"]["metric"]}, given)


@unittest.skipUnless((BIN / "beak-server").exists(), f"no programs in {BIN}")
class Programs(unittest.TestCase):
    """What the manifests tell the programs, told to the real ones."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def here(self, argument):
        """An argument with folders, Secrets and ports of this machine."""
        argument = re.sub(r"=(/mnt/models|/models)$", f"={chart.ROOT}/deploy/demo/models", argument)
        argument = re.sub(r"=/(state|data|tls/.*|tokens/.*)$", rf"={self.folder}/\1", argument)
        return re.sub(r"^(--(?:grpc-port|http-port|metrics-port|shutdown-grace-secs))=.*", r"\1=0", argument)

    def make_secrets(self):
        """As the Secrets hold them."""
        for folder in ("tls", "tokens"):
            (self.folder / folder).mkdir()
        make_certificate(self.folder / "tls/tls.crt", self.folder / "tls/tls.key")
        (self.folder / "tokens/tokens").write_text(make_token("prometheus", "metrics")[1])

    def check_probes(self, path, container, addresses):
        """Each of a container's probes, asked as the kubelet asks."""
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind, {})
            with self.subTest(path.name, probe=kind):
                if "grpc" in probe:
                    command = [BIN / "beak", "health", f"--server={addresses['grpc']}",
                               *(f"--service={probe['grpc'][key]}" for key in ("service",) if key in probe["grpc"])]
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                elif "httpGet" in probe:
                    url = f"http://{addresses[probe['httpGet']['port']]}{probe['httpGet']['path']}"
                    with urllib.request.urlopen(url, timeout=30) as answer:
                        self.assertEqual(answer.status, 200)

    @unittest.skipIf(shutil.which("openssl") is None, "no openssl to make a certificate with")
    def test_every_server_becomes_ready_answers_its_probes_and_ends(self):
        servers = [(path, container) for path, container in beak_containers()
                   if container["command"] == ["/usr/bin/beak-server"]]
        self.assertGreaterEqual(len(servers), 4)
        for folder in ("state", "data"):
            (self.folder / folder).mkdir()
        self.make_secrets()
        for path, container in servers:
            with self.subTest(path.name):
                arguments = [self.here(argument) for argument in container["args"]]
                with Server(BIN / "beak-server", *arguments) as server:
                    addresses = {name: "127.0.0.1:" + address.rsplit(":", 1)[1]
                                 for name, address in server.addresses.items()}
                    self.check_probes(path, container, addresses)

    def test_the_train_job_trains_and_its_pods_go_on(self):
        (container,) = [container for _, container in beak_containers() if container["command"] == ["/usr/bin/beak-train"]]
        shutil.copytree(chart.ROOT / "deploy/demo", self.folder / "training")
        job = self.folder / "training/jobs/digits.textproto"
        job.write_text(re.sub("epochs: .*", "epochs: 1", job.read_text()))
        arguments = [argument.replace("/training", f"{self.folder}/training") for argument in container["args"]]
        for _ in range(2):  # The second finds that all is done.
            done = subprocess.run([BIN / "beak-train", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue((self.folder / "training/runs/digits/result/model.onnx").exists())

    def test_the_health_check_of_the_chart_is_a_command(self):
        for path, container in beak_containers():
            if container["command"][0] == "/usr/bin/beak":
                with self.subTest(path.name):
                    said = subprocess.run([BIN / "beak", container["command"][1], "--help"], capture_output=True, text=True,
                                          check=True)
                    for argument in container["command"][2:]:
                        self.assertIn(argument.split("=")[0] + " ", said.stdout)


def main():
    result = unittest.main(exit=False).result
    if not result.wasSuccessful():
        return 1
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    return 77 if result.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
