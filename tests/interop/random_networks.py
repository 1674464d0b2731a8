"""Small random networks as ONNX models: the operators of real ones, in combinations that nobody thought of."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class RandomNetwork:
    """Grows a network of a few random blocks; the same seed gives the same network.

    `model` is the ONNX model with input `input` [batch, channels, height, width] and output `output`, `input_shape` the
    input's shape without the batch.
    """

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.input_shape = (self.pick(1, 2, 3, 5, 8, 16), self.integer(9, 25), self.integer(9, 25))
        value, shape = "input", self.input_shape
        for _ in range(self.integer(2, 6)):
            block = self.pick(self.convolution, self.convolution, self.depthwise, self.pool, self.residual,
                              self.branches, self.gate)
            value, shape = block(value, shape)
        value, shape = self.pick(self.dense_head, self.pooled_head, self.map_head)(value, shape)
        self.nodes[-1].output[0] = "output"
        self.model = self.finish(shape)

    # Random choices.
    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def integer(self, low, high):
        return int(self.random.integers(low, high + 1))

    # Pieces of the graph.
    def node(self, operator, inputs, **attributes):
        number = len(self.nodes)
        output = f"value_{number}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{operator}_{number}", **attributes))
        return output

    def constant(self, values, dtype=np.float32):
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape):
        fan_in = np.prod(shape[1:])
        return self.constant(self.random.standard_normal(shape) * np.sqrt(2 / fan_in))

    def finish(self, shape):
        info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])
        graph = helper.make_graph(self.nodes, "random", [info("input", self.input_shape)], [info("output", shape)],
                                  self.initializers)
        model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
        checker.check_model(model, full_check=True)
        return model

    # Layers: (value, shape) -> (value, shape).
    def conv(self, x, shape, filters, kernel, stride=(1, 1), dilation=(1, 1), groups=1, same=False, bias=True):
        channels, *size = shape
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        begins = [r // 2 if same else self.integer(0, r - 1) for r in reach]
        ends = [(r - 1) // 2 if same else self.integer(0, r - 1) for r in reach]
        inputs = [x, self.weights(filters, channels // groups, *kernel)]
        if bias:
            inputs.append(self.constant(self.random.uniform(-0.2, 0.2, filters)))
        y = self.node("Conv", inputs, kernel_shape=kernel, strides=stride, dilations=dilation, group=groups,
                      pads=begins + ends)
        out = [(n + b + e - r) // s + 1 for n, b, e, r, s in zip(size, begins, ends, reach, stride)]
        return y, (filters, *out)

    def batch_norm(self, x, channels):
        ranges = [(0.5, 1.5), (-0.3, 0.3), (-0.3, 0.3), (0.5, 1.5)]  # scale, bias, mean, variance
        inputs = [x] + [self.constant(self.random.uniform(*limits, channels)) for limits in ranges]
        return self.node("BatchNormalization", inputs, epsilon=self.pick(1e-5, 1e-3))

    def activation(self, x, channels):
        operator, attributes, extra = self.pick(
            ("Relu", {}, []), ("Relu", {}, []), ("Relu", {}, []), ("Sigmoid", {}, []), ("Tanh", {}, []),
            ("HardSwish", {}, []), ("LeakyRelu", {"alpha": 0.1}, []), ("Elu", {"alpha": 0.7}, []), ("Softplus", {}, []),
            ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}, []), ("Clip", {}, [0.0, 6.0]), ("PRelu", {}, None))
        if extra is None:
            extra = [self.random.uniform(0, 0.5, (channels, 1, 1))]
        return self.node(operator, [x] + [self.constant(value) for value in extra], **attributes)

    # Blocks.
    def convolution(self, x, shape):
        fits = [k for k in (1, 2, 3, 5) if k <= min(shape[1:])]
        kernel = [self.pick(*fits), self.pick(*fits)]
        dilation = [self.pick(1, 1, 2) if (k - 1) * 2 < n else 1 for k, n in zip(kernel, shape[1:])]
        groups = self.pick(*(g for g in (1, 1, 1, 2, 4) if shape[0] % g == 0))
        y, shape = self.conv(x, shape, groups * self.integer(1, 12), kernel, [self.pick(1, 1, 2), self.pick(1, 1, 2)],
                             dilation, groups, bias=self.pick(True, False))
        if self.pick(True, False):
            y = self.batch_norm(y, shape[0])
        return (self.activation(y, shape[0]) if self.integer(0, 3) else y), shape

    def depthwise(self, x, shape):
        multiplier, stride = self.pick(1, 1, 2), self.pick(1, 2)
        y, shape = self.conv(x, shape, shape[0] * multiplier, [3, 3], [stride, stride], groups=shape[0], same=True,
                             bias=False)
        y = self.activation(self.batch_norm(y, shape[0]), shape[0])
        y, shape = self.conv(y, shape, self.integer(2, 16), [1, 1], bias=False)
        return self.batch_norm(y, shape[0]), shape

    def pool(self, x, shape):
        channels, *size = shape
        kernel = [self.integer(1, min(3, n)) for n in size]
        pads = [self.integer(0, k - 1) for k in kernel + kernel]
        stride = [self.pick(1, 2), self.pick(1, 2)]
        operator, extra = self.pick(("MaxPool", {}), ("AveragePool", {"count_include_pad": self.pick(0, 1)}))
        y = self.node(operator, [x], kernel_shape=kernel, strides=stride, pads=pads, **extra)
        out = [(n + pads[i] + pads[i + 2] - kernel[i]) // stride[i] + 1 for i, n in enumerate(size)]
        return y, (channels, *out)

    def residual(self, x, shape):
        y, _ = self.conv(x, shape, shape[0], [3, 3], same=True, bias=False)
        y = self.activation(self.batch_norm(y, shape[0]), shape[0])
        y, _ = self.conv(y, shape, shape[0], [3, 3], same=True)
        y = self.node("Add", self.pick([x, y], [y, x]))
        return (self.activation(y, shape[0]) if self.pick(True, False) else y), shape

    def branches(self, x, shape):
        values, channels = [], 0
        for kernel in (1, 3, 5)[:self.integer(2, 3)]:
            y, branch = self.conv(x, shape, self.integer(1, 9), [kernel, kernel], same=True)
            values.append(self.activation(y, branch[0]))
            channels += branch[0]
        if self.pick(True, False):
            values.append(x)
            channels += shape[0]
        return self.node("Concat", values, axis=1), (channels, *shape[1:])

    def gate(self, x, shape):
        """Squeeze and excitation: each channel weighted by what all the picture says."""
        y = self.node("GlobalAveragePool", [x])
        hidden = max(1, shape[0] // 2)
        y, _ = self.conv(y, (shape[0], 1, 1), hidden, [1, 1])
        y, _ = self.conv(self.node("Relu", [y]), (hidden, 1, 1), shape[0], [1, 1])
        return self.node("Mul", [x, self.node("Sigmoid", [y])]), shape

    # Ends.
    def dense(self, x, features, units):
        if self.pick(True, False):
            bias = self.constant(self.random.uniform(-0.2, 0.2, units))
            return self.node("Gemm", [x, self.weights(units, features), bias], transB=1, alpha=self.pick(1.0, 0.5))
        x = self.node("MatMul", [x, self.constant(self.random.standard_normal((features, units)) / np.sqrt(features))])
        return self.node("Add", [x, self.constant(self.random.uniform(-0.2, 0.2, units))])

    def dense_head(self, x, shape):
        features, hidden, units = int(np.prod(shape)), self.integer(3, 20), self.integer(2, 12)
        flat = self.pick(lambda: self.node("Flatten", [x], axis=1),
                         lambda: self.node("Reshape", [x, self.constant([0, -1], np.int64)]))()
        y = self.node("Relu", [self.dense(flat, features, hidden)])
        return self.node("Softmax", [self.dense(y, hidden, units)], axis=self.pick(1, -1)), (units,)

    def pooled_head(self, x, shape):
        operator = self.pick("GlobalAveragePool", "GlobalMaxPool")
        y = self.node("Flatten", [self.node(operator, [x])], axis=1)
        units = self.integer(2, 12)
        return self.dense(y, shape[0], units), (units,)

    def map_head(self, x, shape):
        y, shape = self.conv(x, shape, self.integer(1, 5), [1, 1])
        return self.node("Sigmoid", [y]), shape
