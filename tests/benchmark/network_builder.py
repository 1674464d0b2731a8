"""Grows an ONNX graph layer by layer, with seeded random weights: what make_networks.py builds its networks with.

Float32, opset 17, free batch, input `input`, output `output`. Weights are He-scaled, so that activations keep their
size from layer to layer and the outputs are not saturated.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # the one that came with opset 17


def spread(size, rank):
    """The size along each of `rank` axes, of a size that is one number where all are equal."""
    return (size,) * rank if isinstance(size, int) else tuple(size)


class Builder:
    """A graph that grows; a value is known by its name, its shape (without batch) is in `shapes`."""

    def __init__(self, name, input_shape, input_type=TensorProto.FLOAT, seed=1):
        self.name, self.input_type = name, input_type
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

    def conv(self, x, filters, kernel, stride=1, pad=0, groups=1, bias=True, gain=2.0, dilation=1):
        """gain is 2 where a ReLU comes before or after (He et al. 2015), 1 where none does."""
        channels, *size = self.shapes[x]
        window = spread(kernel, len(size))
        fan_in = channels // groups * int(np.prod(window))
        inputs = [x, self.weights((filters, channels // groups, *window), fan_in, gain)]
        if bias:
            inputs.append(self.uniform("bias", filters, -0.1, 0.1))
        reach = [dilation * (w - 1) + 1 for w in window]
        outputs = [(n + 2 * pad - w) // stride + 1 for n, w in zip(size, reach)]
        return self.node("Conv", inputs, (filters, *outputs), kernel_shape=window, strides=[stride] * len(size),
                         pads=[pad] * 2 * len(size), group=groups, dilations=[dilation] * len(size))

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

    def tanh(self, x):
        return self.node("Tanh", [x], self.shapes[x])

    def pool(self, operator, x, kernel, stride, pad=0):
        channels, *size = self.shapes[x]
        window, steps = spread(kernel, len(size)), spread(stride, len(size))
        outputs = [(n + 2 * pad - w) // step + 1 for n, w, step in zip(size, window, steps)]
        return self.node(operator, [x], (channels, *outputs), kernel_shape=window, strides=steps,
                         pads=[pad] * 2 * len(size))

    def max_pool(self, x, kernel, stride, pad=0):
        return self.pool("MaxPool", x, kernel, stride, pad)

    def average_pool(self, x, kernel, stride):
        return self.pool("AveragePool", x, kernel, stride)

    def global_average_pool(self, x):
        return self.node("GlobalAveragePool", [x], (self.shapes[x][0], 1, 1))

    def max_over(self, x, axis):
        """The maximum along an axis, which counts from the batch."""
        shape = [n for a, n in enumerate(self.shapes[x], 1) if a != axis]
        return self.node("ReduceMax", [x], shape, axes=[axis], keepdims=0)

    def flatten(self, x):
        return self.node("Flatten", [x], (int(np.prod(self.shapes[x])),), axis=1)

    def swap_last(self, x):
        """[batch, a, b] to [batch, b, a]."""
        a, b = self.shapes[x]
        return self.node("Transpose", [x], (b, a), perm=[0, 2, 1])

    def add(self, x, y):
        return self.node("Add", [x, y], self.shapes[x])

    def concat(self, values):
        """One after another along the channels."""
        _, *size = self.shapes[values[0]]
        return self.node("Concat", values, (sum(self.shapes[value][0] for value in values), *size), axis=1)

    def resize(self, x, factor):
        """Bilinear, between the centres of the pixels."""
        channels, *size = self.shapes[x]
        scales = self.constant("scales", np.array([1, 1] + [factor] * len(size), np.float32), trained=False)
        return self.node("Resize", [x, "", scales], (channels, *(n * factor for n in size)), mode="linear",
                         coordinate_transformation_mode="half_pixel")

    def pixel_shuffle(self, x, factor):
        channels, height, width = self.shapes[x]
        return self.node("DepthToSpace", [x], (channels // factor**2, height * factor, width * factor),
                         blocksize=factor, mode="CRD")

    def embedding(self, x, words, features):
        table = self.weights((words, features), 1, 1.0)
        return self.node("Gather", [table, x], (*self.shapes[x], features), axis=0)

    def dense(self, x, units, gain=1.0):
        features = self.shapes[x][0]
        inputs = [x, self.weights((units, features), features, gain), self.uniform("bias", units, -0.1, 0.1)]
        return self.node("Gemm", inputs, (units,), transB=1)

    def softmax(self, x):
        return self.node("Softmax", [x], self.shapes[x], axis=1)

    def model(self, x):
        """The finished model, whose output is the value x, the last that was made."""
        self.nodes[-1].output[0] = "output"
        info = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, ["batch", *shape])
        graph = helper.make_graph(self.nodes, self.name, [info("input", self.input_type, self.shapes["input"])],
                                  [info("output", TensorProto.FLOAT, self.shapes[x])], self.initializers)
        model = helper.make_model(graph, producer_name="beak-benchmark", ir_version=IR_VERSION,
                                  opset_imports=[helper.make_opsetid("", OPSET)])
        onnx.checker.check_model(model, full_check=True)
        return model
