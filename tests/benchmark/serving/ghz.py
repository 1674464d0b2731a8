"""An open loop by ghz, a load generator that knows nothing of Beak: a second opinion beside `beak bench`."""
import dataclasses
import json
import struct
import subprocess

import onnx

from serving.bench import ROOT
from serving.load import CONNECTIONS

WORKERS = 50  # that send; none waits for an answer


@dataclasses.dataclass(frozen=True)
class Offered:
    requests: int
    in_time: int       # answered before the deadline, at which ghz gives up
    goodput: float     # of these a second
    outcomes: dict     # {code: count}


def _varint(number):
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def _field(number, value):
    """A length-delimited field of a message on the wire."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _request(name, path):
    """A ModelInferRequest of one row, all values the same: ghz takes its bytes for a template and looks for "{{"."""
    dims = [dim.dim_value for dim in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
    shape, size = [1, *dims[1:]], 1
    for dim in shape:
        size *= dim
    tensor = _field(1, b"input") + _field(2, b"FP32") + _field(3, b"".join(map(_varint, shape)))
    return _field(1, name.encode()) + _field(5, tensor) + _field(7, struct.pack("<f", 0.5) * size)


def run(bench, program, address, model, rate, deadline_ms):
    """Evenly spaced requests, sent whatever the server does."""
    body = bench.work_dir / f"{model}.request"
    body.write_bytes(_request(model, bench.network(model)))
    command = [program, "--insecure", f"--proto={ROOT / 'proto/inference/open_inference.proto'}",
               f"--import-paths={ROOT}", "--call=inference.GRPCInferenceService.ModelInfer", f"--binary-file={body}",
               "--async", f"--rps={max(1, round(rate))}", f"--duration={bench.seconds}s", "--duration-stop=wait",
               f"--timeout={deadline_ms:.0f}ms", f"--connections={CONNECTIONS}", f"--concurrency={WORKERS}",
               "--format=json", address]
    found = json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout)
    outcomes = found["statusCodeDistribution"] or {}
    in_time = outcomes.get("OK", 0)
    return Offered(found["count"], in_time, in_time / bench.seconds, outcomes)
