#!/usr/bin/env python3
"""Converts a network for a peer, in the environment that has the peer's converter.

usage: convert.py mnn|ncnn|tflite|pytorch NETWORK.onnx TARGET SHAPE TYPE

SHAPE is that of the input, batch included, as 8,3,224,224; TYPE float32 or int64.
"""
import pathlib
import subprocess
import sys
import tempfile


def _tool(name, *arguments, folder=None):
    """Runs a program that pip installed beside this Python; what it prints goes where warnings go."""
    subprocess.run([pathlib.Path(sys.executable).parent / name, *map(str, arguments)], check=True, cwd=folder,
                   stdout=sys.stderr)


def mnn(source, target, shape, kind):
    """By the library under mnnconvert: that program itself installs packages and reports to its makers."""
    import _tools
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(target), "--bizCode",
                       "beak"])


def ncnn(source, target, shape, kind):
    """TARGET is the .param; its .bin stands beside it. ncnn knows no batches: it gets row by row."""
    row = "[" + ",".join(map(str, [1, *shape[1:]])) + "]" + {"float32": "", "int64": "i64"}[kind]
    with tempfile.TemporaryDirectory() as folder:  # pnnx leaves much beside its input
        pathlib.Path(folder, "network.onnx").symlink_to(source.resolve())
        _tool("pnnx", "network.onnx", f"inputshape={row}", "fp16=0", folder=folder)
        for part in ("param", "bin"):
            target.with_suffix(f".{part}").write_bytes(pathlib.Path(folder, f"network.ncnn.{part}").read_bytes())


def tflite(source, target, shape, kind):
    import to_tensorflow
    to_tensorflow.convert(source, target, shape[0])


def pytorch(source, target, shape, kind):
    import to_torch
    to_torch.convert(source, target)


CONVERTERS = {"mnn": mnn, "ncnn": ncnn, "tflite": tflite, "pytorch": pytorch}


def main():
    peer, source, target, shape, kind = sys.argv[1:]
    CONVERTERS[peer](pathlib.Path(source), pathlib.Path(target), [int(n) for n in shape.split(",")], kind)
    if not pathlib.Path(target).exists():
        sys.exit(f"{peer}: the converter wrote nothing")


if __name__ == "__main__":
    main()
