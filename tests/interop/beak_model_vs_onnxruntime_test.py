#!/usr/bin/env python3
"""Random small networks, run by beak-model and by ONNX Runtime on the same input."""
import collections
import pathlib
import tempfile
import unittest

import harness
import numpy as np
import onnx
import onnxruntime
from beak_process import run_model

from random_networks import RandomNetwork

NETWORKS = 40
RELATIVE, ABSOLUTE = 1e-3, 1e-5  # those of `beak-model test`: the absolute one times the largest value, at least 1


def text(graph):
    """The graph for a reader: its constants appear as inputs, without their values."""
    shown = onnx.GraphProto()
    shown.CopyFrom(graph)
    for tensor in graph.initializer:
        shown.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    shown.ClearField("initializer")
    return onnx.printer.to_text(shown)


class BeakModelVersusOnnxRuntime(unittest.TestCase):

    def check(self, seed, folder):
        network = RandomNetwork(seed)
        path = pathlib.Path(folder) / f"random_{seed}.onnx"
        onnx.save(network.model, path)
        random = np.random.default_rng(seed)
        x = random.standard_normal((1 + seed % 4, *network.input_shape), np.float32)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        expected = session.run(["output"], {"input": x})[0]
        try:
            actual = run_model(path, {"input": x}, ["output"], folder)["output"]
            self.assertEqual(actual.dtype, expected.dtype)
            np.testing.assert_allclose(actual, expected, RELATIVE, ABSOLUTE * max(1, np.abs(expected).max()))
        except AssertionError as error:
            raise AssertionError(f"{error}\nseed {seed} on {x.shape}: {text(network.model.graph)}") from None

    def test_random_networks_agree(self):
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(NETWORKS):
                with self.subTest(seed=seed):
                    self.check(seed, folder)

    def test_the_seeds_reach_every_operator(self):
        nodes = (node for seed in range(NETWORKS) for node in RandomNetwork(seed).model.graph.node)
        used = collections.Counter(node.op_type for node in nodes)
        wanted = {"Conv", "BatchNormalization", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Add",
                  "Mul", "Concat", "Gemm", "MatMul", "Softmax", "Flatten", "Reshape", "Relu", "Sigmoid", "Tanh",
                  "HardSwish", "LeakyRelu", "Elu", "Softplus", "HardSigmoid", "Clip", "PRelu"}
        self.assertLessEqual(wanted, set(used), f"operators used: {dict(used)}")


if __name__ == "__main__":
    harness.main()
