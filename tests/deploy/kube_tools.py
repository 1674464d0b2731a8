#!/usr/bin/env python3
"""helm, kubeconform and the schemas of Kubernetes, at fixed versions, from Go modules; kept in build/tools.

usage: kube_tools.py        gets all of them (by tests/run.sh --full; compiling helm takes minutes)

The checks of the chart get the quick ones by themselves, and use helm where it is there.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "tools"

HELM = ("helm.sh/helm/v3/cmd/helm", "v3.18.6")
KUBECONFORM = ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.6.7")
KUBERNETES = ("k8s.io/kubernetes", "v1.34.3")
KSERVE = ("github.com/kserve/kserve", "v0.15.2")
PROMETHEUS_OPERATOR = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0")
KUBE_VERSION = KUBERNETES[1].lstrip("v")


class Unavailable(Exception):
    """What is missing cannot be had here; the text says why."""


def go(*arguments, timeout=120, **environment):
    if shutil.which("go") is None:
        raise Unavailable("no Go (1.24 or newer) to build helm and kubeconform with")
    what = f"go {' '.join(arguments)}"
    try:
        # Outside the tree, so that no go.mod counts.
        done = subprocess.run(["go", *arguments], cwd="/", env={**os.environ, "GOFLAGS": "-buildvcs=false", **environment},
                              capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{what}: not done in {timeout} s") from error
    if done.returncode != 0:
        raise Unavailable(f"{what}: {(done.stderr + done.stdout).strip()[-600:]}")
    return done.stdout


def place(name, version):
    return TOOLS / f"{name}-{version}"


def install(package, version, timeout=120):
    """The program of a package, built where it is not there yet."""
    name = package.rsplit("/", 1)[1]
    program = place(name, version)
    if not program.exists():
        TOOLS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
            go("install", f"{package}@{version}", timeout=timeout, GOBIN=folder)
            (pathlib.Path(folder) / name).rename(program)
    return program


def module(path, version):
    return pathlib.Path(json.loads(go("mod", "download", "-json", f"{path}@{version}"))["Dir"])


def kubeconform():
    return install(*KUBECONFORM)


def schemas():
    """The folder of schemas for kubeconform."""
    import kube_schemas  # Needs a YAML reader, which whoever only wants programs may lack.

    versions = [version for _, version in (KUBERNETES, KSERVE, PROMETHEUS_OPERATOR)]
    maker = hashlib.sha256(pathlib.Path(kube_schemas.__file__).read_bytes()).hexdigest()[:8]
    folder = place("schemas", "-".join([*versions, maker]))
    if not folder.exists():
        kserve = module(*KSERVE) / "config/crd/full"
        operator = module(*PROMETHEUS_OPERATOR) / "example/prometheus-operator-crd"
        resources = [kserve / "serving.kserve.io_clusterservingruntimes.yaml",
                     kserve / "serving.kserve.io_inferenceservices.yaml",
                     operator / "monitoring.coreos.com_podmonitors.yaml"]
        openapi = module(*KUBERNETES) / "api/openapi-spec/swagger.json"
        TOOLS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TOOLS) as made:
            kube_schemas.write_all(openapi, resources, pathlib.Path(made) / "schemas")
            (pathlib.Path(made) / "schemas").rename(folder)
    return folder


def helm():
    """helm, where kube_tools.py has built it."""
    built = place("helm", HELM[1])
    if built.exists():
        return built
    raise Unavailable(f"no {built.relative_to(ROOT)}: tests/run.sh --full, or tests/deploy/kube_tools.py, builds it in some "
                      "minutes")


def main():
    try:
        print(kubeconform())
        print(schemas())
        print(install(*HELM, timeout=3600))
    except Unavailable as error:
        print(f"kube_tools.py: {error}", file=sys.stderr)
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
