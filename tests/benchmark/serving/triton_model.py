"""The model.py of a Triton repository (python backend): runs model.onnx beside it with ONNX Runtime on one thread."""
import os

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        output = self.session.run(None, {"input": inputs[0] if len(inputs) == 1 else np.concatenate(inputs)})[0]
        ends = np.cumsum([len(rows) for rows in inputs])[:-1]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("output", rows)]) for rows in np.split(output, ends)]
