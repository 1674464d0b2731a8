"""A described network (proto/beak/v1/network.proto) in PyTorch, from the description's words alone."""
import math
import pathlib
import subprocess
import tempfile

import torch
import torch.nn.functional as F
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from formula import parameter

ROOT = pathlib.Path(__file__).resolve().parents[3]


def network_class():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "network.pb"
        subprocess.run(["protoc", "-I", ROOT, f"--descriptor_set_out={path}", "proto/beak/v1/network.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("beak.v1.Network"))


Network = network_class()


def read(path):
    return text_format.Parse(pathlib.Path(path).read_text(), Network())


def spread(numbers, count, default):
    numbers = list(numbers) or [default]
    return numbers * count if len(numbers) == 1 else numbers


def begins_and_ends(numbers, count, default=0):
    numbers = list(numbers) or [default]
    return numbers if len(numbers) == 2 * count else spread(numbers, count, default) * 2


def pad(x, pads, value=0.0):
    """`pads`: begins, then ends, of the last dimensions."""
    count = len(pads) // 2
    flat = [n for i in reversed(range(count)) for n in (pads[i], pads[i + count])]
    return F.pad(x, flat, value=value)


def window_pads(field, x, kernel, strides, dilations):
    """SAME as TensorFlow's: ceil(size / stride), the odd one behind."""
    count = len(kernel)
    if field.padding == 0:
        return begins_and_ends(field.pads, count)
    total = [max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
             for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations)]
    return [n // 2 for n in total] + [n - n // 2 for n in total]


ACTIVATIONS = {
    "LINEAR": lambda x: x,
    "RELU": F.relu,
    "RELU6": F.relu6,
    "LEAKY_RELU": lambda x: F.leaky_relu(x, 0.3),
    "ELU": F.elu,
    "SELU": F.selu,
    "SIGMOID": torch.sigmoid,
    "TANH": torch.tanh,
    "SOFTPLUS": F.softplus,
    "HARD_SIGMOID": F.hardsigmoid,
    "HARD_SWISH": F.hardswish,
    "SWISH": F.silu,
}


KINKS = {"RELU": (0,), "RELU6": (0, 6), "LEAKY_RELU": (0,), "SELU": (0,), "HARD_SIGMOID": (-3, 3), "HARD_SWISH": (-3, 3)}


class Evaluation:
    """Computes a network's logits: what the last softmax would get. Parameters come into being as layers ask for them.

    `margin` is the distance of the nearest value to a kink, in standard deviations of its layer: rounding that reaches
    it would change gradients by a whole share."""

    def __init__(self, network):
        self.network, self.parameters, self.statistics, self.margin = network, {}, {}, math.inf

    def keep_off(self, distances, x):
        distances = distances[distances != 0]  # zeros that a ReLU has made are equal in any arithmetic
        if distances.numel():
            self.margin = min(self.margin, (distances.abs().min() / x.std()).item())

    def largest(self, x, dim):
        best = x.detach().topk(2, dim).values
        self.keep_off(best.select(dim, 0) - best.select(dim, 1), x.detach())
        return x.amax(dim)

    def logits(self, x):
        values, last = {self.network.input[0].name: x}, x
        for layer in self.network.layer:
            inputs = [values[name] for name in layer.input] or [last]
            kind = layer.WhichOneof("kind")
            self.layer = layer
            last = values[layer.name] = getattr(self, kind)(getattr(layer, kind), *inputs)
        return last

    def parameter(self, what, *shape):
        name = f"{self.layer.name}/{what}"
        if name not in self.parameters:
            self.parameters[name] = torch.from_numpy(parameter(name, shape)).double().requires_grad_()
        return self.parameters[name]

    def activate(self, kind, x):
        name = self.network.DESCRIPTOR.file.message_types_by_name["Activation"].enum_types_by_name["Kind"]
        name = name.values_by_number[kind].name
        for kink in KINKS.get(name, ()):
            self.keep_off(x.detach() - kink, x.detach())
        return x if name == "SOFTMAX" else ACTIVATIONS[name](x)  # the loss takes logits

    # ------------------------------------------------------------------ weights

    def bias(self, field, count):
        return self.parameter("bias", count) if not field.HasField("use_bias") or field.use_bias else None

    def convolve(self, field, x, what, filters, groups, bias):
        count = x.dim() - 2
        kernel = spread(field.kernel_size, count, 1)
        strides, dilations = spread(field.strides, count, 1), spread(field.dilation_rate, count, 1)
        x = pad(x, window_pads(field, x, kernel, strides, dilations))
        weights = self.parameter(what, filters, x.shape[1] // groups, *kernel)
        return (F.conv1d, F.conv2d)[count - 1](x, weights, bias, strides, 0, dilations, groups)

    def conv2d(self, field, x):
        y = self.convolve(field, x, "kernel", field.filters, field.groups or 1, self.bias(field, field.filters))
        return self.activate(field.activation, y)

    def depthwise_conv2d(self, field, x):
        filters = x.shape[1] * (field.depth_multiplier or 1)
        y = self.convolve(field, x, "kernel", filters, x.shape[1], self.bias(field, filters))
        return self.activate(field.activation, y)

    def separable_conv2d(self, field, x):
        filters = x.shape[1] * (field.depth_multiplier or 1)
        y = self.convolve(field, x, "depthwise_kernel", filters, x.shape[1], None)
        weights = self.parameter("pointwise_kernel", field.filters, filters, *[1] * (x.dim() - 2))
        y = (F.conv1d, F.conv2d)[x.dim() - 3](y, weights, self.bias(field, field.filters))
        return self.activate(field.activation, y)

    def conv2d_transpose(self, field, x):
        count = x.dim() - 2
        kernel, strides = spread(field.kernel_size, count, 1), spread(field.strides, count, 1)
        weights = self.parameter("kernel", x.shape[1], field.filters, *kernel)
        bias = self.bias(field, field.filters)
        more = [max(s - k, 0) for k, s in zip(kernel, strides)]
        y = (F.conv_transpose1d, F.conv_transpose2d)[count - 1](x, weights, bias, strides, 0, more)
        if field.padding == 1:  # SAME cuts what is more than size * stride
            cut = [max(k - s, 0) for k, s in zip(kernel, strides)]
            y = pad(y, [-(n // 2) for n in cut] + [n // 2 - n for n in cut])
        return self.activate(field.activation, y)

    conv1d, depthwise_conv1d, separable_conv1d, conv1d_transpose = (
        conv2d, depthwise_conv2d, separable_conv2d, conv2d_transpose)

    def dense(self, field, x):
        y = F.linear(x, self.parameter("kernel", field.units, x.shape[1]), self.bias(field, field.units))
        return self.activate(field.activation, y)

    def embedding(self, field, x):
        return F.embedding(x, self.parameter("embeddings", field.input_dim, field.output_dim)).transpose(1, 2)

    def position_bias(self, _, x):
        return x + self.parameter("bias", *x.shape[1:])

    # ------------------------------------------------------------------ pools and norms

    def pool(self, field, x, largest):
        count = x.dim() - 2
        size = spread(field.pool_size, count, 2)
        strides = list(spread(field.strides, count, 1)) if field.strides else size
        pads = window_pads(field, x, size, strides, [1] * count)
        if largest:
            windows = pad(x, pads, -torch.inf)
            for i, (window, stride) in enumerate(zip(size, strides), 2):
                windows = windows.unfold(i, window, stride)
            best = windows.detach().flatten(2 + count).topk(2).values
            self.keep_off(best[..., 0] - best[..., 1], x.detach())
            return (F.max_pool1d, F.max_pool2d)[count - 1](pad(x, pads, -torch.inf), size, strides)
        mean = (F.avg_pool1d, F.avg_pool2d)[count - 1]  # pads do not count
        return mean(pad(x, pads), size, strides) / mean(pad(torch.ones_like(x), pads), size, strides)

    def max_pooling2d(self, field, x):
        return self.pool(field, x, True)

    def average_pooling2d(self, field, x):
        return self.pool(field, x, False)

    max_pooling1d, average_pooling1d = max_pooling2d, average_pooling2d

    def global_max_pooling(self, _, x):
        return self.largest(x.flatten(2), 2)

    def global_average_pooling(self, _, x):
        return x.flatten(2).mean(2)

    def batch_normalization(self, field, x):
        pytorch = field.convention == 1
        epsilon = field.epsilon if field.HasField("epsilon") else (1e-5 if pytorch else 1e-3)
        mean, variance = torch.zeros(x.shape[1]).double(), torch.ones(x.shape[1]).double()
        y = F.batch_norm(x, mean, variance, self.parameter("gamma", x.shape[1]), self.parameter("beta", x.shape[1]),
                         True, 1.0, epsilon)
        count = x.numel() // x.shape[1]
        self.statistics[f"{self.layer.name}/mean"] = mean
        self.statistics[f"{self.layer.name}/variance"] = variance * (count - 1) / count  # what the batch's own is
        return y

    def layer_normalization(self, field, x):
        epsilon = field.epsilon if field.HasField("epsilon") else 1e-3
        y = F.layer_norm(x.movedim(1, -1), x.shape[1:2], self.parameter("gamma", x.shape[1]),
                         self.parameter("beta", x.shape[1]), epsilon)
        return y.movedim(-1, 1)

    # ------------------------------------------------------------------ the rest

    def activation(self, field, x):
        return self.activate(field.kind, x)

    def prelu(self, field, x):
        self.keep_off(x.detach(), x.detach())
        shape = [1 if i in field.shared_axes else n for i, n in enumerate(x.shape[1:], 1)]
        return torch.where(x > 0, x, x * self.parameter("alpha", *shape))

    def maxout(self, field, x):
        return self.largest(x.unflatten(1, (field.pieces, -1)), 1)

    def flatten(self, _, x):
        return x.flatten(1)

    def depth_to_space(self, field, x):
        assert field.mode == 0
        return F.pixel_shuffle(x, field.block_size)

    def zero_padding(self, field, x):
        return pad(x, begins_and_ends(field.padding, x.dim() - 2, 1))

    def up_sampling(self, field, x):
        scales = [float(n) for n in spread(field.size, x.dim() - 2, 2)]
        if field.interpolation == 0:
            return F.interpolate(x, scale_factor=scales, mode="nearest")
        return F.interpolate(x, scale_factor=scales, mode="bilinear", align_corners=False)

    def add(self, _, *inputs):
        return sum(inputs[1:], inputs[0])

    def multiply(self, _, a, b):
        return a * b

    def maximum(self, _, a, b):
        self.keep_off((a - b).detach(), a.detach())
        return torch.maximum(a, b)

    def concatenate(self, field, *inputs):
        return torch.cat(inputs, field.axis or 1)
