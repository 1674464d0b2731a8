#!/usr/bin/env python3
"""Writes the descriptions of network families beside this file: what is the same layer many times over.

usage: make_networks.py [--check]      --check: writes nothing, fails where a file is not what would be written
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Description:
    """Text of a beak.v1.Network, layer by layer. `last` is the layer that was added last."""

    def __init__(self, name, comment, shape):
        shape = ", ".join(map(str, shape))
        self.lines = [*(f"# {line}" for line in comment), "# Written by make_networks.py.", f'name: "{name}"',
                      f'input {{ name: "{"board" if "go" in name else "image"}" shape: [{shape}] }}']
        self.last = None

    def add(self, name, kind, fields="", inputs=()):
        names = "".join(f'input: "{value}" ' for value in inputs)
        body = f"{{ {fields} }}" if fields else "{}"
        self.lines.append(f'layer {{ name: "{name}" {names}{kind} {body} }}')
        self.last = name
        return name

    def text(self):
        return "\n".join(self.lines) + "\n"


def resnet20():
    """He et al. 2016, section 4.2, with projections where the size changes."""
    net = Description("resnet20_cifar", [
        "ResNet-20 for CIFAR (He et al. 2016, section 4.2) with 1x1 projections where the size changes; 272 474 parameters",
        "that are learned. Pads and batch normalisation as in PyTorch."], (3, 32, 32))
    conv = 'use_bias: false kernel { initializer { kind: HE_NORMAL } }'
    norm = "convention: PYTORCH"

    def conv_norm(name, x, filters, kernel, stride):
        pads = f" pads: {kernel // 2}" if kernel > 1 else ""
        net.add(name, "conv2d", f"filters: {filters} kernel_size: {kernel} strides: {stride}{pads} {conv}", [x])
        return net.add(f"{name}_bn", "batch_normalization", norm)

    def relu(name):
        return net.add(name, "activation", "kind: RELU")

    conv_norm("conv1", "image", 16, 3, 1)
    x = relu("relu1")
    for stage, filters in enumerate((16, 32, 64), 1):
        for block in range(1, 4):
            name = f"s{stage}b{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            shortcut = conv_norm(f"{name}_project", x, filters, 1, 2) if stride == 2 else x
            conv_norm(f"{name}_conv1", x, filters, 3, stride)
            y = conv_norm(f"{name}_conv2", relu(f"{name}_relu1"), filters, 3, 1)
            net.add(f"{name}_add", "add", inputs=[y, shortcut])
            x = relu(f"{name}_relu2")
    net.add("pool", "global_average_pooling")
    net.add("dense", "dense", "units: 10 activation: SOFTMAX kernel { initializer { kind: HE_NORMAL } }")
    return net


def mobilenet_v1(alpha):
    """Howard et al. 2017, as Keras has it."""
    net = Description(f"mobilenet_v1_{alpha}", [
        f"MobileNet v1 (Howard et al. 2017), width multiplier {alpha}, as in Keras: zeros before a stride of 2 stand behind",
        "and below."], (3, 224, 224))

    def norm_relu(name):
        net.add(f"{name}_bn", "batch_normalization")
        net.add(f"{name}_relu", "activation", "kind: RELU6")

    def window(stride):
        return "kernel_size: 3 padding: SAME" if stride == 1 else "kernel_size: 3 strides: 2 pads: [0, 0, 1, 1]"

    net.add("conv1", "conv2d", f"filters: {int(32 * alpha)} {window(2)} use_bias: false")
    norm_relu("conv1")
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for i, (filters, stride) in enumerate(blocks, 1):
        net.add(f"conv_dw_{i}", "depthwise_conv2d",
                f"{window(stride)} use_bias: false kernel {{ exclude_from_weight_decay: true }}")
        norm_relu(f"conv_dw_{i}")
        net.add(f"conv_pw_{i}", "conv2d", f"filters: {int(filters * alpha)} kernel_size: 1 use_bias: false")
        norm_relu(f"conv_pw_{i}")
    net.add("pool", "global_average_pooling")
    net.add("dropout", "dropout", "rate: 0.001")
    net.add("predictions", "dense", "units: 1000 activation: SOFTMAX")
    return net


def xception(name, comment, size, stem, entry, middle, exit_widths, classes):
    """Chollet 2017, as Keras has it: `entry` the widths of the blocks that halve, `middle` the number of those between."""
    net = Description(name, comment, (3, size, size))

    def norm(layer):
        return net.add(f"{layer}_bn", "batch_normalization")

    def relu(layer):
        return net.add(f"{layer}_relu", "activation", "kind: RELU")

    def separable(layer, filters):
        net.add(layer, "separable_conv2d", f"filters: {filters} kernel_size: 3 padding: SAME use_bias: false")
        return norm(layer)

    def halving(layer, x, widths, relu_first):
        net.add(f"{layer}_project", "conv2d",
                f"filters: {widths[1]} kernel_size: 1 strides: 2 padding: SAME use_bias: false", [x])
        shortcut = norm(f"{layer}_project")
        if relu_first:
            net.add(f"{layer}_sepconv1_relu", "activation", "kind: RELU", [x])
            separable(f"{layer}_sepconv1", widths[0])
        else:
            net.add(f"{layer}_sepconv1", "separable_conv2d",
                    f"filters: {widths[0]} kernel_size: 3 padding: SAME use_bias: false", [x])
            norm(f"{layer}_sepconv1")
        relu(f"{layer}_sepconv2")
        separable(f"{layer}_sepconv2", widths[1])
        y = net.add(f"{layer}_pool", "max_pooling2d", "pool_size: 3 strides: 2 padding: SAME")
        return net.add(f"{layer}_add", "add", inputs=[y, shortcut])

    for i, (filters, stride) in enumerate(zip(stem, (2, 1)), 1):
        net.add(f"block1_conv{i}", "conv2d", f"filters: {filters} kernel_size: 3 strides: {stride} use_bias: false")
        norm(f"block1_conv{i}")
        x = relu(f"block1_conv{i}")
    for i, width in enumerate(entry):
        x = halving(f"block{i + 2}", x, (width, width), relu_first=i > 0)
    first = len(entry) + 2
    for i in range(first, first + middle):
        for j in range(1, 4):
            relu(f"block{i}_sepconv{j}")
            y = separable(f"block{i}_sepconv{j}", entry[-1])
        x = net.add(f"block{i}_add", "add", inputs=[y, x])
    last = first + middle
    halving(f"block{last}", x, (entry[-1], exit_widths[0]), relu_first=True)
    for j, filters in enumerate(exit_widths[1:], 1):
        separable(f"block{last + 1}_sepconv{j}", filters)
        relu(f"block{last + 1}_sepconv{j}")
    net.add("pool", "global_average_pooling")
    net.add("predictions", "dense", f"units: {classes} activation: SOFTMAX")
    return net


def alphago_policy(k):
    """Silver et al. 2016: 12 convolutions, and a last one with a bias for each point."""
    net = Description(f"alphago_policy_{k}", [
        f"The policy network of AlphaGo (Silver et al. 2016) with {k} filters: 48 planes of a 19x19 board -> 361 points."],
        (48, 19, 19))
    for i in range(1, 13):
        net.add(f"conv{i}", "conv2d", f"filters: {k} kernel_size: {5 if i == 1 else 3} padding: SAME activation: RELU")
    net.add("conv13", "conv2d", "filters: 1 kernel_size: 1 use_bias: false")
    net.add("bias", "position_bias")
    net.add("flatten", "flatten")
    net.add("policy", "activation", "kind: SOFTMAX")
    return net


def networks():
    yield "resnet20_cifar", resnet20()
    for alpha in (1.0, 0.75, 0.5, 0.25):
        yield f"mobilenet_v1_{alpha}", mobilenet_v1(alpha)
    yield "xception", xception("xception", ["Xception (Chollet 2017), as in Keras."], 299, (32, 64), (128, 256, 728), 8,
                               (1024, 1536, 2048), 1000)
    yield "xception_small", xception(
        "xception_small", ["Xception (Chollet 2017), small: a quarter of the width, two blocks in the middle, 71x71, 10 classes."],
        71, (8, 16), (32, 64, 182), 2, (256, 384, 512), 10)
    for k in (128, 192, 256, 384):
        yield f"alphago_policy_{k}", alphago_policy(k)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for name, net in networks():
        path = HERE / f"{name}.textproto"
        if not check:
            path.write_text(net.text())
        elif not path.is_file() or path.read_text() != net.text():
            stale.append(path.name)
    if stale:
        sys.exit(f"{', '.join(stale)}: expected what make_networks.py writes")


if __name__ == "__main__":
    main()
