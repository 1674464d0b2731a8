"""Where the chart, its examples and what is rendered from them are, and what is rendered."""

import hashlib
import os
import subprocess

import kube_tools

ROOT = kube_tools.ROOT
HELM = ROOT / "deploy" / "helm"
CHART = HELM / "beak"
MANIFESTS = [*sorted((ROOT / "deploy/kserve").glob("*.yaml")), ROOT / "deploy/kubernetes/train-job.yaml"]


def examples():
    return sorted((HELM / "examples").glob("*.yaml"))


def rendered(example):
    return HELM / "rendered" / example.name


def digest(example):
    """Of everything that the rendering of an example is made from."""
    total = hashlib.sha256()
    files = [path for path in sorted(CHART.rglob("*")) if path.is_file()]
    for path in [*files, example]:
        total.update(f"{path.relative_to(HELM)}\n{path.stat().st_size}\n".encode())
        total.update(path.read_bytes())
    total.update(f"{kube_tools.HELM[1]} {kube_tools.KUBE_VERSION}".encode())
    return total.hexdigest()


def helm(*arguments):
    """What helm prints, and whether it was content."""
    home = kube_tools.TOOLS / "helm-home"
    environment = {**os.environ, "HELM_CACHE_HOME": str(home), "HELM_CONFIG_HOME": str(home), "HELM_DATA_HOME": str(home)}
    done = subprocess.run([kube_tools.helm(), *map(str, arguments)], cwd=ROOT, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


def template(*arguments):
    return helm("template", "beak", CHART.relative_to(ROOT), "--namespace", "beak", "--kube-version",
                kube_tools.KUBE_VERSION, *arguments)


def head(example):
    return (f"# helm template beak deploy/helm/beak --namespace beak --values {example.relative_to(ROOT)}\n"
            f"# Made by tests/deploy/chart_rendering_test.py --update from {digest(example)}.\n")


def render(example):
    """The text that belongs into rendered(example)."""
    good, text = template("--values", example.relative_to(ROOT))
    if not good:
        raise ValueError(text)
    return head(example) + text


def validate(text):
    """Whether kubeconform has nothing against some YAML, and what it said."""
    place = f"{kube_tools.schemas()}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    done = subprocess.run([kube_tools.kubeconform(), "-strict", "-schema-location", place, "-"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout
