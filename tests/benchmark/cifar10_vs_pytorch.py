#!/usr/bin/env python3
"""Trains ResNet-20 on CIFAR-10 with Beak and with PyTorch, by the same recipe, and compares what they reach.

usage: cifar10_vs_pytorch.py --peers=DIR [--data=DIR] [--epochs=30] [--seeds=1,2] [--threads=2] [--build-dir=DIR]

The recipe is deploy/demo/jobs/cifar10.textproto: crops out of a padding of 4, flips, standardised channels, SGD with
Nesterov momentum and weight decay, a cosine over all steps. PyTorch reads and follows it by itself, with its own data
loading and its own random numbers. A figure is the accuracy on the test images after the last epoch; its own error is
about 1.5 points for 1,000 images, and the seeds' about one, so that the means over the seeds are compared.

DIR holds the virtual environment vt (torch, numpy); --data, by default ../shared/data/datasets, the folder cifar10.
"""
import argparse
import json
import lzma
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import report

ROOT = pathlib.Path(os.environ.get("BEAK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
JOBS = ROOT / "deploy/demo/jobs"
TRAINING, TEST = "cifar10/data_batch_1.bin.xz", "cifar10/test_batch_first1000.bin.xz"
BATCH, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 128, 0.1, 0.9, 1e-4
TARGET_POINTS = 1.0


def beak(arguments, seed):
    text = (JOBS / "cifar10.textproto").read_text(encoding="utf-8")
    for pattern, value in ((r"epochs: \d+", f"epochs: {arguments.epochs}"), (r"seed: \d+", f"seed: {seed}"),
                           (r"keep_best: true", ""), (r'"\.\./networks', f'"{ROOT}/deploy/demo/networks')):
        text, changed = re.subn(pattern, value, text)
        if changed != 1:
            raise ValueError(f"cifar10.textproto: expected one {pattern}, got {changed}")
    with tempfile.TemporaryDirectory() as folder:
        job = pathlib.Path(folder, "job.textproto")
        job.write_text(text, encoding="utf-8")
        command = [arguments.build_dir / "bin/beak-train", f"--threads={arguments.threads}", f"--output={folder}/job",
                   f"--data-dir={arguments.data}", job]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lineage = json.loads(pathlib.Path(folder, "job/result/lineage.json").read_text(encoding="utf-8"))
    return lineage["epochs"][-1]["held_out"]["accuracy"]


def pytorch(arguments, seed):
    command = [arguments.peers / "vt/bin/python", __file__, "--as-peer", f"--data={arguments.data}",
               f"--epochs={arguments.epochs}", f"--seeds={seed}", f"--threads={arguments.threads}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])["accuracy"]


# ---------------------------------------------------------------- in PyTorch's environment


def images_of(folder, file, numpy):
    """Images as float32 [n, 3, 32, 32] of 0 to 255, and labels. CIFAR's records: a label, then planes of R, G, B."""
    records = numpy.frombuffer(lzma.open(folder / file).read(), numpy.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32), records[:, 0].astype(numpy.int64)


def resnet20(torch):
    """He et al. 2016, section 4.2, with 1x1 projections where the size changes."""
    nn = torch.nn

    def convolution(channels, filters, kernel, stride=1):
        layer = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(layer.weight)
        return nn.Sequential(layer, nn.BatchNorm2d(filters))

    class Block(nn.Module):
        def __init__(self, channels, filters, stride):
            super().__init__()
            self.first, self.second = convolution(channels, filters, 3, stride), convolution(filters, filters, 3)
            self.shortcut = nn.Identity() if stride == 1 else convolution(channels, filters, 1, stride)

        def forward(self, x):
            return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))

    layers, channels = [convolution(3, 16, 3), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for number in range(3):
            layers.append(Block(channels, filters, 2 if filters > 16 and number == 0 else 1))
            channels = filters
    dense = nn.Linear(64, 10)
    nn.init.kaiming_normal_(dense.weight)
    nn.init.zeros_(dense.bias)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense)


def augmented(batch, torch):
    """Each image cropped out of itself with a border of 4, and mirrored half the time."""
    count = len(batch)
    padded = torch.nn.functional.pad(batch, (4, 4, 4, 4))
    result = torch.empty_like(batch)
    for i, (y, x, flip) in enumerate(zip(*(torch.randint(0, n, (count,)).tolist() for n in (9, 9, 2)))):
        image = padded[i, :, y:y + 32, x:x + 32]
        result[i] = image.flip(2) if flip else image
    return result


def run_as_peer(arguments):
    import numpy  # pylint: disable=import-outside-toplevel
    import torch  # pylint: disable=import-outside-toplevel
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seeds[0])
    images, labels = images_of(arguments.data, TRAINING, numpy)
    mean, deviation = images.mean((0, 2, 3), keepdims=True), images.std((0, 2, 3), keepdims=True)
    tests, expected = images_of(arguments.data, TEST, numpy)
    # Beak pads raw pixels, with 0, and the network standardises.
    ready = lambda x: (x - torch.from_numpy(mean)) / torch.from_numpy(deviation)
    images, labels, tests = torch.from_numpy(images), torch.from_numpy(labels), ready(torch.from_numpy(tests))
    model = resnet20(torch)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
    steps = arguments.epochs * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(arguments.epochs):
        model.train()
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            output = model(ready(augmented(images[chosen], torch)))
            torch.nn.functional.cross_entropy(output, labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        right = (model(tests).argmax(1) == torch.from_numpy(expected)).float().mean().item()
    print(json.dumps({"accuracy": right}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data/datasets")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[1, 2])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        return run_as_peer(arguments)
    if arguments.peers is None:
        parser.error("--peers: expected the folder of the virtual environments")
    print(report.machine_line())
    table, reached = [["seed", "Beak, %", "minutes", "PyTorch, %", "minutes"]], {beak: [], pytorch: []}
    for seed in arguments.seeds:
        cells = [seed]
        for side in (beak, pytorch):
            begin = time.monotonic()
            reached[side].append(100 * side(arguments, seed))
            cells += [f"{reached[side][-1]:.1f}", f"{(time.monotonic() - begin) / 60:.1f}"]
        table.append(cells)
        print(report.aligned([table[0], cells]), flush=True)
    means = [statistics.mean(reached[side]) for side in (beak, pytorch)]
    table.append(["mean", f"{means[0]:.1f}", "", f"{means[1]:.1f}", ""])
    print("\n" + report.aligned(table))
    passed = means[0] >= means[1] - TARGET_POINTS
    print(f"within {TARGET_POINTS:g} point of PyTorch, or above: {'pass' if passed else 'MISSED'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
