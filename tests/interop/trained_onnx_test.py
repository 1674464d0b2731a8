#!/usr/bin/env python3
"""Networks that Beak has trained: the checker of ONNX accepts their files, and ONNX Runtime computes with them what Beak
does."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import harness
import numpy as np
import onnx
import onnxruntime
from beak_process import BIN_DIR

RELATIVE, ABSOLUTE = 1e-4, 1e-5  # of sums in float32 in another order

# Every layer whose training form is not its serving form, and what is written into the graph for raw inputs.
PICTURES = """
model: "pictures"
network { description {
  name: "pictures"
  input { name: "image" shape: [3, 12, 12] }
  layer { name: "conv" conv2d { filters: 8 kernel_size: 3 padding: SAME } }
  layer { name: "norm" batch_normalization {} }
  layer { name: "relu" activation { kind: RELU } }
  layer { name: "spatial" spatial_dropout { rate: 0.1 } }
  layer { name: "pool" max_pooling2d { pool_size: 2 } }
  layer { name: "mean" global_average_pooling {} }
  layer { name: "drop" dropout { rate: 0.2 } }
  layer { name: "out" dense { units: 3 activation: SOFTMAX } }
} }
data {
  training { arrays {
    field { name: "image" file: "image.npy" }
    field { name: "label" file: "label.npy" classes { count: 3 } }
  } }
  hold_out { fraction: 0.2 }
  augment { random_flip {} }
}
input { field: "image" standardise {} }
training { epochs: 8 batch_size: 16 threads: 1 optimizer { learning_rate: 0.02 } weight_average { decay: 0.9 } }
"""

NUMBERS = """
model: "numbers"
network { description {
  name: "numbers"
  input { name: "x" shape: [4] }
  layer { name: "hidden" dense { units: 16 activation: TANH } }
  layer { name: "out" dense { units: 2 } }
} }
data {
  training { arrays { field { name: "x" file: "x.npy" } field { name: "y" file: "y.npy" } } }
  hold_out { fraction: 0.2 }
}
training { epochs: 10 threads: 1 loss { target: "y" kind: MEAN_SQUARED_ERROR } optimizer { learning_rate: 0.01 } }
"""


def train(job, arrays, folder):
    """The folder of the result, and the result's lineage."""
    folder = pathlib.Path(folder)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "job.textproto").write_text(job)
    done = subprocess.run([BIN_DIR / "beak-train", folder / "job.textproto", f"--output={folder / 'out'}"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "out/result", json.loads((folder / "out/result/lineage.json").read_text())


class TrainedOnnx(unittest.TestCase):

    def check(self, result, name, inputs):
        """What ONNX Runtime gives for the inputs, once Beak has given the same."""
        path = result / "model.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.assertEqual([value.name for value in runtime.get_inputs()], [name])
        output = runtime.get_outputs()[0].name
        np.save(result.parent / "inputs.npy", inputs)
        subprocess.run([BIN_DIR / "beak-model", "run", path, f"--input={name}={result.parent / 'inputs.npy'}",
                        f"--output={output}={result.parent / 'outputs.npy'}"], check=True, stdout=subprocess.DEVNULL)
        expected = runtime.run(None, {name: inputs})[0]
        np.testing.assert_allclose(np.load(result.parent / "outputs.npy"), expected, RELATIVE, ABSOLUTE)
        return expected

    def test_pictures(self):
        random = np.random.default_rng(1)
        labels = np.arange(240, dtype=np.uint8) % 3
        images = random.integers(0, 120, (240, 12, 12, 3), np.uint8)
        for index, label in enumerate(labels):
            images[index, :, :, label] += 100
        with tempfile.TemporaryDirectory() as folder:
            result, lineage = train(PICTURES, {"image": images, "label": labels}, folder)
            inputs = images[:40].transpose(0, 3, 1, 2).astype(np.float32)  # raw: the network normalises them
            scores = self.check(result, "image", inputs)
            np.testing.assert_allclose(scores.sum(axis=1), 1, 1e-5)
            self.assertGreater((scores.argmax(axis=1) == labels[:40]).mean(), 0.9)
            self.assertGreater(lineage["held_out"]["accuracy"], 0.9)
            self.assertEqual((result / "labels.txt").read_text(), "0\n1\n2\n")

    def test_numbers(self):
        random = np.random.default_rng(2)
        x = random.standard_normal((400, 4), np.float32)
        y = np.stack([x[:, 0] + x[:, 1], x[:, 2] - 1], axis=1).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            result, lineage = train(NUMBERS, {"x": x, "y": y}, folder)
            values = self.check(result, "x", x[:50])
            self.assertLess(np.square(values - y[:50]).mean(), 0.5)
            self.assertNotIn("accuracy", lineage["held_out"])
            self.assertFalse((result / "labels.txt").exists())


if __name__ == "__main__":
    harness.main()
