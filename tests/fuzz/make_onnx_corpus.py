#!/usr/bin/env python3
"""Writes corpus/onnx_reader: small ONNX models, good, old, broken and hostile, from which the fuzzer starts.

usage: make_onnx_corpus.py

The wire form of protobuf is written by hand: what a library would refuse to write is what is wanted here. The files are
the same every time.
"""
import pathlib
import struct

FLOAT, INT64, STRING, BFLOAT16 = 1, 7, 8, 16


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def block(field, contents):
    contents = contents.encode() if isinstance(contents, str) else contents
    return varint(field << 3 | 2) + varint(len(contents)) + contents


def blocks(field, items):
    return b"".join(block(field, item) for item in items)


def attribute(name, value):
    head = block(1, name)
    if isinstance(value, bytes):  # a TensorProto
        return head + block(5, value) + number(20, 4)
    if isinstance(value, str):
        return head + block(4, value) + number(20, 3)
    if isinstance(value, float):
        return head + real(2, value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if value and isinstance(value[0], float):
        return head + b"".join(real(7, item) for item in value) + number(20, 6)
    return head + b"".join(number(8, item) for item in value) + number(20, 7)


def node(op, inputs, outputs, domain="", extra=b"", **attributes):
    return (blocks(1, inputs) + blocks(2, outputs) + block(4, op) + block(7, domain) +
            blocks(5, (attribute(name, value) for name, value in attributes.items())) + extra)


def tensor(name, dims, values=(), dtype=FLOAT, raw=None, extra=b""):
    out = b"".join(number(1, dim) for dim in dims) + number(2, dtype) + block(8, name)
    if raw is not None:
        out += block(9, raw)
    elif dtype == FLOAT:
        out += block(4, struct.pack(f"<{len(values)}f", *values))
    else:
        out += block(7, b"".join(varint(value) for value in values))
    return out + extra


def value(name, dims, dtype=FLOAT):
    shape = blocks(1, (block(2, dim) if isinstance(dim, str) else number(1, dim) for dim in dims))
    return block(1, name) + block(2, block(1, number(1, dtype) + block(2, shape)))


def graph(nodes, inputs, outputs, initializers=(), extra=b""):
    return (blocks(1, nodes) + block(2, "g") + blocks(5, initializers) + blocks(11, inputs) + blocks(12, outputs) + extra)


def model(graph_bytes, opset=13, ir_version=8, extra=b""):
    return number(1, ir_version) + block(7, graph_bytes) + block(8, block(1, "") + number(2, opset)) + extra


def unary(op, opset=13, dims=(1, 2, 4, 4), **attributes):
    """y = op(x)"""
    return model(graph([node(op, ["x"], ["y"], **attributes)], [value("x", dims)], [value("y", [])]), opset)


def with_constants(op, constants, opset=13, dims=(1, 2, 4, 4), **attributes):
    """y = op(x, constants...); a None leaves an input out."""
    names = ["" if c is None else f"c{i}" for i, c in enumerate(constants)]
    initializers = [tensor(name, *c) for name, c in zip(names, constants) if c is not None]
    return model(graph([node(op, ["x", *names], ["y"], **attributes)], [value("x", dims)], [value("y", [])], initializers),
                 opset)


def ints(*values):
    return ([len(values)], values, INT64)


def floats(*values):
    return ([len(values)], values)


def good():
    """Models that are read: one of nearly every operator and of every older form."""
    for op in ("Relu Sigmoid Tanh Exp Abs Neg Sqrt Log Softplus HardSwish Identity GlobalAveragePool GlobalMaxPool Shape "
               "Elu Selu LeakyRelu HardSigmoid ArgMax ReduceSum ReduceMax Squeeze Transpose Dropout Flatten").split():
        yield f"unary_{op.lower()}", unary(op, 14)
    yield "softmax", unary("Softmax", 13, axis=1)
    yield "softmax_old", unary("Softmax", 9, axis=2)
    yield "logsoftmax_old", unary("LogSoftmax", 12)
    yield "clip_old", unary("Clip", 6, min=0.0, max=6.0)
    yield "clip", with_constants("Clip", [None, ([], [6.0])])
    yield "cast", unary("Cast", to=10)
    yield "dropout_old", unary("Dropout", 7, ratio=0.5)
    yield "reduce_old", unary("ReduceMean", 11, axes=[2, 3], keepdims=0)
    yield "reduce", with_constants("ReduceMean", [ints(-1)], 18)
    yield "squeeze_old", unary("Squeeze", 11, axes=[0])
    yield "unsqueeze", with_constants("Unsqueeze", [ints(0, -1)])
    yield "slice_old", unary("Slice", 9, starts=[1], ends=[2**63 - 1], axes=[2])
    yield "slice", with_constants("Slice", [ints(3), ints(-9), ints(3), ints(-2)])
    yield "pad_old", unary("Pad", 10, pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect", value=1.0)
    yield "pad", with_constants("Pad", [ints(0, 0, 1, 1, 0, 0, -1, 1), ([], [0.5])], mode="constant")
    yield "reshape_old", unary("Reshape", 1, shape=[0, -1], consumed_inputs=[0])
    yield "reshape", with_constants("Reshape", [ints(0, -1, 8)])
    yield "expand", with_constants("Expand", [ints(3, 1, 1, 1)], 8)
    yield "tile", with_constants("Tile", [ints(1, 2, 1, 3)])
    yield "gather", with_constants("Gather", [ints(1, 0, -1)], axis=1)
    yield "upsample_old", unary("Upsample", 7, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest")
    yield "upsample", with_constants("Upsample", [floats(1, 1, 2, 2)], 9, mode="linear")
    yield "resize_10", with_constants("Resize", [floats(1, 1, 0.6, 0.6)], 10, mode="nearest")
    yield "resize_sizes", with_constants("Resize", [([0], []), ([0], []), ints(1, 2, 8, 8)], 11, mode="linear",
                                         coordinate_transformation_mode="align_corners")
    yield "depth_to_space", unary("DepthToSpace", dims=(1, 8, 2, 2), blocksize=2, mode="CRD")
    yield "space_to_depth", unary("SpaceToDepth", blocksize=2)
    yield "lrn", unary("LRN", size=3, alpha=0.1, beta=0.5, bias=1.0)
    yield "max_pool", unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
    yield "average_pool", unary("AveragePool", 19, kernel_shape=[2, 2], auto_pad="SAME_UPPER", dilations=[2, 2])
    yield "conv", with_constants("Conv", [([2, 1, 3, 3], [0.5] * 18), ([2], [1, 2])], group=2, pads=[1, 1, 1, 1])
    yield "conv_transpose", with_constants("ConvTranspose", [([2, 1, 2, 2], [1.0] * 8)], strides=[2, 2],
                                           output_padding=[1, 1])
    yield "batch_normalization", with_constants("BatchNormalization", [([2], [1, 1])] * 4, 8, epsilon=0.1, spatial=1)
    yield "instance_normalization", with_constants("InstanceNormalization", [([2], [1, 1])] * 2)
    yield "layer_normalization", with_constants("LayerNormalization", [([4], [1.0] * 4)] * 2, 17)
    yield "prelu", with_constants("PRelu", [([2, 1, 1], [0.1, 0.2])])
    yield "gemm", with_constants("Gemm", [([3, 4], [1.0] * 12), ([3], [1, 2, 3])], dims=(2, 4), transB=1, alpha=0.5)
    yield "matmul", with_constants("MatMul", [([4, 1], [1.0] * 4)])
    yield "constant_of_shape", model(graph(
        [node("Shape", ["x"], ["s"], start=1), node("ConstantOfShape", ["s"], ["y"], value=tensor("", [1], [7], INT64))],
        [value("x", ["n", 3, "m"])], [value("y", [])]), 15)
    yield "split", model(graph([node("Split", ["x", "s"], ["a", "b"], axis=0)], [value("x", [6])],
                               [value("a", []), value("b", [])], [tensor("s", [2], [2, 4], INT64)]))
    yield "split_old", model(graph([node("Split", ["x"], ["a", "b"], axis=1)], [value("x", ["n", 6])],
                                   [value("a", []), value("b", [])]), 11)
    yield "concat_where_equal", model(graph(
        [node("Concat", ["x", "x"], ["c"], axis=-1), node("Equal", ["c", "c"], ["e"]), node("Where", ["e", "c", "c"], ["y"])],
        [value("x", [2, 3])], [value("y", [])]))
    yield "variadic", model(graph(
        [node(op, ["x", "b", "x"], [op]) for op in ("Sum", "Mean", "Max", "Min")] +
        [node(op, ["x", "b"], [op]) for op in ("Add", "Sub", "Mul", "Div", "Pow")],
        [value("x", [2, 3]), value("b", [3])], [value("Sum", []), value("Pow", [])]))
    yield "constants", model(graph(
        [node("Constant", [], ["a"], value_floats=[1.0, 2.0]), node("Constant", [], ["b"], value_int=3),
         node("Constant", [], ["c"], value=tensor("", [1], raw=b"\0\0\x80\x3f"))],
        [], [value("a", []), value("b", []), value("c", [])]))
    yield "ir3_initializer_as_input", model(graph(
        [node("Add", ["x", "w"], ["y"])], [value("x", [1]), value("w", [1])], [value("y", [])], [tensor("w", [1], [1])]),
        7, 3)
    yield "computed_reshape", model(graph(
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"], axis=0), node("Concat", ["n", "rest"], ["to"], axis=0),
         node("Reshape", ["x", "to"], ["y"])],
        [value("x", ["n", 3, 4])], [value("y", [])],
        [tensor("zero", [1], [0], INT64), tensor("rest", [1], [-1], INT64)]))
    yield "tensor_alone", tensor("t", [2], [1, 2])


def broken():
    """Models that must be refused."""
    relu = unary("Relu")
    for size in range(0, len(relu), 7):
        yield f"truncated_{size:03}", relu[:size]
    yield "no_graph", number(1, 8)
    yield "no_opset", number(1, 8) + block(7, graph([], [], []))
    yield "two_opsets", model(graph([], [], []), 13, 8, block(8, number(2, 14)))
    yield "old_ir", model(graph([], [], []), 13, 2)
    yield "newer_opset", unary("Relu", 1000)
    yield "unknown_operator", unary("Frobnicate")
    yield "unknown_attribute", unary("Relu", foo=1)
    yield "internal_operator", unary("FusedConv")
    yield "unknown_domain", model(graph([node("Relu", ["x"], ["y"], "com.x")], [value("x", [1])], [value("y", [])]))
    yield "wrong_attribute_type", unary("Softmax", axis="x")
    yield "attribute_twice", model(graph(
        [node("Elu", ["x"], ["y"], extra=block(5, attribute("alpha", 1.0)), alpha=2.0)], [value("x", [1])], [value("y", [])]))
    yield "undefined_input", model(graph([node("Relu", ["z"], ["y"])], [], [value("y", [])]))
    yield "undefined_output", model(graph([], [], [value("y", [])]))
    yield "unsorted", model(graph([node("Relu", ["t"], ["y"]), node("Relu", ["x"], ["t"])], [value("x", [1])], [value("y", [])]))
    yield "cycle", model(graph([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], [], [value("b", [])]))
    yield "defined_twice", model(graph([node("Relu", ["x"], ["y"])] * 2, [value("x", [1])], [value("y", [])]))
    yield "string_input", model(graph([node("Identity", ["x"], ["y"])], [value("x", [1], STRING)], [value("y", [])]))
    yield "bfloat16_input", model(graph([node("Identity", ["x"], ["y"])], [value("x", [1], BFLOAT16)], [value("y", [])]))
    yield "unknown_rank", model(graph([node("Relu", ["x"], ["y"])], [block(1, "x") + block(2, block(1, number(1, FLOAT)))], []))
    yield "sequence_input", model(graph([], [block(1, "x") + block(2, block(4, b""))], []))
    yield "subgraph", model(graph([node("If", ["x"], ["y"], extra=block(5, block(1, "then_branch") + block(6, b"") + number(20, 5)))],
                                  [value("x", [], 9)], [value("y", [])]))
    yield "sparse_initializer", model(graph([], [], [], extra=block(15, b"")))
    yield "bad_utf8", unary("Relu").replace(b"Relu", b"R\xff\xfeu")
    yield "missing_arguments", model(graph([node(op, [], []) for op in ("Clip", "Conv", "Split", "Concat")], [], []))


def hostile():
    """Models made to hurt: every claim is larger than the file."""
    def weights(*args, **kwargs):
        return model(graph([node("Identity", ["w"], ["y"])], [], [value("y", [])], [tensor("w", *args, **kwargs)]))

    yield "weights_huge_dim", weights([2**40])
    yield "weights_negative_dim", weights([-1])
    yield "weights_product_overflows", weights([2**32, 2**32])
    yield "weights_product_overflows_to_small", weights([2**62, 4, 4])
    yield "weights_zero_times_huge", weights([0, 2**62, 2**62])
    yield "weights_many_dims", weights([1] * 1000)
    yield "weights_claim_4_gib", weights([2**30], raw=b"")
    yield "weights_raw_too_short", weights([2], raw=b"1234567")
    yield "weights_two_fields", weights([1], [1.0], extra=block(9, b"1234"))
    yield "weights_bad_type", weights([1], dtype=99)
    external = lambda **entries: weights([4], extra=number(14, 1) + blocks(
        13, (block(1, key) + block(2, text) for key, text in entries.items())))
    yield "external_absolute", external(location="/etc/passwd")
    yield "external_dotdot", external(location="../../etc/passwd")
    yield "external_bad_offset", external(location="w", offset="-1", length="99999999999999999999")
    yield "external_nothing", external()
    for name, dims in (("huge", [2**62] * 4), ("negative", [-7, 1, 1, 1]), ("zero", [0, 0, 0, 0]), ("scalar", [])):
        yield f"input_{name}", model(graph(
            [node("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), node("Flatten", ["c"], ["f"]), node("Softmax", ["f"], ["y"])],
            [value("x", dims)], [value("y", [])], [tensor("w", [1, 1, 1, 1], [1.0])]))
    big = 2**62
    yield "conv_huge_pads", with_constants("Conv", [([2, 2, 1, 1], [1.0] * 4)], pads=[big] * 4)
    yield "conv_huge_strides", with_constants("Conv", [([2, 2, 1, 1], [1.0] * 4)], strides=[big] * 2, dilations=[big] * 2)
    yield "conv_zero_stride", with_constants("Conv", [([2, 2, 1, 1], [1.0] * 4)], strides=[0, 0])
    yield "conv_zero_group", with_constants("Conv", [([2, 2, 1, 1], [1.0] * 4)], group=0)
    yield "conv_negative_group", with_constants("Conv", [([2, 2, 1, 1], [1.0] * 4)], group=-1)
    yield "conv_transpose_huge", with_constants("ConvTranspose", [([2, 1, 2, 2], [1.0] * 8)], strides=[big] * 2,
                                                output_shape=[big] * 2, output_padding=[big] * 2)
    yield "pool_zero_kernel", unary("MaxPool", kernel_shape=[0, 0])
    yield "pool_huge_kernel", unary("AveragePool", kernel_shape=[big, big], pads=[big] * 4)
    yield "lrn_zero_size", unary("LRN", size=0)
    yield "tile_huge", with_constants("Tile", [ints(big, big, big, big)])
    yield "expand_huge", with_constants("Expand", [ints(big, big, 1, 1, 1, 1)])
    yield "pad_huge", with_constants("Pad", [ints(*[big] * 8)])
    yield "pad_very_negative", with_constants("Pad", [ints(*[-big] * 8)])
    yield "slice_extremes", with_constants("Slice", [ints(-2**63), ints(2**63 - 1), ints(-1), ints(-2**63)])
    yield "slice_zero_step", with_constants("Slice", [ints(0), ints(1), ints(0), ints(0)])
    yield "slice_bad_axis", with_constants("Slice", [ints(0), ints(1), ints(99)])
    yield "reshape_two_unknown", with_constants("Reshape", [ints(-1, -1)])
    yield "reshape_overflow", with_constants("Reshape", [ints(2**32, 2**32, 2)])
    yield "reshape_negative", with_constants("Reshape", [ints(-7)])
    yield "gather_out_of_range", with_constants("Gather", [ints(10**9)], axis=-99)
    yield "transpose_bad_perm", unary("Transpose", perm=[0, 0, 99, -1])
    yield "split_too_much", with_constants("Split", [ints(2**63 - 1, 2)])
    yield "split_no_outputs", model(graph([node("Split", ["x"], [])], [value("x", [6])], []))
    yield "unsqueeze_many", with_constants("Unsqueeze", [ints(*range(100))])
    yield "depth_to_space_zero", unary("DepthToSpace", blocksize=0)
    yield "depth_to_space_huge", unary("DepthToSpace", blocksize=big)
    yield "resize_infinite", with_constants("Resize", [None, floats(float("inf"), float("nan"), -1, 1e38)])
    yield "resize_huge_sizes", with_constants("Resize", [None, None, ints(big, big, big, big)])
    yield "constant_of_shape_huge", model(graph([node("ConstantOfShape", ["s"], ["y"])], [], [value("y", [])],
                                                [tensor("s", [2], [big, big], INT64)]))
    yield "flatten_bad_axis", unary("Flatten", axis=-99)
    yield "cast_bad_type", unary("Cast", to=-1)
    yield "nested_attributes", block(7, block(1, block(5, block(6, block(1, block(5, block(6, b""))))))) + number(1, 8)
    yield "nested_groups", b"\x0b" * 500
    yield "endless_varint", b"\xff" * 64
    yield "flood_of_nodes", model(block(1, b"") * 3000)
    yield "text", b"this is not a model"


def main():
    folder = pathlib.Path(__file__).parent / "corpus/onnx_reader"
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, family in (("good", good()), ("broken", broken()), ("hostile", hostile())):
        for name, contents in family:
            (folder / f"{prefix}_{name}").write_bytes(contents)


if __name__ == "__main__":
    main()
