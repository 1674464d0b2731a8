#!/usr/bin/env python3
"""Writes the networks that the benchmarks run, as ONNX files with seeded random weights.

usage: make_networks.py OUT_DIR [NAME...]        packages: requirements.txt beside this file

Float32, opset 17, free batch, input `input`, output `output`. Speed does not depend on the weights' values, the
comparison of the results does: see network_builder.py. Batch normalisations stay nodes of their own, as many exporters
leave them.
"""
import argparse
import pathlib

import onnx
from onnx import TensorProto

from network_builder import Builder

IMAGE = (3, 224, 224)


def normalised(net, x, filters, kernel, stride=1, groups=1, gain=2.0, scale=1.0, dilation=1):
    """A convolution that keeps the size (or divides it by the stride), and its batch normalisation."""
    pad = kernel // 2 * dilation
    x = net.conv(x, filters, kernel, stride, pad, groups, bias=False, gain=gain, dilation=dilation)
    return net.batch_norm(x, scale)


def classified(net, x, classes=1000):
    return net, net.softmax(net.dense(net.flatten(net.global_average_pool(x)), classes))


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


def vgg16():
    """VGG-16, configuration D (Simonyan & Zisserman 2014)."""
    net = Builder("vgg16", IMAGE)
    x = "input"
    for filters, layers in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(layers):
            x = net.relu(net.conv(x, filters, 3, pad=1))
        x = net.max_pool(x, 2, 2)
    x = net.flatten(x)
    for _ in range(2):
        x = net.relu(net.dense(x, 4096, gain=2))
    return net, net.softmax(net.dense(x, 1000))


def resnet(name, block, stages, expansion):
    """The frame of a residual network (He et al. 2015): `block(net, x, width, stride)` is the branch before the sum."""
    net = Builder(name, IMAGE)
    x = net.max_pool(net.relu(normalised(net, "input", 64, 7, 2)), 3, 2, 1)
    for stage, blocks in enumerate(stages):
        width = 64 << stage
        for number in range(blocks):
            stride = 2 if stage > 0 and number == 0 else 1
            y = block(net, x, width, stride)
            if stride != 1 or net.shapes[x][0] != expansion * width:
                x = normalised(net, x, expansion * width, 1, stride, gain=1)
            x = net.relu(net.add(y, x))
    return classified(net, x)


# The branches' last convolutions are small, or the sums would grow from block to block.
def resnet18():
    def basic(net, x, width, stride):
        y = net.relu(normalised(net, x, width, 3, stride))
        return normalised(net, y, width, 3, gain=1, scale=0.3)

    return resnet("resnet18", basic, (2, 2, 2, 2), expansion=1)


def resnet50():
    """With the stride on the 3x3 convolution, as torchvision and most model zoos have it."""
    def bottleneck(net, x, width, stride):
        y = net.relu(normalised(net, x, width, 1))
        y = net.relu(normalised(net, y, width, 3, stride))
        return normalised(net, y, 4 * width, 1, gain=1, scale=0.3)

    return resnet("resnet50", bottleneck, (3, 4, 6, 3), expansion=4)


def mobilenet1():
    """MobileNet v1 at width 1.0 (Howard et al. 2017, table 1)."""
    net = Builder("mobilenet1", IMAGE)
    x = net.relu(normalised(net, "input", 32, 3, 2))
    for filters, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
                            (1024, 1)]:
        x = net.relu(normalised(net, x, net.shapes[x][0], 3, stride, groups=net.shapes[x][0]))
        x = net.relu(normalised(net, x, filters, 1))
    return classified(net, x)


def mobilenet2():
    """MobileNet v2 at width 1.0 (Sandler et al. 2018, table 2)."""
    net = Builder("mobilenet2", IMAGE)

    def inverted_residual(x, expansion, filters, stride):
        channels = net.shapes[x][0]
        hidden = channels * expansion
        y = x if expansion == 1 else net.relu6(normalised(net, x, hidden, 1))
        y = net.relu6(normalised(net, y, hidden, 3, stride, groups=hidden))
        y = normalised(net, y, filters, 1, gain=1)
        return net.add(x, y) if stride == 1 and channels == filters else y

    x = net.relu6(normalised(net, "input", 32, 3, 2))
    for expansion, filters, repeats, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for repeat in range(repeats):
            x = inverted_residual(x, expansion, filters, stride if repeat == 0 else 1)
    return classified(net, net.relu6(normalised(net, x, 1280, 1)))


def squeezenet():
    """SqueezeNet 1.1 (Iandola et al. 2016, and the smaller version released with it)."""
    net = Builder("squeezenet", IMAGE)

    def fire(x, squeezed, expanded):
        x = net.relu(net.conv(x, squeezed, 1))
        return net.concat([net.relu(net.conv(x, expanded, 1)), net.relu(net.conv(x, expanded, 3, pad=1))])

    x = net.relu(net.conv("input", 64, 3, 2))
    for fires in ([(16, 64)] * 2, [(32, 128)] * 2, [(48, 192)] * 2 + [(64, 256)] * 2):
        x = net.max_pool(x, 3, 2)
        for squeezed, expanded in fires:
            x = fire(x, squeezed, expanded)
    x = net.relu(net.conv(x, 1000, 1))
    return net, net.softmax(net.flatten(net.global_average_pool(x)))


