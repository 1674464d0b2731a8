#!/usr/bin/env python3
"""Our statement of the protocol, compared with the one that the stock client carries: every message, field, number,
type, oneof, enumerator and method. Needs no server."""
import pathlib
import subprocess
import tempfile
import unittest

import harness
from beak_process import SOURCE_DIR
from google.protobuf import descriptor_pb2
from tritonclient.grpc import model_config_pb2, service_pb2


def ours():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "descriptors")
        subprocess.run(["protoc", f"-I{SOURCE_DIR}", "--include_imports", f"--descriptor_set_out={out}",
                        "proto/inference/open_inference.proto"], cwd=SOURCE_DIR, check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


def theirs():
    files = []
    for module in (service_pb2, model_config_pb2):
        files.append(descriptor_pb2.FileDescriptorProto())
        module.DESCRIPTOR.CopyToProto(files[-1])
    return files


def facts(files):
    """What crosses the wire or stands in a text form, as a flat table: the order and the files do not matter."""
    table = {}

    def enumeration(enum, scope):
        for value in enum.value:
            table[f"enum {scope}{enum.name}.{value.name}"] = value.number

    def message(described, scope):
        name = scope + described.name
        table[f"message {name}"] = True
        for field in described.field:
            oneof = described.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None
            table[f"field {name}.{field.name}"] = (field.number, field.type, field.label, field.type_name, oneof)
        for nested in described.nested_type:
            message(nested, name + ".")
        for enum in described.enum_type:
            enumeration(enum, name + ".")

    for file in files:
        for described in file.message_type:
            message(described, file.package + ".")
        for enum in file.enum_type:
            enumeration(enum, file.package + ".")
        for service in file.service:
            for method in service.method:
                table[f"rpc {file.package}.{service.name}.{method.name}"] = (
                    method.input_type, method.output_type, method.client_streaming, method.server_streaming)
    return table


# Our own settings of a model, in a field that other servers and clients pass over.
EXTENSION = ("field inference.ModelConfig.beak", "message inference.BeakOptions", "field inference.BeakOptions.",
             "message inference.ModelAveraging", "field inference.ModelAveraging.")


class Protocol(unittest.TestCase):

    def test_is_the_stock_clients(self):
        self.maxDiff = None
        expected = facts(theirs())
        self.assertGreater(len(expected), 500)
        self.assertEqual({name: fact for name, fact in facts(ours()).items() if not name.startswith(EXTENSION)}, expected)

    def test_what_is_ours_is_out_of_the_way(self):
        self.assertEqual(facts(ours())["field inference.ModelConfig.beak"][0], 1000)


if __name__ == "__main__":
    harness.main()
