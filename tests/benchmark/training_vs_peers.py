#!/usr/bin/env python3
"""Measures how fast Beak trains against PyTorch and Keras: the same networks, batches and threads, in the same run.

usage: training_vs_peers.py --peers=DIR [--peer-script=FILE] [--networks=NAME,...] [--threads=1,2] [--rounds=3]
                            [--seconds=3] [--build-dir=DIR] [--json]

Everyone does float32 SGD with momentum 0.9 on softmax cross-entropy: forward, backward and update of random images.
A round runs Beak, PyTorch and Keras after one another, each in a process of its own; a figure is the median over the
rounds of the shortest step (PyTorch's of its two layouts), and a ratio is Beak's images per second over the better of
the two. Memory is the peak of the resident set (VmHWM) of the process, the largest of all rounds.

DIR holds the virtual environments vt (PyTorch) and vf (Keras with TensorFlow); FILE, by default
../shared/bench/training_peer.py, is a program that trains there: `FILE torch|keras NETWORK BATCH THREADS SECONDS`, which
prints a line of JSON with images_s and peak_mb.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import report

ROOT = pathlib.Path(os.environ.get("BEAK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
DEPLOYED = ROOT / "deploy/demo/networks"
# Name, as the peer's program calls it: description, batch, target of the ratio.
NETWORKS = {"lecture": ("lecture_cnn", 128, 1.1), "resnet20": ("resnet20_cifar", 128, 1.1),
            "mobilenet1": ("mobilenet_v1_1.0", 32, 1.1), "alphago192": ("alphago_policy_192", 16, 1.0)}


def description(network, folder):
    """The shipped network, or for MobileNet what the peers have of it: 96x96 images, 100 classes, ReLU, no dropout."""
    path = DEPLOYED / f"{NETWORKS[network][0]}.textproto"
    if network != "mobilenet1":
        return path
    lines = [line for line in path.read_text().splitlines() if " dropout " not in line]
    text = "\n".join(lines).replace("[3, 224, 224]", "[3, 96, 96]").replace("1000", "100").replace("RELU6", "RELU")
    path = pathlib.Path(folder) / "mobilenet1.textproto"
    path.write_text(text + "\n")
    return path


class Sides:
    """The three programs; each gives images per second and megabytes."""

    def __init__(self, arguments, folder):
        self.benchmark = arguments.build_dir / "benchmark/beak-benchmark-training"
        self.peers, self.script, self.seconds = arguments.peers, arguments.peer_script, arguments.seconds
        self.folder = folder

    def beak(self, network, batch, threads):
        command = [self.benchmark, "speed", description(network, self.folder), str(batch), str(threads),
                   str(self.seconds), "--json"]
        return self.figures(command)

    def peer(self, framework, environment, network, batch, threads):
        command = [self.peers / environment / "bin/python", self.script, framework, network, str(batch), str(threads),
                   str(self.seconds)]
        return self.figures(command)

    @staticmethod
    def figures(command):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        return found["images_s"], found["peak_mb"]

    def round(self, network, batch, threads):
        return {"Beak": self.beak(network, batch, threads),
                "PyTorch": self.peer("torch", "vt", network, batch, threads),
                "Keras": self.peer("keras", "vf", network, batch, threads)}


def compare(network, threads, sides, arguments):
    _, batch, target = NETWORKS[network]
    rounds = [sides.round(network, batch, threads) for _ in range(arguments.rounds)]
    speed = {side: statistics.median(one[side][0] for one in rounds) for side in rounds[0]}
    memory = {side: max(one[side][1] for one in rounds) for side in rounds[0]}
    best, least = max(speed["PyTorch"], speed["Keras"]), min(memory["PyTorch"], memory["Keras"])
    return {"network": network, "batch": batch, "threads": threads, "images_s": speed, "peak_mb": memory,
            "ratio": speed["Beak"] / best, "target": target, "less_memory": memory["Beak"] <= least}


def rows(results):
    yield ["network", "batch", "threads", "Beak", "PyTorch", "Keras", "ratio", "target", "MB", "MB", "MB"]
    for one in results:
        verdict = f"{one['ratio']:.2f}" + ("" if one["ratio"] >= one["target"] else " missed")
        yield [one["network"], one["batch"], one["threads"], *(f"{speed:,.1f}" for speed in one["images_s"].values()),
               verdict, one["target"], *(f"{memory:,.0f}" for memory in one["peak_mb"].values())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--peer-script", type=pathlib.Path, default=ROOT / "../shared/bench/training_peer.py")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(arguments, folder)
        for network in arguments.networks.split(","):
            for threads in map(int, arguments.threads.split(",")):
                results.append(compare(network, threads, sides, arguments))
    if arguments.json:
        print(json.dumps(results, indent=1))
    else:
        print(report.machine_line())
        print("images per second; peak megabytes of Beak, PyTorch, Keras")
        print(report.aligned(list(rows(results))))
    reached = all(one["ratio"] >= one["target"] and one["less_memory"] for one in results)
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
