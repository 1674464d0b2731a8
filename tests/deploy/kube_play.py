#!/usr/bin/env python3
"""usage: kube_play.py RENDERED MODELS

Prints the Deployment of a rendered chart for `podman kube play`: as it is, but for what only a cluster has. Images are of
this machine, and models are in the folder MODELS instead of a volume of the cluster's.
"""

import pathlib
import sys

import yaml


def main(rendered, models):
    documents = yaml.safe_load_all(pathlib.Path(rendered).read_text())
    (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    for container in pod["containers"]:
        container["image"] = "localhost/" + container["image"]
        container.pop("ports")  # podman would publish them on this machine
    for volume in pod["volumes"]:
        if volume["name"] == "models":
            volume.clear()
            volume.update(name="models", hostPath={"path": models, "type": "Directory"})
    print(yaml.safe_dump(deployment))


if __name__ == "__main__":
    main(*sys.argv[1:])
