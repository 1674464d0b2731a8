"""Translates a network to a float32 .tflite file of the same weights for one batch size, channels last as there.

Weights are permuted beforehand, so that nothing is transposed when the network runs; batch normalisations are scale and
shift, which TF Lite's converter folds into convolutions.
"""
import numpy as np
import tensorflow as tf

import graph as graph_reader


class Translator:
    """Runs the graph's nodes on values whose channels are the last axis.

    `flattened` remembers the size of what a value was flattened from, in the network's order: its elements stand in
    another order here, which the weights of the dense layer that reads them have to follow. `as_is` are values with
    the same axes here and there, `positive` those that are not below zero.
    """

    def __init__(self, network):
        self.network = network
        self.flattened, self.as_is, self.positive = {}, set(), set()

    def run(self, x):
        values = {"": None, "input": x}
        if len(x.shape) < 3:
            self.as_is.add("input")
        for node in self.network.nodes:
            inputs = [values.get(name, self.network.constants.get(name)) for name in node.inputs]
            values[node.output] = getattr(self, node.operator.lower())(node, *inputs)
        return values["output"]

    # Elementwise.
    def relu(self, node, x):
        self.positive.add(node.output)
        return tf.nn.relu(x)

    def tanh(self, node, x):
        return tf.tanh(x)

    def clip(self, node, x, low, high):
        if (float(low), float(high)) != (0, 6):
            raise ValueError(f"Clip: expected 0 to 6, got {low} to {high}")
        return tf.nn.relu6(x)

    def add(self, node, x, y):
        return x + y

    def softmax(self, node, x):
        return tf.nn.softmax(x)

    def batchnormalization(self, node, x, gamma, beta, mean, variance):
        scale = gamma / np.sqrt(variance + node["epsilon"])
        return x * scale + (beta - mean * scale)

    # Windows.
    def _padded(self, node, x, reach, outside):
        """The value and the kind of padding that TensorFlow shall add; if it has none like it, the value padded."""
        half = len(node["pads"]) // 2
        before, after = node["pads"][:half], node["pads"][half:]
        sizes = x.shape[1:-1]
        outputs = [-(-n // stride) for n, stride in zip(sizes, node["strides"])]
        missing = [max((o - 1) * stride + r - n, 0)
                   for o, stride, r, n in zip(outputs, node["strides"], reach, sizes)]
        if [m // 2 for m in missing] == before and [m - m // 2 for m in missing] == after:
            return x, "SAME"
        if any(node["pads"]):
            x = tf.pad(x, [(0, 0), *zip(before, after), (0, 0)], constant_values=outside)
        return x, "VALID"

    def conv(self, node, x, weight, bias=None):
        window, dilations = node["kernel_shape"], node["dilations"]
        x, padding = self._padded(node, x, [d * (w - 1) + 1 for w, d in zip(window, dilations)], 0.0)
        weight = np.moveaxis(weight, (0, 1), (-1, -2))  # window, channels, filters
        if node["group"] == 1:
            x = tf.nn.convolution(x, weight, node["strides"], padding, dilations=dilations)
        elif weight.shape[-2] == 1 and node["group"] == x.shape[-1]:
            weight = weight.reshape(*window, node["group"], -1)
            x = tf.nn.depthwise_conv2d(x, weight, [1, *node["strides"], 1], padding, dilations=dilations)
        else:
            raise ValueError(f"Conv: expected no groups or depthwise, got {node['group']} groups")
        return x if bias is None else tf.nn.bias_add(x, bias)

    def maxpool(self, node, x):
        outside = 0.0 if node.inputs[0] in self.positive else x.dtype.min  # XNNPACK has a padding with zeros only
        x, padding = self._padded(node, x, node["kernel_shape"], outside)
        return tf.nn.max_pool2d(x, node["kernel_shape"], node["strides"], padding)

    def averagepool(self, node, x):
        if any(node["pads"]):
            raise ValueError(f"AveragePool: expected no padding, got {node['pads']}")
        return tf.nn.avg_pool2d(x, node["kernel_shape"], node["strides"], "VALID")

    def globalaveragepool(self, node, x):
        return tf.reduce_mean(x, [1, 2], keepdims=True)

    def resize(self, node, x, _, scales):
        if node["mode"] != b"linear" or node["coordinate_transformation_mode"] != b"half_pixel":
            raise ValueError(f"Resize: expected linear and half_pixel, got {node.attributes}")
        return tf.image.resize(x, [int(n * s) for n, s in zip(x.shape[1:-1], scales[2:])])

    # Order of elements.
    def depthtospace(self, node, x):
        if x.shape[-1] != node["blocksize"]**2:
            raise ValueError(f"DepthToSpace: expected one channel from {node['blocksize']**2}, got {x.shape[-1]}")
        return tf.nn.depth_to_space(x, node["blocksize"])

    def concat(self, node, *values):
        return tf.concat(values, -1)

    def gather(self, node, table, x):
        self.as_is.add(node.output)
        return tf.gather(table, x)

    def transpose(self, node, x):
        """Of a text, which comes with its channels last: [batch, words, features] is what the convolution wants."""
        if node.inputs[0] not in self.as_is or node["perm"] != [0, 2, 1]:
            raise ValueError(f"Transpose: expected the channels of a text to come first, got {node['perm']}")
        return x

    def reducemax(self, node, x):
        return tf.reduce_max(x, [axis - 1 for axis in node["axes"]], keepdims=bool(node["keepdims"]))

    def flatten(self, node, x):
        self.flattened[node.output] = (x.shape[-1], *x.shape[1:-1])
        return tf.reshape(x, [x.shape[0], -1])

    def gemm(self, node, x, weight, bias):
        channels_first = self.flattened.get(node.inputs[0])
        if channels_first:
            weight = np.moveaxis(weight.reshape(-1, *channels_first), 1, -1).reshape(weight.shape)
        return tf.matmul(x, np.ascontiguousarray(weight.T)) + bias


def convert(source, target, batch):
    network = graph_reader.read(source)
    first, *others = network.input_shape
    shape = [batch, *others, first]
    run = tf.function(lambda x: Translator(network).run(x))
    concrete = run.get_concrete_function(tf.TensorSpec(shape, tf.int64 if network.integers else tf.float32))
    target.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
