#!/usr/bin/env python3
"""Writes node_cases.txt: the cases under data/node of libonnx-testdata whose every operator is one that Beak has.

usage: select_node_cases.py        wants the Python package onnx (Debian: python3-onnx)
"""
import pathlib

import onnx

CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")
OPERATORS = set("""
    Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization LRN Gemm MatMul
    Add Sub Mul Div Max Min Sum Mean Relu LeakyRelu PRelu Elu Selu Sigmoid HardSigmoid HardSwish Tanh Softplus Clip
    Softmax LogSoftmax Dropout Identity Constant ConstantOfShape Shape Reshape Flatten Transpose Squeeze Unsqueeze
    Concat Split Slice Gather Pad Cast Exp Log Sqrt Pow Neg Abs ReduceMean ReduceSum ReduceMax ArgMax
    DepthToSpace SpaceToDepth Resize Upsample Expand Where Equal Tile InstanceNormalization
    LayerNormalization
""".split())


def is_ours(case):
    model = onnx.load(case / "model.onnx", load_external_data=False)
    return all(node.domain in ("", "ai.onnx") and node.op_type in OPERATORS for node in model.graph.node)


def main():
    names = sorted(case.name for case in CASES.iterdir() if is_ours(case))
    pathlib.Path(__file__).with_name("node_cases.txt").write_text("".join(f"{name}\n" for name in names))
    print(f"{len(names)} cases")


if __name__ == "__main__":
    main()
