"""Translates a network to PyTorch: a module of the same operators, traced and saved as TorchScript."""
import torch
import torch.nn.functional as F

import graph as graph_reader


def _same_pads(node):
    """The padding of a side, along each axis."""
    pads = node["pads"]
    half = len(pads) // 2
    if pads[:half] != pads[half:]:
        raise ValueError(f"{node.operator}: expected the same padding on both sides, got {pads}")
    return pads[:half]


def _conv(node, x, weight, bias=None):
    call = {1: F.conv1d, 2: F.conv2d}[len(node["kernel_shape"])]
    return call(x, weight, bias, node["strides"], _same_pads(node), node["dilations"], node["group"])


def _resize(node, x, _, scales):
    if node["mode"] != b"linear" or node["coordinate_transformation_mode"] != b"half_pixel":
        raise ValueError(f"Resize: expected linear and half_pixel, got {node.attributes}")
    return F.interpolate(x, scale_factor=scales.tolist()[2:], mode="bilinear", align_corners=False)


OPERATORS = {
    "Add": lambda node, x, y: x + y,
    "AveragePool": lambda node, x: F.avg_pool2d(x, node["kernel_shape"], node["strides"], _same_pads(node)),
    "BatchNormalization": lambda node, x, gamma, beta, mean, variance: F.batch_norm(
        x, mean, variance, gamma, beta, eps=node["epsilon"]),
    "Clip": lambda node, x, low, high: F.hardtanh(x, float(low), float(high)),
    "Concat": lambda node, *values: torch.cat(values, node["axis"]),
    "Conv": _conv,
    "DepthToSpace": lambda node, x: F.pixel_shuffle(x, node["blocksize"]),
    "Flatten": lambda node, x: torch.flatten(x, node["axis"]),
    "Gather": lambda node, table, x: F.embedding(x, table),
    "Gemm": lambda node, x, weight, bias: F.linear(x, weight, bias),
    "GlobalAveragePool": lambda node, x: F.adaptive_avg_pool2d(x, 1),
    "MaxPool": lambda node, x: F.max_pool2d(x, node["kernel_shape"], node["strides"], _same_pads(node)),
    "ReduceMax": lambda node, x: torch.amax(x, node["axes"], keepdim=bool(node["keepdims"])),
    "Relu": lambda node, x: F.relu(x),
    "Resize": _resize,
    "Softmax": lambda node, x: F.softmax(x, node["axis"]),
    "Tanh": lambda node, x: torch.tanh(x),
    "Transpose": lambda node, x: x.permute(*node["perm"]),
}


class Translated(torch.nn.Module):
    """Runs the graph's nodes; its constants are buffers, so that freezing can fold them."""

    def __init__(self, network):
        super().__init__()
        self.nodes = network.nodes
        for name, values in network.constants.items():
            self.register_buffer(name, torch.from_numpy(values.copy()))

    def forward(self, x):
        values = {"": None, "input": x, **dict(self.named_buffers())}
        for node in self.nodes:
            values[node.output] = OPERATORS[node.operator](node, *(values[name] for name in node.inputs))
        return values["output"]


def convert(source, target):
    network = graph_reader.read(source)
    shape = (2, *network.input_shape)
    example = torch.zeros(shape, dtype=torch.int64) if network.integers else torch.rand(shape)
    with torch.inference_mode():
        torch.jit.save(torch.jit.trace(Translated(network).eval(), example), str(target))
