#!/usr/bin/env python3
"""Trains the demo's network on MNIST and writes models/mnist/1/model.onnx.

usage: train_mnist.py [--data=DIR] [--output=FILE] [--epochs=30] [--threads=1] [--seed=7]

The network is the small one of many lectures: two valid 3x3 convolutions with 25 and 50 maps, each followed by ReLU
and a 2x2 maximum pool, then 100 hidden units and a softmax over the ten digits; 137,660 parameters. It sees a batch of
28x28 images scaled to [0, 1], white digit on black. The number of epochs is fixed beforehand and the test images are
looked at once, at the end, so that the accuracy printed is an honest one. The same seed, library version and number of
threads give the same file. Packages: requirements.txt beside this file.
"""
import argparse
import gzip
import os
import pathlib
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim import swa_utils

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 128
PEAK_LEARNING_RATE = 3e-3


def read_idx(path):
    """The array of a gzipped IDX file of unsigned bytes."""
    with gzip.open(path, "rb") as file:
        zero, dtype, rank = struct.unpack(">HBB", file.read(4))
        if (zero, dtype) != (0, 8):
            raise ValueError(f"{path}: expected an IDX file of unsigned bytes")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def read_mnist(folder, part):
    """Images as float [n, 1, 28, 28] in [0, 1] and labels as int64 [n]; part is "train" or "t10k"."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images[:, None].astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


class Features(nn.Sequential):
    """The network up to the logits; the softmax is part of the loss in training and of the exported file."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 25, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(25, 50, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(50 * 5 * 5, 100), nn.ReLU(), nn.Linear(100, 10))


def distort(images):
    """Turns, scales, slants and shifts each image a little, as another hand would have written it."""
    n = len(images)
    uniform = lambda limit: (torch.rand(n) * 2 - 1) * limit
    angle, slant, scale = uniform(0.2), uniform(0.2), 1 + uniform(0.12)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * scale
    theta[:, 0, 1] = slant - torch.sin(angle) * scale
    theta[:, 1, 0] = torch.sin(angle) * scale
    theta[:, 1, 1] = torch.cos(angle) * scale * (1 + uniform(0.1))
    theta[:, :, 2] = torch.stack([uniform(0.14), uniform(0.14)], dim=1)
    return functional.grid_sample(images, functional.affine_grid(theta, images.shape, align_corners=False),
                                  align_corners=False)


def train(images, labels, epochs):
    network = Features()
    average = swa_utils.AveragedModel(network, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.998))
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=1e-2)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, epochs=epochs, steps_per_epoch=steps)
    for epoch in range(epochs):
        order, total = torch.randperm(len(images)), 0.0
        for step in range(steps):
            rows = order[step * BATCH:(step + 1) * BATCH]
            loss = functional.cross_entropy(network(distort(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            total += loss.item()
        print(f"epoch {epoch + 1:2d} of {epochs}: loss {total / steps:.4f}", flush=True)
    return average.module.eval()


def accuracy(network, images, labels):
    with torch.inference_mode():
        hits = sum((network(images[i:i + 1000]).argmax(1) == labels[i:i + 1000]).sum().item()
                   for i in range(0, len(images), 1000))
    return hits / len(images)


def export(network, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = dict(input_names=["image"], output_names=["probabilities"])
    free_batch = {"image": {0: "batch"}, "probabilities": {0: "batch"}}
    torch.onnx.export(nn.Sequential(*network, nn.Softmax(1)).eval(), (torch.zeros(1, 1, 28, 28),), str(path),
                      opset_version=17, dynamic_axes=free_batch, dynamo=False, **names)


def main():
    data = pathlib.Path(os.environ.get("BEAK_DATA", HERE.parents[1] / "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=data / "datasets/mnist", help="MNIST's IDX files")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "models/mnist/1/model.onnx")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    network = train(*read_mnist(arguments.data, "train"), arguments.epochs)
    print(f"parameters: {sum(p.numel() for p in network.parameters()):,}")
    print(f"test accuracy: {accuracy(network, *read_mnist(arguments.data, 't10k')):.4f}")
    export(network, arguments.output)


if __name__ == "__main__":
    main()
