#!/usr/bin/env python3
"""Runs one network in one peer and prints what it took, as a line of JSON with the keys of `beak-model bench --json`.

usage: runtime.py PEER FILE INPUT.npy OUTPUT.npy THREADS ITERATIONS

Runs in the environment that has the peer, in a process of its own, and computes in float32 with THREADS threads at the
peer's best documented settings for a CPU. Inputs and outputs stay in place where the peer lets them, so that Python's
part is a call. load_seconds is from the file to the first answer, resident_bytes what the process grew by until then:
both without Python, and without importing the peer.
"""
import json
import os
import pathlib
import statistics
import sys
import time

import numpy as np

WARM_UPS = 2  # after the first; PyTorch's second run is the one that compiles


class OnnxRuntime:
    def __init__(self):
        import onnxruntime
        self.library = onnxruntime

    def load(self, path, x, threads):
        options = self.library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_free_dimension_override_by_name("batch", len(x))
        session = self.library.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.binding = session.io_binding()
        self.binding.bind_cpu_input("input", x)
        self.binding.bind_output("output")
        self.run = lambda: session.run_with_iobinding(self.binding)

    def output(self):
        return self.binding.copy_outputs_to_cpu()[0]


class OpenVino:
    """By itself it computes in bfloat16 where the CPU has it. Pinning is for machines that are not shared."""

    def __init__(self):
        import openvino
        self.library = openvino

    def load(self, path, x, threads):
        core = self.library.Core()
        model = core.read_model(path)
        model.reshape({"input": list(x.shape)})
        compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False})
        self.request = compiled.create_infer_request()
        self.request.set_input_tensor(self.library.Tensor(x, shared_memory=True))
        self.run = self.request.infer

    def output(self):
        return self.request.get_output_tensor().data


class Mnn:
    def __init__(self):
        import MNN.expr
        import MNN.nn
        self.expr, self.nn = MNN.expr, MNN.nn

    def load(self, path, x, threads):
        manager = self.nn.create_runtime_manager(({"backend": 0, "precision": "high", "numThread": threads},))
        network = self.nn.load_module_from_file(path, ["input"], ["output"], runtime_manager=manager,
                                                shape_mutable=False)
        integers = x.dtype == np.int64
        value = self.expr.const(x.astype(np.int32) if integers else x, list(x.shape), self.expr.NCHW,
                                self.expr.int if integers else self.expr.float)

        def run():
            self.result = network.forward([value])[0].read()

        self.run = run

    def output(self):
        return self.result


class Ncnn:
    """Has no batches: rows run one after another."""

    def __init__(self):
        import ncnn
        self.library = ncnn

    def load(self, path, x, threads):
        network = self.library.Net()
        network.opt.num_threads = threads
        for narrow in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
            setattr(network.opt, f"use_{narrow}", False)
        network.load_param(path)
        network.load_model(str(pathlib.Path(path).with_suffix(".bin")))
        rows = [self.library.Mat(row.astype(np.int32) if row.dtype == np.int64 else row) for row in x]

        def answer(row):
            extractor = network.create_extractor()
            extractor.input("in0", row)
            return extractor.extract("out0")[1]

        def run():
            self.results = [answer(row) for row in rows]

        self.network, self.run = network, run

    def output(self):
        return np.stack([np.array(result) for result in self.results])


class TfLite:
    """With XNNPACK, which the interpreter takes by itself. Images have their channels last."""

    def __init__(self):
        from ai_edge_litert.interpreter import Interpreter
        self.interpreter_class = Interpreter

    def load(self, path, x, threads):
        self.interpreter = self.interpreter_class(path, num_threads=threads)
        self.interpreter.allocate_tensors()
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], np.moveaxis(x, 1, -1))
        self.run = self.interpreter.invoke

    def output(self):
        y = self.interpreter.get_tensor(self.interpreter.get_output_details()[0]["index"])
        return np.moveaxis(y, -1, 1)


class PyTorch:
    """TorchScript, frozen and optimised for inference: convolutions in oneDNN's own layouts."""

    def __init__(self):
        import torch
        self.library = torch

    def load(self, path, x, threads):
        torch = self.library
        torch.set_num_threads(threads)
        network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(path).eval()))
        value = torch.from_numpy(x)

        def run():
            with torch.inference_mode():
                self.result = network(value)

        self.run = run

    def output(self):
        return self.result.numpy()


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "mnn": Mnn, "ncnn": Ncnn, "tflite": TfLite,
         "pytorch": PyTorch}


def _resident_bytes():
    return int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    name, path, input_path, output_path = sys.argv[1:5]
    threads, iterations = map(int, sys.argv[5:])
    x = np.load(input_path)
    peer = PEERS[name]()
    before, start = _resident_bytes(), time.perf_counter()
    peer.load(path, x, threads)
    peer.run()
    load, resident = time.perf_counter() - start, _resident_bytes() - before
    for _ in range(WARM_UPS):
        peer.run()
    times = []
    for _ in range(iterations):
        begin = time.perf_counter()
        peer.run()
        times.append((time.perf_counter() - begin) * 1e3)
    np.save(output_path, peer.output())
    print(json.dumps({"median_ms": statistics.median(times), "min_ms": min(times), "load_seconds": load,
                      "resident_bytes": resident}))


if __name__ == "__main__":
    main()