def densenet121():
    """DenseNet-121 with growth 32 (Huang et al. 2016)."""
    net = Builder("densenet121", IMAGE)
    activated = lambda x: net.relu(net.batch_norm(x))

    def dense_layer(x):
        y = net.conv(activated(x), 128, 1, bias=False)
        return net.concat([x, net.conv(activated(y), 32, 3, pad=1, bias=False)])

    x = net.max_pool(net.relu(normalised(net, "input", 64, 7, 2)), 3, 2, 1)
    for layers in (6, 12, 24, 16):
        for _ in range(layers):
            x = dense_layer(x)
        if layers != 16:  # the last block has no transition after it
            x = net.average_pool(net.conv(activated(x), net.shapes[x][0] // 2, 1, bias=False), 2, 2)
    return classified(net, activated(x))


def xception():
    """Xception (Chollet 2017, figure 5)."""
    net = Builder("xception", (3, 299, 299))

    def separable(x, filters, scale=1.0):
        channels = net.shapes[x][0]
        x = net.conv(x, channels, 3, pad=1, groups=channels, bias=False)
        return net.batch_norm(net.conv(x, filters, 1, bias=False, gain=1), scale)

    def branch(x, filters, relu_first=True):
        for number, width in enumerate(filters, 1):
            x = separable(net.relu(x) if relu_first or number > 1 else x, width, 0.3 if number == len(filters) else 1.0)
        return x

    def reducing(x, filters, relu_first=True):
        y = net.max_pool(branch(x, filters, relu_first), 3, 2, 1)
        return net.add(y, normalised(net, x, filters[-1], 1, 2, gain=1))

    for_input = lambda x, filters, stride: net.relu(net.batch_norm(net.conv(x, filters, 3, stride, bias=False)))
    x = for_input(for_input("input", 32, 2), 64, 1)
    x = reducing(x, (128, 128), relu_first=False)
    x = reducing(reducing(x, (256, 256)), (728, 728))
    for _ in range(8):
        x = net.add(branch(x, (728, 728, 728)), x)
    x = reducing(x, (728, 1024))
    return classified(net, net.relu(separable(net.relu(separable(x, 1536)), 2048)))


def dilated_segmentation():
    """Classes of the pixels of 256x256: strided stem, dilated layers, a pyramid of dilations, bilinear back to size."""
    net = Builder("dilated_segmentation", (3, 256, 256))
    layer = lambda x, filters, kernel=3, stride=1, dilation=1: net.relu(
        normalised(net, x, filters, kernel, stride, dilation=dilation))
    x = "input"
    for filters, stride, dilation in [(32, 2, 1), (64, 1, 1), (128, 2, 1), (128, 1, 1), (256, 2, 1), (256, 1, 1),
                                      (256, 1, 2), (256, 1, 4)]:
        x = layer(x, filters, 3, stride, dilation)
    x = net.concat([layer(x, 128, 1), *(layer(x, 128, dilation=dilation) for dilation in (6, 12, 18))])
    return net, net.resize(net.conv(layer(x, 128, 1), 21, 1, gain=1), 8)


def espcn():
    """ESPCN (Shi et al. 2016): 640x360 points of luma to three times the size."""
    net = Builder("espcn", (1, 360, 640))
    x = net.tanh(net.conv("input", 64, 5, pad=2, gain=1))
    x = net.tanh(net.conv(x, 32, 3, pad=1, gain=1))
    return net, net.pixel_shuffle(net.conv(x, 9, 3, pad=1, gain=1), 3)


def kim_cnn():
    """Kim's CNN for sentences (2014): 56 words of 20,000, windows of 3, 4 and 5 of them, two classes."""
    net = Builder("kim_cnn", (56,), TensorProto.INT64)
    x = net.swap_last(net.embedding("input", 20_000, 300))
    x = net.concat([net.max_over(net.relu(net.conv(x, 100, width)), 2) for width in (3, 4, 5)])
    return net, net.softmax(net.dense(x, 2))


def keyword_spotting():
    """cnn-trad-fpool3 on 98 frames of 40 log-mel energies (Sainath & Parada 2015), 12 words."""
    net = Builder("keyword_spotting", (1, 98, 40))
    x = net.max_pool(net.relu(net.conv("input", 64, (20, 8))), (1, 3), (1, 3))
    x = net.flatten(net.relu(net.conv(x, 64, (10, 4))))
    x = net.relu(net.dense(net.dense(x, 32), 128, gain=2))
    return net, net.softmax(net.dense(x, 12))


# name: (builder, trained parameters as published, or of dilated_segmentation as counted; a slip above shows here)
NETWORKS = {
    "lecture": (lecture, 137_660),
    "alphago192": (alphago192, 3_882_793),
    "vgg16": (vgg16, 138_357_544),
    "resnet18": (resnet18, 11_689_512),
    "resnet50": (resnet50, 25_557_032),
    "mobilenet1": (mobilenet1, 4_231_976),
    "mobilenet2": (mobilenet2, 3_504_872),
    "squeezenet": (squeezenet, 1_235_496),
    "densenet121": (densenet121, 7_978_856),
    "xception": (xception, 22_855_952),
    "dilated_segmentation": (dilated_segmentation, 3_294_645),
    "espcn": (espcn, 22_729),
    "kim_cnn": (kim_cnn, 6_360_902),
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
