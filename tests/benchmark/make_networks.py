#!/usr/bin/env python3
"""Writes the networks that the benchmarks run, as ONNX files with seeded random weights.

usage: make_networks.py OUT_DIR [NAME...]        packages: requirements.txt beside this file

Float32, opset 17, free batch, input `input`, output `output`. The weights are He-scaled, so that activations keep their
size from layer to layer and the outputs are not saturated: speed does not depend on the values, the comparison of the
results does. Batch normalisations stay nodes of their own, as many exporters leave them.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # the one that came with opset 17


def pair(size):
    """(height, width) of a size that is one number where both are equal."""
    return (size, size) if isinstance(size, int) else tuple(size)


class Builder:
    """A graph that grows layer by layer; a value is known by its name, its shape (without batch) is in `shapes`."""

    def __init__(self, name, input_shape, seed=1):
        self.name = name
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.shapes = {"input": tuple(input_shape)}
        self.parameters = 0

    def node(self, operator, inputs, shape, **attributes):
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        self.shapes[output] = tuple(shape)
        return output

    def constant(self, name, values, trained=True):
        if not any(tensor.name == name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
            self.parameters += values.size if trained else 0
        return name

    def weights(self, shape, fan_in, gain):
        name = f"weight_{len(self.nodes)}"
        return self.constant(name, self.random.standard_normal(shape, np.float32) * np.float32(np.sqrt(gain / fan_in)))

    def uniform(self, kind, size, low, high):
        return self.constant(f"{kind}_{len(self.nodes)}", self.random.uniform(low, high, size))

    def conv(self, x, filters, kernel, stride=1, pad=0, groups=1, bias=True, gain=2.0):
        """gain is 2 where a ReLU follows (He et al. 2015), 1 where none does."""
        channels, height, width = self.shapes[x]
        rows, columns = pair(kernel)
        fan_in = channels // groups * rows * columns
        inputs = [x, self.weights((filters, channels // groups, rows, columns), fan_in, gain)]
        if bias:
            inputs.append(self.uniform("bias", filters, -0.1, 0.1))
        size = lambda n, window: (n + 2 * pad - window) // stride + 1
        return self.node("Conv", inputs, (filters, size(height, rows), size(width, columns)),
                         kernel_shape=[rows, columns], strides=[stride] * 2, pads=[pad] * 4, group=groups,
                         dilations=[1, 1])

    def batch_norm(self, x, scale=1.0):
        channels = self.shapes[x][0]
        statistics = {"mean": (-0.1, 0.1), "variance": (0.8, 1.2)}
        gamma = self.uniform("gamma", channels, 0.8 * scale, 1.2 * scale)
        inputs = [x, gamma, self.uniform("beta", channels, -0.1, 0.1)]
        for kind, (low, high) in statistics.items():
            values = self.random.uniform(low, high, channels)
            inputs.append(self.constant(f"{kind}_{len(self.nodes)}", values, trained=False))
        return self.node("BatchNormalization", inputs, self.shapes[x], epsilon=1e-5)

    def relu(self, x):
        return self.node("Relu", [x], self.shapes[x])

    def relu6(self, x):
        zero, six = (self.constant(f"limit_{value}", np.float32(value), trained=False) for value in (0, 6))
        return self.node("Clip", [x, zero, six], self.shapes[x])

    def max_pool(self, x, kernel, stride, pad=0):
        channels, height, width = self.shapes[x]
        (rows, columns), (down, right) = pair(kernel), pair(stride)
        size = lambda n, window, step: (n + 2 * pad - window) // step + 1
        return self.node("MaxPool", [x], (channels, size(height, rows, down), size(width, columns, right)),
                         kernel_shape=[rows, columns], strides=[down, right], pads=[pad] * 4)

    def global_average_pool(self, x):
        return self.node("GlobalAveragePool", [x], (self.shapes[x][0], 1, 1))

    def flatten(self, x):
        return self.node("Flatten", [x], (int(np.prod(self.shapes[x])),), axis=1)

    def add(self, x, y):
        return self.node("Add", [x, y], self.shapes[x])

    def dense(self, x, units, gain=1.0):
        features = self.shapes[x][0]
        inputs = [x, self.weights((units, features), features, gain), self.uniform("bias", units, -0.1, 0.1)]
        return self.node("Gemm", inputs, (units,), transB=1)

    def softmax(self, x):
        return self.node("Softmax", [x], self.shapes[x], axis=1)

    def model(self, x):
        """The finished model, whose output is the value x."""
        self.nodes[-1].output[0] = "output"
        info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        graph = helper.make_graph(self.nodes, self.name, [info("input", self.shapes["input"])],
                                  [info("output", self.shapes[x])], self.initializers)
        model = helper.make_model(graph, producer_name="beak-benchmark", ir_version=IR_VERSION,
                                  opset_imports=[helper.make_opsetid("", OPSET)])
        onnx.checker.check_model(model, full_check=True)
        return model


def lecture():
    """Two convolutions and two dense layers on MNIST digits."""
    net = Builder("lecture", (1, 28, 28))
    x = net.max_pool(net.relu(net.conv("input", 25, 3)), 2, 2)
    x = net.max_pool(net.relu(net.conv(x, 50, 3)), 2, 2)
    x = net.relu(net.dense(net.flatten(x), 100, gain=2))
    return net, net.softmax(net.dense(x, 10))


def alphago192():
    """AlphaGo's policy network with 192 filters (Silver et al. 2016); the last layer has a bias per point."""
    net = Builder("alphago192", (48, 19, 19))
    x = net.relu(net.conv("input", 192, 5, pad=2))
    for _ in range(11):
        x = net.relu(net.conv(x, 192, 3, pad=1))
    x = net.flatten(net.conv(x, 1, 1, bias=False, gain=1))
    return net, net.softmax(net.add(x, net.constant("point_bias", net.random.uniform(-0.1, 0.1, (1, 361)))))


