#!/usr/bin/env python3
"""The demo's committed network, run by beak-model, on MNIST's 10,000 test images."""
import tempfile
import unittest

import harness
import numpy as np
from beak_process import DATA_DIR, SOURCE_DIR, read_idx, run_model

MODEL = SOURCE_DIR / "deploy/demo/models/mnist/1/model.onnx"
MNIST = DATA_DIR / "datasets/mnist"
ROWS = 500  # a run


class MnistAccuracy(unittest.TestCase):

    @unittest.skipUnless(MNIST.is_dir(), f"MNIST is not in {MNIST} (BEAK_DATA names the folder of data sets)")
    def test_at_least_99_percent_of_the_test_images_are_recognised(self):
        images = read_idx(MNIST / "t10k-images-idx3-ubyte.gz")[:, None].astype(np.float32)
        labels = read_idx(MNIST / "t10k-labels-idx1-ubyte.gz")
        hits = 0
        with tempfile.TemporaryDirectory() as folder:
            for begin in range(0, len(images), ROWS):
                batch = slice(begin, begin + ROWS)
                answer = run_model(MODEL, {"image": images[batch]}, ["probabilities"], folder)["probabilities"]
                np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-4)
                hits += np.count_nonzero(answer.argmax(axis=1) == labels[batch])
        print(f"{hits} of {len(images)} images recognised")
        self.assertGreaterEqual(hits / len(images), 0.99)


if __name__ == "__main__":
    harness.main()
