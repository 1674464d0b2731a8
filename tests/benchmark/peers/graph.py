"""Reads one of make_networks.py's ONNX files as plain values, for the translators to other formats. Wants onnx."""
import dataclasses

import onnx
from onnx import helper, numpy_helper


@dataclasses.dataclass
class Node:
    operator: str
    inputs: list    # names; "" where an optional one is left out
    output: str
    attributes: dict

    def __getitem__(self, attribute):
        return self.attributes[attribute]


@dataclasses.dataclass
class Graph:
    """Nodes in the order in which they are computed; `constants` are arrays by name. Input `input`, output `output`."""

    nodes: list
    constants: dict
    input_shape: tuple  # without batch
    integers: bool      # whether the input is int64; otherwise float32


def read(path):
    graph = onnx.load(path).graph
    node = lambda n: Node(n.op_type, list(n.input), n.output[0],
                          {a.name: helper.get_attribute_value(a) for a in n.attribute})
    kind = graph.input[0].type.tensor_type
    return Graph([node(n) for n in graph.node], {t.name: numpy_helper.to_array(t) for t in graph.initializer},
                 tuple(dim.dim_value for dim in kind.shape.dim[1:]), kind.elem_type == onnx.TensorProto.INT64)