def mobilenet2():
    """MobileNet v2 at width 1.0 (Sandler et al. 2018, table 2)."""
    net = Builder("mobilenet2", (3, 224, 224))

    def convolution(x, filters, kernel, stride=1, groups=1, gain=2.0):
        return net.batch_norm(net.conv(x, filters, kernel, stride, kernel // 2, groups, bias=False, gain=gain))

    def inverted_residual(x, expansion, filters, stride):
        channels = net.shapes[x][0]
        hidden = channels * expansion
        y = x if expansion == 1 else net.relu6(convolution(x, hidden, 1))
        y = net.relu6(convolution(y, hidden, 3, stride, groups=hidden))
        y = convolution(y, filters, 1, gain=1)
        return net.add(x, y) if stride == 1 and channels == filters else y

    x = net.relu6(convolution("input", 32, 3, 2))
    for expansion, filters, repeats, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for repeat in range(repeats):
            x = inverted_residual(x, expansion, filters, stride if repeat == 0 else 1)
    x = net.relu6(convolution(x, 1280, 1))
    return net, net.softmax(net.dense(net.flatten(net.global_average_pool(x)), 1000))


def resnet50():
    """ResNet-50 (He et al. 2015) with the stride on the 3x3 convolution, as torchvision and most model zoos have it."""
    net = Builder("resnet50", (3, 224, 224))

    def convolution(x, filters, kernel, stride=1, gain=2.0, scale=1.0):
        x = net.conv(x, filters, kernel, stride, kernel // 2, bias=False, gain=gain)
        return net.batch_norm(x, scale)

    def bottleneck(x, width, stride):
        y = net.relu(convolution(x, width, 1))
        y = net.relu(convolution(y, width, 3, stride))
        y = convolution(y, 4 * width, 1, gain=1, scale=0.3)  # a small branch, or the sum would grow from block to block
        if stride != 1 or net.shapes[x][0] != 4 * width:
            x = convolution(x, 4 * width, 1, stride, gain=1)
        return net.relu(net.add(y, x))

    x = net.max_pool(net.relu(convolution("input", 64, 7, 2)), 3, 2, 1)
    for width, blocks, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for block in range(blocks):
            x = bottleneck(x, width, stride if block == 0 else 1)
    return net, net.softmax(net.dense(net.flatten(net.global_average_pool(x)), 1000))


def keyword_spotting():
    """cnn-trad-fpool3 on 98 frames of 40 log-mel energies (Sainath & Parada 2015), 12 words."""
    net = Builder("keyword_spotting", (1, 98, 40))
    x = net.max_pool(net.relu(net.conv("input", 64, (20, 8))), (1, 3), (1, 3))
    x = net.flatten(net.relu(net.conv(x, 64, (10, 4))))
    x = net.relu(net.dense(net.dense(x, 32), 128, gain=2))
    return net, net.softmax(net.dense(x, 12))


# name: (builder, trained parameters as published; a slip in a table above shows here)
NETWORKS = {
    "lecture": (lecture, 137_660),
    "alphago192": (alphago192, 3_882_793),
    "mobilenet2": (mobilenet2, 3_504_872),
    "resnet50": (resnet50, 25_557_032),
    "keyword_spotting": (keyword_spotting, 1_326_892),
}


def write(name, folder):
    """Writes folder/NAME.onnx unless it is there; returns its path."""
    path = pathlib.Path(folder) / f"{name}.onnx"
    if path.exists():
        return path
    build, expected = NETWORKS[name]
    net, output = build()
    if net.parameters != expected:
        raise AssertionError(f"{name}: expected {expected:,} parameters, got {net.parameters:,}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    onnx.save(net.model(output), partial)
    partial.rename(path)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="OUT_DIR", type=pathlib.Path)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(NETWORKS)}; default all")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NETWORKS)
    if unknown:
        parser.error(f"unknown network: expected one of {', '.join(NETWORKS)}, got {', '.join(sorted(unknown))}")
    for name in arguments.names or NETWORKS:
        path = write(name, arguments.folder)
        print(f"{path}: {NETWORKS[name][1]:,} parameters, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
