"""The two front ends of a server behind one interface, each spoken to by the stock client of its protocol: what a case
does, it does through both, and gets values that can be compared."""
import dataclasses

import gevent.ssl
import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from google.protobuf.json_format import ParseDict
from tritonclient.grpc import InferenceServerClientPlugin, service_pb2
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

SECONDS = 60  # that any call may take: generous, so that only a hang meets it

# Where an error is the same in both protocols: the code of the one, the status of the other (server/http has the table).
STATUSES = {"INVALID_ARGUMENT": {400}, "NOT_FOUND": {404}, "ALREADY_EXISTS": {409}, "FAILED_PRECONDITION": {409},
            "UNAVAILABLE": {503}, "RESOURCE_EXHAUSTED": {413, 429}, "DEADLINE_EXCEEDED": {504}, "CANCELLED": {499},
            "UNAUTHENTICATED": {401}, "PERMISSION_DENIED": {403}, "UNIMPLEMENTED": {501}, "DATA_LOSS": {500},
            "INTERNAL": {500}}

# Where typed contents carry a type; FP16 has no such place.
CONTENTS = {"BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
            "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
            "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents"}


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a request, and what is said of it where that is not what it is.

    Spelled out, its elements are numbers: JSON's over HTTP, typed contents over gRPC. Otherwise they are raw bytes.
    """

    name: str
    array: np.ndarray
    spelled_out: bool = False
    datatype: str | None = None
    shape: list | None = None

    def said(self):
        """The datatype and shape that go into the request."""
        datatype = np_to_triton_dtype(self.array.dtype) if self.datatype is None else self.datatype
        return datatype, list(self.array.shape if self.shape is None else self.shape)


@dataclasses.dataclass(frozen=True)
class Output:
    """An output that is asked for; `spelled_out` concerns HTTP alone."""

    name: str
    classes: int = 0
    spelled_out: bool = False


@dataclasses.dataclass(frozen=True)
class Answer:
    model: str
    version: str
    id: str
    outputs: tuple  # of (name, datatype, shape, bytes, or texts where the type is BYTES)

    def array(self, name):
        """One output; None where it is not there."""
        for found, datatype, shape, data in self.outputs:
            if found == name:
                return np.frombuffer(data, triton_http.triton_to_np_dtype(datatype)).reshape(shape)
        return None


@dataclasses.dataclass(frozen=True)
class Refusal:
    status: str  # "NOT_FOUND", or "404"
    message: str


def outcome(case, front):
    """What a case gives through one front end: its value, or the error it ends with."""
    try:
        return case(front)
    except InferenceServerException as error:
        return Refusal(error.status().removeprefix("StatusCode."), error.message())


def _output(name, datatype, shape, array):
    if datatype == "BYTES":
        data = tuple(text if isinstance(text, bytes) else text.encode() for text in array.ravel())
    else:
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return name, datatype, tuple(int(dim) for dim in shape), data


class _Bearer(InferenceServerClientPlugin):
    """Shows a token with every call."""

    def __init__(self, token):
        self._token = token

    def __call__(self, request):
        request.headers["authorization"] = f"Bearer {self._token}"


class _FrontEnd:
    """What both clients call the same. A context manager."""

    def show(self, token):
        """From now on; None: no more."""
        if self.client.plugin() is not None:
            self.client.unregister_plugin()
        if token is not None:
            self.client.register_plugin(_Bearer(token))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def is_live(self):
        return self.client.is_server_live()

    def is_ready(self):
        return self.client.is_server_ready()

    def is_model_ready(self, model, version=""):
        return self.client.is_model_ready(model, version)

    def load(self, model, **options):
        self.client.load_model(model, **options)

    def unload(self, model, **options):
        self.client.unload_model(model, **options)

    # Descriptions, as the messages of the protocol.
    def server_metadata(self):
        return self._message("ServerMetadataResponse", self.client.get_server_metadata())

    def model_metadata(self, model, version=""):
        return self._message("ModelMetadataResponse", self.client.get_model_metadata(model, version))

    def model_config(self, model, version=""):
        return self._message("ModelConfigResponse", self.client.get_model_config(model, version))

    def statistics(self, model="", version=""):
        """Without what changes by itself, which is memory."""
        message = self._message("ModelStatisticsResponse", self.client.get_inference_statistics(model, version))
        for one in message.model_stats:
            one.ClearField("memory_usage")
        return message

    def index(self):
        return self._message("RepositoryIndexResponse", self.client.get_model_repository_index())


class Grpc(_FrontEnd):
    name = "gRPC"

    def __init__(self, server, ca=None):
        """Encrypted where `ca`, a PEM file, says whom to believe."""
        self.client = triton_grpc.InferenceServerClient(server.addresses["grpc"], ssl=ca is not None, root_certificates=ca)

    @staticmethod
    def _message(_, message):
        message.DiscardUnknownFields()  # our own part of the configuration
        return message

    @staticmethod
    def _input(given):
        made = triton_grpc.InferInput(given.name, list(given.array.shape), np_to_triton_dtype(given.array.dtype))
        made.set_data_from_numpy(given.array)
        datatype, shape = given.said()
        if given.spelled_out:
            made._raw_content = None  # The client itself has no typed contents.
            contents = getattr(made._input.contents, CONTENTS[made.datatype()])
            contents.extend(given.array.ravel().tolist())
        made.set_shape(shape)
        made._input.datatype = datatype
        return made

    def infer(self, model, inputs, outputs=None, version="", **options):
        wanted = outputs and [triton_grpc.InferRequestedOutput(one.name, one.classes) for one in outputs]
        result = self.client.infer(model, [self._input(one) for one in inputs], version, wanted, client_timeout=SECONDS,
                                   **options)
        said = result.get_response()
        return Answer(said.model_name, said.model_version, said.id, tuple(
            _output(one.name, one.datatype, one.shape, result.as_numpy(one.name)) for one in said.outputs))

    def infer_from_shared_memory(self, model, name, shape):
        made = triton_grpc.InferInput(name, shape, "FP32")
        made.set_shared_memory("region", 16)
        self.client.infer(model, [made], client_timeout=SECONDS)


class Http(_FrontEnd):
    name = "HTTP"

    def __init__(self, server, ca=None):
        trust = ca and {"ssl": True, "ssl_context_factory": lambda: gevent.ssl.create_default_context(cafile=ca)}
        self.client = triton_http.InferenceServerClient(server.addresses["http"], connection_timeout=SECONDS,
                                                        network_timeout=SECONDS, **(trust or {}))

    @staticmethod
    def _message(name, said):
        wrap = {"ModelConfigResponse": lambda: {"config": said}, "RepositoryIndexResponse": lambda: {"models": said}}
        # Our own part of the configuration is not known to the client's messages.
        return ParseDict(wrap.get(name, lambda: said)(), getattr(service_pb2, name)(), ignore_unknown_fields=True)

    @staticmethod
    def _input(given):
        made = triton_http.InferInput(given.name, list(given.array.shape), np_to_triton_dtype(given.array.dtype))
        made.set_data_from_numpy(given.array, binary_data=not given.spelled_out)
        made._datatype, shape = given.said()
        made.set_shape(shape)
        return made

    def infer(self, model, inputs, outputs=None, version="", **options):
        wanted = outputs and [triton_http.InferRequestedOutput(one.name, not one.spelled_out, one.classes)
                              for one in outputs]
        result = self.client.infer(model, [self._input(one) for one in inputs], version, wanted, **options)
        said = result.get_response()
        return Answer(said["model_name"], said["model_version"], said.get("id", ""), tuple(
            _output(one["name"], one["datatype"], one["shape"], result.as_numpy(one["name"]))
            for one in said["outputs"]))

    def infer_from_shared_memory(self, model, name, shape):
        made = triton_http.InferInput(name, shape, "FP32")
        made.set_shared_memory("region", 16)
        self.client.infer(model, [made])
