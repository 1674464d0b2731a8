"""Small ONNX models, made as they are needed: each shows one thing that crosses the wire."""
import numpy as np
import onnx
from onnx import TensorProto, helper

# Every type of a tensor that a model can have here, by its name in the protocol.
DATATYPES = {"BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
             "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "FP16": np.float16,
             "FP32": np.float32, "FP64": np.float64}


def make_model(nodes, inputs, outputs, initializers=()):
    """An ONNX model; inputs and outputs are (name, type, shape)."""
    info = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
    graph = helper.make_graph(nodes, "test", *info, initializers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model, full_check=True)
    return model


def simple():
    """The model that most of Triton's own client examples call: two integer vectors, their sum and difference."""
    shape = ["batch", 16]
    return make_model([helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
                       helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"])],
                      [("INPUT0", TensorProto.INT32, shape), ("INPUT1", TensorProto.INT32, shape)],
                      [("OUTPUT0", TensorProto.INT32, shape), ("OUTPUT1", TensorProto.INT32, shape)])


def pixels():
    """A camera's uint8 pixels, as they come, to the mean of each colour."""
    return make_model([helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
                       helper.make_node("GlobalAveragePool", ["float"], ["mean"])],
                      [("pixels", TensorProto.UINT8, ["batch", 3, 8, 8])],
                      [("mean", TensorProto.FLOAT, ["batch", 3, 1, 1])])


def words():
    """int64 word numbers to the rows of a table."""
    table = np.random.default_rng(3).standard_normal((50, 4)).astype(np.float32)
    return make_model([helper.make_node("Gather", ["table", "words"], ["vectors"], axis=0)],
                      [("words", TensorProto.INT64, ["batch", 6])], [("vectors", TensorProto.FLOAT, ["batch", 6, 4])],
                      [onnx.numpy_helper.from_array(table, "table")])


def choose():
    """A bool mask picks from one of two vectors."""
    return make_model([helper.make_node("Where", ["mask", "a", "b"], ["chosen"])],
                      [("mask", TensorProto.BOOL, ["batch", 5]), ("a", TensorProto.FLOAT, ["batch", 5]),
                       ("b", TensorProto.FLOAT, ["batch", 5])], [("chosen", TensorProto.FLOAT, ["batch", 5])])


def half():
    """float16 in and out."""
    return make_model([helper.make_node("Relu", ["x"], ["y"])], [("x", TensorProto.FLOAT16, ["batch", 7])],
                      [("y", TensorProto.FLOAT16, ["batch", 7])])


def same(datatype, shape=("batch", 5)):
    """Hands on what it is given, in any type."""
    onnx_type = helper.np_dtype_to_tensor_dtype(np.dtype(DATATYPES[datatype]))
    return make_model([helper.make_node("Identity", ["x"], ["y"])], [("x", onnx_type, shape)],
                      [("y", onnx_type, shape)])


MODELS = {"simple": simple, "pixels": pixels, "words": words, "choose": choose, "half": half}


def write(folder, models):
    """Puts {name: model} into a model repository, each as version 1."""
    for name, model in models.items():
        (folder / name / "1").mkdir(parents=True)
        onnx.save(model, folder / name / "1/model.onnx")
