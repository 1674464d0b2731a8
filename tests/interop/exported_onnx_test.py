#!/usr/bin/env python3
"""Files that Beak writes: the checker of ONNX accepts them, and ONNX Runtime computes with them what it computes with the
file they were made of."""
import pathlib
import subprocess
import tempfile
import unittest

import harness
import numpy as np
import onnx
import onnxruntime
from beak_process import BIN_DIR, DATA_DIR, SOURCE_DIR

from random_networks import RandomNetwork

NETWORKS = 40
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
# The same operators in the same runtime: only fusions of its own may differ, by less than float32 rounding in sums.
RELATIVE, ABSOLUTE = 1e-4, 1e-5  # the absolute one times the largest value, at least 1
REAL = ("models/onnx", "models/ultraface-rfb320")
NODE_CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")


class Unsupported(Exception):
    """Beak says that it lacks something."""


def convert(path, folder):
    written = pathlib.Path(folder) / "written.onnx"
    done = subprocess.run([BIN_DIR / "beak-model", "convert", path, written], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if "UNIMPLEMENTED" in done.stderr:
        raise Unsupported(done.stderr)
    assert done.returncode == 0, done.stderr
    return written


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it says of networks that it refuses is in the exception too
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def make_inputs(runtime, seed):
    """Random numbers for every input; free dimensions are 2."""
    random = np.random.default_rng(seed)
    inputs = {}
    for value in runtime.get_inputs():
        shape = [n if isinstance(n, int) else 2 for n in value.shape]
        inputs[value.name] = random.standard_normal(shape, np.float32).astype(TYPES[value.type])
    return inputs


def inputs_that_run(path):
    """The stored inputs of an ONNX node case; None where ONNX Runtime does not run it."""
    names = [value.name for value in onnx.load(path).graph.input]
    try:
        files = [path.parent / "test_data_set_0" / f"input_{i}.pb" for i in range(len(names))]
        inputs = {name: onnx.numpy_helper.to_array(onnx.load_tensor(file)) for name, file in zip(names, files)}
        session(path).run(None, inputs)
        return inputs
    except Exception:  # its exceptions, and those of types that NumPy has not, have no other base in common
        return None


class ExportedOnnx(unittest.TestCase):

    def check(self, path, folder, seed=0, inputs=None):
        written = convert(path, folder)
        model = onnx.load(written)
        if all(value.type.tensor_type.HasField("shape") for value in model.graph.output):
            onnx.checker.check_model(model, full_check=True)
        else:  # it refuses outputs whose rank depends on data
            self.assertIn("data/node", str(path))
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", 22)])
        self.assertEqual((model.ir_version, model.producer_name), (10, "beak"))
        before, after = session(path), session(written)
        inputs = make_inputs(before, seed) if inputs is None else inputs
        self.assertEqual([value.name for value in after.get_outputs()], [value.name for value in before.get_outputs()])
        for actual, expected in zip(after.run(None, inputs), before.run(None, inputs), strict=True):
            self.assertEqual(actual.dtype, expected.dtype)
            np.testing.assert_allclose(actual, expected, RELATIVE, ABSOLUTE * np.abs(expected).max(initial=1))

    def test_random_networks(self):
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(NETWORKS):
                with self.subTest(seed=seed):
                    path = pathlib.Path(folder) / f"random_{seed}.onnx"
                    onnx.save(RandomNetwork(seed).model, path)
                    self.check(path, folder, seed)

    def test_node_cases(self):
        """One operator each, in every form that both read."""
        if not NODE_CASES.is_dir():
            self.skipTest(f"{NODE_CASES} is absent; it comes with libonnx-testdata")
        compared = 0
        with tempfile.TemporaryDirectory() as folder:
            for name in (SOURCE_DIR / "tests/conformance/node_cases.txt").read_text().split():
                path = NODE_CASES / name / "model.onnx"
                with self.subTest(case=name):
                    inputs = inputs_that_run(path)
                    if inputs is None:
                        continue
                    try:
                        self.check(path, folder, inputs=inputs)
                        compared += 1
                    except Unsupported:
                        pass
        self.assertGreater(compared, 300)

    def test_the_demo_s_network(self):
        with tempfile.TemporaryDirectory() as folder:
            self.check(SOURCE_DIR / "deploy/demo/models/mnist/1/model.onnx", folder)

    def test_real_networks(self):
        paths = sorted(path for folder in REAL for path in (DATA_DIR / folder).glob("**/*.onnx"))
        if not paths:
            self.skipTest(f"{DATA_DIR / REAL[0]} is absent; BEAK_DATA says where the data is")
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                if path.parent.name == "style-candy":
                    continue  # has an operator that ONNX dropped
                with self.subTest(path=path):
                    self.check(path, folder)


if __name__ == "__main__":
    harness.main()
