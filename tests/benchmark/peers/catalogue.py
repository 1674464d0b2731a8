"""The peers by name: what each is called, which packages it wants, and the files that it reads."""
import dataclasses

import onnx


@dataclasses.dataclass
class Peer:
    title: str
    packages: tuple             # the first tells its version
    converter: tuple = ()       # packages that make its files; none: it reads ONNX
    suffix: str = ".onnx"
    each_batch: bool = False    # whether it wants a file for every batch size


PEERS = {
    "onnxruntime": Peer("ONNX Runtime", ("onnxruntime",)),
    "openvino": Peer("OpenVINO", ("openvino",)),
    "mnn": Peer("MNN", ("mnn",), ("mnn",), ".mnn"),
    "ncnn": Peer("ncnn", ("ncnn",), ("pnnx",), ".param"),
    "tflite": Peer("TF Lite", ("ai-edge-litert",), ("tensorflow-cpu", "onnx"), ".tflite", each_batch=True),
    "pytorch": Peer("PyTorch", ("torch",), ("torch", "onnx"), ".pt"),
}


def signature(path):
    """(shape without batch, whether it holds int64) of the input of an ONNX file."""
    kind = onnx.load(path).graph.input[0].type.tensor_type
    return tuple(dim.dim_value for dim in kind.shape.dim[1:]), kind.elem_type == onnx.TensorProto.INT64
