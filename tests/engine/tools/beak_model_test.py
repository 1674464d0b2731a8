#!/usr/bin/env python3
"""beak-model from outside: what it prints and its exit codes (0, 1 failure, 2 usage)."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE_DIR = pathlib.Path(os.environ.get("BEAK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BIN_DIR = pathlib.Path(os.environ.get("BEAK_BIN_DIR", SOURCE_DIR / "build/release/bin"))
sys.path.insert(0, str(SOURCE_DIR / "tests/fuzz"))

from make_onnx_corpus import graph, model, node, tensor, value  # noqa: E402


def npy(dims, values):
    """A float32 .npy file."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(dims)}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


class BeakModelTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        weights = tensor("w", [2, 3], [1, 2, 3, 4, 5, 6])
        self.file = self.write("m.onnx", model(graph(
            [node("MatMul", ["x", "w"], ["h"]), node("Relu", ["h"], ["y"])],
            [value("x", ["batch", 2])], [value("y", ["batch", 3])], [weights])))

    def write(self, name, contents):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
        return path

    def run_model(self, *arguments, code=0):
        done = subprocess.run([BIN_DIR / "beak-model", *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def test_help(self):
        self.assertIn("inspect", self.run_model("--help"))
        for command in ("inspect", "run", "bench", "convert", "layers", "test"):
            self.assertIn("Usage", self.run_model(command, "--help"))

    def test_usage_errors(self):
        for arguments in ((), ("frobnicate",), ("inspect",), ("run", self.file, "--input=x"), ("run", self.file, "--inputs=x=y"),
                          ("run", self.file, "--output=x="), ("bench", self.file, "--threads=0"), ("bench", self.file, "--batch=x"),
                          ("bench", self.file, "--shape=x=axb"), ("bench", self.file, "--iterations=-1"), ("convert", self.file), ("layers",), ("test",)):
            self.run_model(*arguments, code=2)

    def test_failures(self):
        missing = self.path / "missing"
        for arguments in (("inspect", missing), ("run", missing), ("bench", missing), ("test", missing)):
            self.assertIn("missing", self.run_model(*arguments, code=1))
        self.assertIn("DATA_LOSS", self.run_model("inspect", self.write("bad.onnx", b"corrupt"), code=1))
        unknown = self.write("unknown.onnx", model(graph([node("Erf", ["x"], ["y"])], [value("x", [1])], [value("y", [])])))
        self.assertIn("node 'y' (Erf): unknown operator", self.run_model("inspect", unknown, code=1))

    def test_inspect(self):
        text = self.run_model("inspect", self.file)
        for part in ("MatMul", "Relu", "[batch, 2]", "[batch, 3]", "parameters: 6", "flops: 12"):
            self.assertIn(part, text)
        report = json.loads(self.run_model("inspect", self.file, "--batch=4", "--json"))
        self.assertEqual(report["operators"], {"MatMul": 1, "Relu": 1})
        self.assertEqual(report["inputs"], [{"name": "x", "datatype": "float32", "shape": ["batch", 2]}])
        self.assertEqual(report["input_shapes"], {"x": [4, 2]})
        self.assertEqual(report["flops"], 48)

    def test_inspect_without_all_shapes(self):
        file = self.write("free.onnx", model(graph([node("Relu", ["x"], ["y"])], [value("x", ["n", "m"])], [value("y", [])])))
        self.assertIn("flops: unknown: input 'x': expected --shape=x=...", self.run_model("inspect", file))
        self.assertIn("for x [2, 3]", self.run_model("inspect", file, "--shape=x=2x3"))

    def test_run(self):
        x = self.write("x.npy", npy([2, 2], [1, 1, -1, 0]))
        self.assertIn("output 'y' float32 [2, 3]: min 0, max 9, mean 3.5", self.run_model("run", self.file, f"--input=x={x}"))
        y = self.path / "y.npy"
        self.assertEqual(self.run_model("run", self.file, f"--input=x={x}", f"--output=y={y}"), "")
        self.assertEqual(y.read_bytes(), npy([2, 3], [5, 7, 9, 0, 0, 0]))
        self.assertIn("output 'z'", self.run_model("run", self.file, f"--input=x={x}", f"--output=z={y}", code=1))
        self.assertIn("input 'x'", self.run_model("run", self.file, code=1))

    def test_bench(self):
        report = json.loads(self.run_model("bench", self.file, "--batch=3", "--iterations=5", "--profile", "--json"))
        self.assertEqual(report["iterations"], 5)
        self.assertLessEqual(report["min_ms"], report["median_ms"])
        for key in ("gflops", "load_seconds", "resident_bytes"):
            self.assertGreater(report[key], 0)
        self.assertTrue(all({"name", "op", "kernel", "layouts", "ms", "percent", "gflops"} <= set(step) for step in report["steps"]))
        text = self.run_model("bench", self.file, "--iterations=5", "--profile")
        self.assertIn("kernel", text)
        self.assertIn("median", text)
        self.assertIn("'x'", self.run_model("bench", self.file, "--shape=x=1x7", code=1))

    def test_bench_of_inputs_that_a_run_goes_over(self):
        # What is computed later lies where the indices were: it would be the indices of the next run.
        rows = tensor("rows", [50, 2], [1e9] * 100)
        file = self.write("rows.onnx", model(graph(
            [node("Gather", ["rows", "x"], ["row"]), node("Relu", ["row"], ["h"]), node("Concat", ["h", "row"], ["y"], axis=2)],
            [value("x", [1, 600], dtype=7)], [value("y", [])], [rows])))
        self.assertIn("median", self.run_model("bench", file, "--iterations=3"))

    def test_convert(self):
        out = self.path / "out.onnx"
        self.assertIn("opset 22, 2 nodes", self.run_model("convert", self.file, out))
        again = self.path / "again.onnx"
        self.run_model("convert", out, again)
        self.assertEqual(out.read_bytes(), again.read_bytes())
        x = self.write("x.npy", npy([2, 2], [1, 1, -1, 0]))
        self.assertIn("min 0, max 9, mean 3.5", self.run_model("run", out, f"--input=x={x}"))
        self.assertIn("missing", self.run_model("convert", self.path / "missing", out, code=1))
        self.assertIn("absent", self.run_model("convert", self.file, self.path / "absent/out.onnx", code=1))

    def test_layers(self):
        text = self.run_model("layers", SOURCE_DIR / "deploy/demo/networks/lecture_cnn.textproto")
        self.assertIn("conv1          conv2d         [batch, 25, 26, 26]         250\n", text)
        self.assertTrue(text.endswith("\nparameters: 137660, of which 137660 are learned\n"), text)
        wrong = self.write("n.textproto", b'input { name: "x" shape: 4 } layer { name: "a" dense {} } layer { name: "b" maxout {} }')
        text = self.run_model("layers", wrong, code=1)
        self.assertIn("layer 'a': units: expected", text)
        self.assertIn("layer 'b': pieces: expected", text)

    def test_test(self):
        case = "case/test_data_set_0"
        self.write("case/m.onnx", self.file.read_bytes())
        self.write(f"{case}/input_0.pb", tensor("x", [1, 2], [1, 1]))
        self.write(f"{case}/output_0.pb", tensor("y", [1, 3], [5, 7, 9]))
        self.assertTrue(self.run_model("test", self.path / "case").endswith("\n1 passed, 0 failed, 0 unsupported\n"))
        self.write(f"{case}/output_0.pb", tensor("y", [1, 3], [5, 7, 8]))
        self.assertIn("1 cases failed", self.run_model("test", self.path / "case", code=1))


if __name__ == "__main__":
    unittest.main()
