#!/usr/bin/env python3
"""REST as programs speak it that are no Triton client: plain HTTP/1.1, with and without a library, well and badly.

What both protocols have in common is in front_ends_test.py. Here is what only HTTP has: paths, methods, JSON, the binary
extension, compression, connections. Nothing that a client sends may be answered with 500, or end the server.
"""
import contextlib
import gzip
import http.client
import io
import json
import pathlib
import os
import re
import signal
import socket
import tempfile
import time
import unittest
import zlib

import harness
import numpy as np
import small_models
from beak_process import BIN_DIR, Server

MAX_BODY_BYTES = 1 << 20
SECONDS = 30  # that any answer may take
FIVE = np.arange(5, dtype=np.float32)
FLAT = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32", "data": FIVE.tolist()}]}


class Reply:
    """An answer read to its end."""

    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    def json(self):
        return json.loads(self.body)


class Kept(io.BufferedReader):
    """A file that stays open for the next answer, whoever closes it."""

    def close(self):
        pass


class Raw:
    """A connection on which bytes are sent as they are. A context manager."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), SECONDS)
        self._file = Kept(self._socket.makefile("rb", buffering=0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._file.detach().close()

    def send(self, data):
        self._socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def reply(self, method="GET"):
        """The next answer. ConnectionError where there is none."""
        answer = http.client.HTTPResponse(self, method=method)
        try:
            answer.begin()
        except http.client.BadStatusLine:
            raise ConnectionError("closed without an answer") from None
        return Reply(answer)

    def makefile(self, _):
        """What HTTPResponse reads; it would read on into the next answer, and lose that, from a file of its own."""
        return self._file

    def lines(self, count):
        return [self._file.readline() for _ in range(count)]

    def is_closed(self):
        """Whether the server closes it, and sends nothing more before."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)


class Rest(unittest.TestCase):
    """One server for all tests of a class."""

    GRACE_SECONDS = 0

    @classmethod
    def setUpClass(cls):
        cls.repository = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        models = {name: build() for name, build in small_models.MODELS.items()}
        models |= {name: small_models.same("FP32") for name in ("same", "a+b%20c", "patient")}
        models |= {f"same_{kind}": small_models.same(kind) for kind in ("INT8", "INT64", "UINT64", "FP16", "BOOL")}
        models["one_free"] = small_models.same("FP32", ("columns",))
        models["two_free"] = small_models.same("FP32", ("rows", "columns"))
        small_models.write(cls.repository, models)
        for name in ("one_free", "two_free"):
            (cls.repository / name / "config.pbtxt").write_text("max_batch_size: 0")
        # Requests of one row wait for others that do not come.
        (cls.repository / "patient/config.pbtxt").write_text(
            "max_batch_size: 8 dynamic_batching { preferred_batch_size: [ 8 ] "
            "max_queue_delay_microseconds: 5000000 }")
        cls.server = cls.enterClassContext(Server(
            BIN_DIR / "beak-server", "--grpc-port=0", "--http-port=0", "--metrics-port=0",
            f"--model-repository={cls.repository}", f"--max-receive-bytes={MAX_BODY_BYTES}",
            f"--shutdown-grace-secs={cls.GRACE_SECONDS}"))
        cls.address = cls.server.addresses["http"]
        cls.addClassCleanup(cls.check_that_it_still_serves)

    @classmethod
    def check_that_it_still_serves(cls):
        """Whatever has been sent."""
        reply = cls.ask("POST", "/v2/models/same/infer", FLAT)
        if reply.status != 200:
            raise AssertionError(f"expected an answer, got {reply.status}: {reply.body}")
        outcomes = re.findall(r'^beak_requests_total\{.*outcome="(\w+)".*\} [1-9]', cls.metrics(), re.M)
        if "internal" in outcomes:
            raise AssertionError(f"expected no internal error, got outcomes {outcomes}")

    @classmethod
    def metrics(cls):
        with contextlib.closing(http.client.HTTPConnection(cls.server.addresses["metrics"], timeout=SECONDS)) as metrics:
            metrics.request("GET", "/metrics")
            return Reply(metrics.getresponse()).body.decode()

    @classmethod
    def ask(cls, method, path, body=None, headers=None, connection=None):
        """A request on a connection of its own, or on one that is kept; a body that is no bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        mine = connection or http.client.HTTPConnection(cls.address, timeout=SECONDS)
        try:
            mine.request(method, path, body, headers or {})
            return Reply(mine.getresponse())
        finally:
            if connection is None:
                mine.close()

    @classmethod
    def binary(cls, model, head, tail, length=None, **headers):
        """A request with a binary tail."""
        head = head if isinstance(head, bytes) else json.dumps(head).encode()
        length = str(len(head)) if length is None else length
        return cls.ask("POST", f"/v2/models/{model}/infer", head + tail,
                       {"Inference-Header-Content-Length": length, "Content-Type": "application/octet-stream",
                        **headers})

    def raw(self):
        return self.enterContext(Raw(self.address))

    def check_error(self, reply, *statuses):
        """A refusal says why, in JSON; returns the text."""
        self.assertIn(reply.status, statuses, reply.body)
        self.assertEqual(reply.headers.get_content_type(), "application/json")
        said = reply.json()
        self.assertEqual(set(said), {"error"})
        self.assertTrue(said["error"])
        return said["error"]

    def check_values(self, reply, values, name="y"):
        """A good answer in JSON with these numbers."""
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers.get_content_type(), "application/json")
        (output,) = [one for one in reply.json()["outputs"] if one["name"] == name]
        np.testing.assert_array_equal(np.array(output["data"], values.dtype).reshape(output["shape"]), values)


def request(method, path, body=b"", **headers):
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: beak", *(f"{name.replace('_', '-')}: {value}"
                                                          for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Paths(Rest):

    def test_health(self):
        for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/same/ready", "/v2/models/same/versions/1/ready"):
            self.assertEqual(self.ask("GET", path).status, 200, path)
        for path in ("/v2/models/absent/ready", "/v2/models/same/versions/7/ready"):
            self.assertEqual(self.ask("GET", path).status, 400, path)

    def test_a_query_is_passed_over(self):
        self.assertEqual(self.ask("GET", "/v2/health/live?test_1=1&test_2=2").status, 200)
        self.assertEqual(self.ask("GET", "/v2?x=%zz").status, 200)
        self.check_values(self.ask("POST", "/v2/models/same/infer?a=b", FLAT), FIVE[None])

    def test_descriptions_have_numbers_where_the_protocol_has(self):
        metadata = self.ask("GET", "/v2/models/same").json()
        self.assertEqual(metadata["inputs"], [{"name": "x", "datatype": "FP32", "shape": [-1, 5]}])
        self.assertEqual(metadata["versions"], ["1"])
        config = self.ask("GET", "/v2/models/same/config").json()
        self.assertEqual(config["max_batch_size"], 64)
        self.assertEqual(config["input"][0]["dims"], [5])
        self.assertEqual(config["input"][0]["data_type"], "TYPE_FP32")
        (statistics,) = self.ask("GET", "/v2/models/same/stats").json()["model_stats"]
        self.assertIsInstance(statistics["inference_count"], int)
        self.assertIsInstance(statistics["inference_stats"]["success"]["ns"], int)

    def test_index(self):
        for body in (None, {}, {"ready": True}, {"ready": False}):
            index = self.ask("POST", "/v2/repository/index", body).json()
            self.assertIn({"name": "same", "version": "1", "state": "READY"},
                          [{key: one[key] for key in ("name", "version", "state")} for one in index])

    def test_paths_that_are_not_there(self):
        for path in ("/", "/v1/models/same", "/v2/model/same", "/v2/models", "/v2/models/same/infer/more", "/v2/health",
                     "/v2/models/same/versions", "/v2/models/same/explain", "/metrics", "/../etc/passwd", "/v2/repository",
                     "/v2/models/same/versions/1/versions/1", "*", "/v2%2Fhealth%2Flive"):
            with self.subTest(path):
                self.check_error(self.ask("GET", path), 404, 400)

    def test_models_that_are_not_there(self):
        for path in ("/v2/models/absent", "/v2/models/absent/config", "/v2/models/same/versions/7",
                     "/v2/models/absent/stats"):
            with self.subTest(path):
                self.assertIn("Request for unknown model", self.check_error(self.ask("GET", path), 404))
        self.assertIn("Request for unknown model",
                      self.check_error(self.ask("POST", "/v2/models/absent/infer", FLAT), 404))

    def test_methods(self):
        for path, allowed in (("/v2", "GET"), ("/v2/health/live", "GET"), ("/v2/models/same", "GET"),
                              ("/v2/models/same/infer", "POST"), ("/v2/repository/index", "POST"),
                              ("/v2/repository/models/same/load", "POST")):
            for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} - {allowed}:
                with self.subTest(path, method=method):
                    reply = self.ask(method, path, b"{}" if method == "POST" else None)
                    self.check_error(reply, 405)
                    self.assertIn(allowed, reply.headers["Allow"].split(", "))
                    self.assertNotIn(method, reply.headers["Allow"].split(", "))

    def test_head(self):
        got = self.ask("GET", "/v2")
        head = self.ask("HEAD", "/v2")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(len(got.body)))
        self.assertEqual(self.ask("HEAD", "/v2/models/absent").status, 404)

    def test_percent_signs(self):
        self.check_values(self.ask("POST", "/v2/models/s%61me/infer", FLAT), FIVE[None])
        self.check_values(self.ask("POST", "/v2/models/a+b%2520c/infer", FLAT), FIVE[None])
        self.assertIn("'a/b'", self.check_error(self.ask("GET", "/v2/models/a%2Fb"), 404))
        self.check_error(self.ask("GET", "/v2/models/%00"), 404)
        for path in ("/v2/models/%", "/v2/models/%2", "/v2/models/%zz"):
            self.check_error(self.ask("GET", path), 400)
        self.check_error(self.ask("GET", "/v2/models/%ff%fe"), 404)

    def test_versions(self):
        self.check_values(self.ask("POST", "/v2/models/same/versions/1/infer", FLAT), FIVE[None])
        self.check_error(self.ask("POST", "/v2/models/same/versions/2/infer", FLAT), 404)
        self.check_error(self.ask("POST", "/v2/models/same/versions/latest/infer", FLAT), 400)

    def test_what_is_not_served_says_so(self):
        for path in ("/v2/logging", "/v2/trace/setting", "/v2/models/same/trace/setting",
                     "/v2/systemsharedmemory/status", "/v2/cudasharedmemory/status"):
            with self.subTest(path):
                self.check_error(self.ask("GET", path), 501)

    def test_health_of_the_metrics_port(self):
        for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/", 404), ("/v2", 404)):
            with contextlib.closing(http.client.HTTPConnection(self.server.addresses["metrics"], timeout=SECONDS)) as metrics:
                metrics.request("GET", path)
                self.assertEqual(metrics.getresponse().status, status, path)


class Json(Rest):

    def infer(self, document, model="same"):
        return self.ask("POST", f"/v2/models/{model}/infer", document)

    def changed(self, **fields):
        """The good request with fields of its one input changed; None takes them away."""
        one = {key: value for key, value in {**FLAT["inputs"][0], **fields}.items() if value is not None}
        return {"inputs": [one]}

    def test_data_nested_or_flat(self):
        rows = np.arange(10, dtype=np.float32).reshape(2, 5)
        for data in (rows.tolist(), rows.ravel().tolist()):
            self.check_values(self.infer(self.changed(shape=[2, 5], data=data)), rows)
        picture = np.arange(192, dtype=np.uint8).reshape(1, 3, 8, 8)
        for data in (picture.tolist(), picture.ravel().tolist()):
            given = {"inputs": [{"name": "pixels", "shape": [1, 3, 8, 8], "datatype": "UINT8", "data": data}]}
            self.assertEqual(self.infer(given, "pixels").status, 200)

    def test_blanks_order_escapes_and_unknown_fields(self):
        text = (' \r\n\t{"unknown" : [ {} , null, "x" ], "inputs" : [ {"data":[0,1.0,2e0,3,0.4E1], "datatype":"FP32",'
                '"more":1, "shape":[1,5], "n\\u0061me":"\\u0078"} ] }\n')
        self.check_values(self.infer(text.encode()), FIVE[None])

    def test_every_bit_of_a_number_comes_back(self):
        for model, kind, values in (("same_INT64", "INT64", [-2**63, 2**63 - 1, 2**53 + 1, 0, -1]),
                                    ("same_UINT64", "UINT64", [2**64 - 1, 2**63, 2**53 + 1, 0, 1]),
                                    ("same_INT8", "INT8", [-128, 127, 0, 1, -1])):
            given = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": kind, "data": values}]}
            (output,) = self.infer(given, model).json()["outputs"]
            self.assertEqual(output["data"], values)
            self.assertTrue(all(isinstance(value, int) for value in output["data"]))

    def test_truth_values(self):
        given = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "BOOL", "data": [True, False, 1, 0, True]}]}
        reply = self.infer(given, "same_BOOL")
        if reply.status == 200:  # whether 0 and 1 are truth values is for the server to say
            self.assertEqual(reply.json()["outputs"][0]["data"], [True, False, True, False, True])
        else:
            self.check_error(reply, 400)
        given["inputs"][0]["data"] = [True, False, True, False, True]
        self.assertEqual(self.infer(given, "same_BOOL").json()["outputs"][0]["data"], given["inputs"][0]["data"])

    def test_numbers_that_the_type_cannot_hold(self):
        for model, kind, value in (("same_INT8", "INT8", 128), ("same_INT8", "INT8", -129), ("same_INT8", "INT8", 1.5),
                                   ("same_INT64", "INT64", 2**63), ("same_UINT64", "UINT64", -1),
                                   ("same_UINT64", "UINT64", 2**64), ("same_INT64", "INT64", 1e300)):
            with self.subTest(kind, value=value):
                given = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": kind, "data": [value, 0, 0, 0, 0]}]}
                self.check_error(self.infer(given, model), 400)

    def test_answers_stay_json_whatever_the_numbers(self):
        def forbidden(text):
            raise AssertionError(f"{text} is no JSON")

        values = np.array([[np.nan, np.inf, -np.inf, 1, -0.0]], np.float32)
        given = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32",
                             "parameters": {"binary_data_size": 20}}]}
        reply = self.binary("same", given, values.tobytes())
        self.assertIn(reply.status, (200, 400), reply.body)
        json.loads(reply.body, parse_constant=forbidden)

    def test_what_is_no_json(self):
        for text in (b"", b" ", b"{", b"}", b"[]", b"null", b"7", b'"x"', b"{}", b'{"inputs"}', b"{'inputs':[]}",
                     b'{"inputs":[}', b'{"inputs":[]}x', b"\xff\xfe", b'{"inputs":"\xff"}', b"\x00", b'{"id":"\\ud800"}',
                     b'{"inputs":[]}' * 2, b'{"inputs":[{"name":"x","shape":[1,5],"datatype":"FP32","data":[NaN,1,2,3,4]}]}',
                     json.dumps(FLAT).encode()[:-1]):
            with self.subTest(text):
                self.check_error(self.infer(text), 400)

    def test_deep_nesting(self):
        for deep in (b"[" * 500_000, b'{"a":' * 150_000, b'{"inputs":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
                     json.dumps(FLAT).encode().replace(b"[0.0", b"[" * 100_000 + b"0.0")):
            self.check_error(self.infer(deep), 400)

    def test_fields_of_the_wrong_kind(self):
        wrong = {"inputs is an object": {"inputs": {}}, "inputs is null": {"inputs": None}, "no inputs": {"id": "x"},
                 "input is a number": {"inputs": [1]}, "id is a number": {**FLAT, "id": 7},
                 "outputs is a text": {**FLAT, "outputs": "y"}, "output is a text": {**FLAT, "outputs": ["y"]},
                 "output has no name": {**FLAT, "outputs": [{}]}, "parameters is a list": {**FLAT, "parameters": []},
                 "parameter is a list": {**FLAT, "parameters": {"x": []}},
                 "timeout is a text": {**FLAT, "parameters": {"timeout": "soon"}},
                 "timeout is a fraction": {**FLAT, "parameters": {"timeout": 1.5}},
                 "priority is negative": {**FLAT, "parameters": {"priority": -1}},
                 "a reserved name": {**FLAT, "parameters": {"triton_x": 1}},
                 "binary_data_output is a text": {**FLAT, "parameters": {"binary_data_output": "yes"}},
                 "binary_data is a text": {**FLAT, "outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]},
                 "classification is a text": {**FLAT, "outputs": [{"name": "y", "parameters": {"classification": "3"}}]}}
        for field, values in {"name": (None, 7, ["x"]), "shape": (None, 5, "1,5", [1, "5"], [1.5, 5], [None], [1, [5]],
                                                                  [-1, 5], [2**70], [1] * 70),
                              "datatype": (None, 7, "FP33", "fp32", ""),
                              "data": (None, 5, "x", {}, [1], [[1], 2, 3, 4, 5], ["a"] * 5, [None] * 5, [{}] * 5, [[[]]])
                              }.items():
            wrong |= {f"{field} is {value!r}": self.changed(**{field: value}) for value in values}
        for what, document in wrong.items():
            with self.subTest(what):
                reply = self.infer(document)
                if what != "data is [[1], 2, 3, 4, 5]" or reply.status != 200:  # five numbers, oddly nested
                    self.check_error(reply, 400)

    def test_load_and_unload_with_bodies_that_are_wrong(self):
        for body in (b"{", b"[]", b'{"parameters":[]}', b'{"parameters":{"config":7}}', b'{"parameters":{"other":"x"}}'):
            self.check_error(self.ask("POST", "/v2/repository/models/same/load", body), 400, 503)
        self.check_error(self.ask("POST", "/v2/repository/index", b"{"), 400)
        self.check_error(self.ask("POST", "/v2/repository/other/index", b"{}"), 501)

    def test_half_precision(self):
        """Has no place in typed contents; what JSON says of it is either right or refused."""
        values = np.array([[0.1, 1, -2, 65504, 6e-8]], np.float16)
        raw = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP16", "parameters": {"binary_data_size": 10}}]}
        spelled = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP16", "data": values.ravel().tolist()}],
                   "parameters": {"binary_data_output": True}}
        answered = self.binary("same_FP16", raw, values.tobytes())
        if answered.status == 200:
            self.check_values(answered, values)
        else:
            self.check_error(answered, 400)
        given = self.infer(spelled, "same_FP16")
        if given.status == 200:
            self.assertEqual(given.body[int(given.headers["Inference-Header-Content-Length"]):], values.tobytes())
        else:
            self.check_error(given, 400)


class Binary(Rest):

    head = {"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32", "parameters": {"binary_data_size": 20}}]}

    def check_binary(self, reply, values):
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers["Content-Type"], "application/octet-stream")
        length = int(reply.headers["Inference-Header-Content-Length"])
        (output,) = json.loads(reply.body[:length])["outputs"]
        self.assertEqual(output["parameters"]["binary_data_size"], values.nbytes)
        self.assertNotIn("data", output)
        self.assertEqual(reply.body[length:], values.tobytes())

    def test_binary_in_and_json_out(self):
        self.check_values(self.binary("same", self.head, FIVE.tobytes()), FIVE[None])

    def test_binary_out(self):
        for wish in ({"parameters": {"binary_data_output": True}},
                     {"outputs": [{"name": "y", "parameters": {"binary_data": True}}]},
                     {"parameters": {"binary_data_output": False},
                      "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}):
            self.check_binary(self.binary("same", {**self.head, **wish}, FIVE.tobytes()), FIVE)
            self.check_binary(self.ask("POST", "/v2/models/same/infer", {**FLAT, **wish}), FIVE)

    def test_an_output_s_own_wish_wins(self):
        wish = {"parameters": {"binary_data_output": True}, "outputs": [{"name": "y", "parameters": {"binary_data": False}}]}
        self.check_values(self.binary("same", {**self.head, **wish}, FIVE.tobytes()), FIVE[None])

    def test_one_output_binary_and_one_not(self):
        ones, twos = np.ones((1, 16), np.int32), np.full((1, 16), 2, np.int32)
        inputs = [{"name": "INPUT1", "shape": [1, 16], "datatype": "INT32", "parameters": {"binary_data_size": 64}},
                  {"name": "INPUT0", "shape": [1, 16], "datatype": "INT32", "data": ones.ravel().tolist()}]
        outputs = [{"name": "OUTPUT0", "parameters": {"binary_data": True}}, {"name": "OUTPUT1"}]
        reply = self.binary("simple", {"inputs": inputs, "outputs": outputs}, twos.tobytes())
        self.assertEqual(reply.status, 200, reply.body)
        length = int(reply.headers["Inference-Header-Content-Length"])
        first, second = json.loads(reply.body[:length])["outputs"]
        self.assertEqual((first["name"], first["parameters"]["binary_data_size"]), ("OUTPUT0", 64))
        self.assertEqual(reply.body[length:], (ones + twos).tobytes())
        self.assertEqual(np.ravel(second["data"]).tolist(), (ones - twos).ravel().tolist())

    def test_a_length_that_is_none(self):
        for length in ("x", "", "-1", "1.5", "0x10", "99999999999999999999999", "+5", "1 2"):
            with self.subTest(length):
                self.check_error(self.binary("same", self.head, FIVE.tobytes(), length), 400)

    def test_a_length_that_does_not_fit(self):
        size = len(json.dumps(self.head))
        for length in (size + 21, size + 1000, 1 << 40, size + 5, size - 1, 1):
            with self.subTest(length):
                self.check_error(self.binary("same", self.head, FIVE.tobytes(), str(length)), 400)

    def test_bytes_that_are_missing_or_too_many(self):
        for tail in (b"", FIVE.tobytes()[:-1], FIVE.tobytes() + b"x", FIVE.tobytes() * 2):
            self.check_error(self.binary("same", self.head, tail), 400)
        # In the JSON there are data, and bytes follow all the same.
        self.check_error(self.binary("same", FLAT, FIVE.tobytes()), 400)
        # And bytes where no header says that there are any.
        self.check_error(self.ask("POST", "/v2/models/same/infer", json.dumps(FLAT).encode() + FIVE.tobytes()), 400)
        self.check_error(self.ask("POST", "/v2/models/same/infer", self.head), 400)

    def test_sizes_that_are_none(self):
        for size in (-1, 1.5, "20", True, None, 2**63, 2**64 - 4, 19, 21, 0):
            with self.subTest(size=size):
                head = {"inputs": [{**self.head["inputs"][0], "parameters": {"binary_data_size": size}}]}
                self.check_error(self.binary("same", head, FIVE.tobytes()), 400)

    def test_sizes_that_add_up_to_more_than_a_number_can_hold(self):
        one = lambda name: {"name": name, "shape": [1, 16], "datatype": "INT32",
                            "parameters": {"binary_data_size": 2**62 + 2**61}}
        self.check_error(self.binary("simple", {"inputs": [one("INPUT0"), one("INPUT1"), one("INPUT0")]}, b"x" * 128), 400)

    def test_data_and_bytes_of_one_input(self):
        head = {"inputs": [{**self.head["inputs"][0], "data": FIVE.tolist()}]}
        self.check_error(self.binary("same", head, FIVE.tobytes()), 400)

    def test_a_raw_request(self):
        for columns in (1, 5, 99):
            values = np.arange(columns, dtype=np.float32)
            self.check_binary(self.binary("one_free", b"", values.tobytes(), "0"), values)
        self.check_binary(self.binary("same", b"", FIVE.tobytes(), "0"), FIVE)  # one row

    def test_a_raw_request_that_cannot_be(self):
        ones = np.ones(16, np.int32).tobytes()
        self.check_error(self.binary("simple", b"", ones, "0"), 400)     # two inputs
        self.check_error(self.binary("two_free", b"", FIVE.tobytes(), "0"), 400)
        self.check_error(self.binary("same", b"", b"", "0"), 400)
        self.check_error(self.binary("same", b"", FIVE.tobytes()[:-1], "0"), 400)
        self.check_error(self.binary("one_free", b"", b"abcde", "0"), 400)
        self.check_error(self.binary("absent", b"", FIVE.tobytes(), "0"), 404)


class Compression(Rest):

    body = json.dumps(FLAT).encode()
    ways = {"gzip": (gzip.compress, gzip.decompress), "deflate": (zlib.compress, zlib.decompress)}

    def infer(self, body, **headers):
        return self.ask("POST", "/v2/models/same/infer", body,
                        {name.replace("_", "-"): value for name, value in headers.items()})

    def test_requests(self):
        for way, (pack, _) in self.ways.items():
            with self.subTest(way):
                self.check_values(self.infer(pack(self.body), Content_Encoding=way), FIVE[None])
                self.check_values(self.infer(pack(self.body), Content_Encoding=way.upper()), FIVE[None])
        self.check_values(self.infer(self.body, Content_Encoding="identity"), FIVE[None])

    def test_binary_requests(self):
        """The length in the header is that of the JSON, before it is packed."""
        head = json.dumps(Binary.head).encode()
        for way, (pack, _) in self.ways.items():
            reply = self.infer(pack(head + FIVE.tobytes()), Content_Encoding=way,
                               Inference_Header_Content_Length=str(len(head)))
            self.check_values(reply, FIVE[None])

    def test_answers(self):
        big = {"inputs": [{"name": "x", "shape": [60, 5], "datatype": "FP32", "data": [0.5] * 300}]}
        plain = self.infer(json.dumps(big).encode())
        for way, (_, unpack) in self.ways.items():
            for accept in (way, f"{way};q=1.0, *;q=0", f"br, {way}"):
                with self.subTest(accept):
                    reply = self.infer(json.dumps(big).encode(), Accept_Encoding=accept)
                    self.assertEqual(reply.headers["Content-Encoding"], way)
                    self.assertLess(len(reply.body), len(plain.body))
                    self.assertEqual(unpack(reply.body), plain.body)
        for accept in ("identity", "br", "gzip;q=0", "", "nonsense;;q=x"):
            with self.subTest(accept):
                reply = self.infer(json.dumps(big).encode(), Accept_Encoding=accept)
                self.assertIsNone(reply.headers["Content-Encoding"])
                self.assertEqual(reply.body, plain.body)

    def test_what_is_not_packed_as_it_says(self):
        good = gzip.compress(self.body)
        damaged = good[:-8] + bytes(8)  # another checksum
        for body, way in ((self.body, "gzip"), (self.body, "deflate"), (good[:-1], "gzip"), (good[:20], "gzip"), (b"", "gzip"),
                          (damaged, "gzip"), (good + b"x", "gzip"), (zlib.compress(self.body)[:-1], "deflate")):
            with self.subTest(body=body, way=way):
                self.check_error(self.infer(body, Content_Encoding=way), 400)

    def test_ways_that_are_not_known(self):
        for way in ("br", "zstd", "gzip, gzip", "x"):
            self.check_error(self.infer(self.body, Content_Encoding=way), 415, 400)

    def test_a_bomb(self):
        for pack, _ in self.ways.values():
            way = "gzip" if pack is gzip.compress else "deflate"
            self.check_error(self.infer(pack(bytes(100 * MAX_BODY_BYTES)), Content_Encoding=way), 413)


class Connections(Rest):

    def test_many_requests_on_one_connection(self):
        connection = http.client.HTTPConnection(self.address, timeout=SECONDS)
        connection.connect()
        first = connection.sock
        for number in range(20):
            path = ("/v2/health/live", "/v2/nothing", "/v2/models/same")[number % 3]
            self.ask("GET", path, connection=connection)
            self.check_values(self.ask("POST", "/v2/models/same/infer", FLAT, connection=connection), FIVE[None])
            self.check_error(self.ask("POST", "/v2/models/same/infer", b"{", connection=connection), 400)
        self.assertIs(connection.sock, first)
        connection.close()

    def test_close_as_wished(self):
        raw = self.raw()
        raw.send(request("GET", "/v2/health/live", Connection="close"))
        self.assertEqual(raw.reply().status, 200)
        self.assertTrue(raw.is_closed())

    def test_http_1_0(self):
        raw = self.raw()
        raw.send("GET /v2/health/live HTTP/1.0\r\n\r\n")
        self.assertEqual(raw.reply().status, 200)
        self.assertTrue(raw.is_closed())

    def test_pipelined_requests_are_answered_in_order(self):
        body = json.dumps(FLAT).encode()
        raw = self.raw()
        raw.send(request("POST", "/v2/models/same/infer", body) + request("GET", "/v2/nothing") +
                 request("POST", "/v2/models/same/infer", body) + request("GET", "/v2"))
        self.check_values(raw.reply(), FIVE[None])
        self.check_error(raw.reply(), 404)
        self.check_values(raw.reply(), FIVE[None])
        self.assertEqual(raw.reply().status, 200)

    def test_a_byte_at_a_time(self):
        raw = self.raw()
        for byte in request("POST", "/v2/models/same/infer", json.dumps(FLAT).encode()):
            raw.send(bytes([byte]))
        self.check_values(raw.reply(), FIVE[None])

    def test_expect_continue(self):
        body = json.dumps(FLAT).encode()
        raw = self.raw()
        raw.send(request("POST", "/v2/models/same/infer", Content_Length=len(body), Expect="100-continue"))
        self.assertEqual(raw.lines(2), [b"HTTP/1.1 100 Continue\r\n", b"\r\n"])
        raw.send(body)
        self.check_values(raw.reply(), FIVE[None])

    def test_expect_continue_of_what_is_too_large(self):
        raw = self.raw()
        raw.send(request("POST", "/v2/models/same/infer", Content_Length=MAX_BODY_BYTES + 1, Expect="100-continue"))
        self.check_error(raw.reply(), 413)
        self.assertTrue(raw.is_closed())

    def test_chunks(self):
        body = json.dumps(FLAT).encode()
        chunks = b"".join(b"%x;note=x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:8], body[8:]))
        raw = self.raw()
        raw.send(request("POST", "/v2/models/same/infer", Transfer_Encoding="chunked") + chunks + b"0\r\nTrailer: x\r\n\r\n")
        self.check_values(raw.reply(), FIVE[None])
        raw.send(request("GET", "/v2/health/live"))
        self.assertEqual(raw.reply().status, 200)

    def test_bodies_that_are_too_large(self):
        for headers in ({"Content_Length": MAX_BODY_BYTES + 1}, {"Content_Length": 2**63 - 1}):
            raw = self.raw()
            raw.send(request("POST", "/v2/models/same/infer", **headers))
            self.check_error(raw.reply(), 413)
            self.assertTrue(raw.is_closed())
        raw = self.raw()  # and in chunks, which do not say how much is to come
        raw.send(request("POST", "/v2/models/same/infer", Transfer_Encoding="chunked"))
        try:
            for _ in range(20):
                raw.send(b"20000\r\n" + bytes(0x20000) + b"\r\n")
        except OSError:
            pass
        self.check_error(raw.reply(), 413)

    def test_the_largest_body_that_is_taken(self):
        body = json.dumps(FLAT).encode()
        body += b" " * (MAX_BODY_BYTES - len(body))
        self.check_values(self.ask("POST", "/v2/models/same/infer", body), FIVE[None])
        self.check_error(self.ask("POST", "/v2/models/same/infer", body + b" "), 413)

    def test_lengths_that_are_none(self):
        for line in ("Content-Length: x", "Content-Length: -1", "Content-Length: 5, 6", "Content-Length:", "Content-Length: +5",
                     "Content-Length: 99999999999999999999999", "Content-Length: 5\r\nContent-Length: 6",
                     "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"):
            with self.subTest(line):
                raw = self.raw()
                raw.send(f"POST /v2/models/same/infer HTTP/1.1\r\nHost: beak\r\n{line}\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
                try:
                    self.check_error(raw.reply(), 400, 413)
                except ConnectionError:
                    pass
                self.assertTrue(raw.is_closed())  # nothing that follows may be taken for a request

    def test_chunks_that_are_none(self):
        for chunks in ("x\r\n", "-5\r\nhello\r\n", "fffffffffffffffff\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5;" + "x" * 200_000):
            with self.subTest(chunks[:10]):
                raw = self.raw()
                try:
                    raw.send(request("POST", "/v2/models/same/infer", Transfer_Encoding="chunked") + chunks.encode())
                    self.check_error(raw.reply(), 400, 413, 431)
                except ConnectionError:
                    pass
                self.assertTrue(raw.is_closed())

    def test_what_is_no_request(self):
        for line in ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "hello\r\n\r\n",
                     "GET\r\n\r\n", "GET /v2\r\n\r\n", "GET /v2 HTTP/9.9\r\n\r\n", "GET /v2 HTTP/1.1\r\nno colon\r\n\r\n",
                     "GET /v2 HTTP/1.1\r\nName : x\r\n\r\n", "GET /v\x002 HTTP/1.1\r\n\r\n", "GET /v2 HTTP/1.1\r\nA: \x00\r\n\r\n",
                     "\x00" * 100 + "\r\n\r\n", "G\x01T /v2 HTTP/1.1\r\n\r\n"):
            with self.subTest(line):
                raw = self.raw()
                raw.send(line)
                raw.half_close()
                try:
                    self.check_error(raw.reply(), 400, 404, 505)
                except ConnectionError:
                    pass
                self.assertTrue(raw.is_closed())

    def test_heads_that_are_too_large(self):
        for head in (f"GET /{'x' * 100_000} HTTP/1.1\r\n\r\n", f"GET /v2 HTTP/1.1\r\nName: {'x' * 100_000}\r\n\r\n",
                     "GET /v2 HTTP/1.1\r\n" + "".join(f"Name{i}: x\r\n" for i in range(10_000)) + "\r\n"):
            raw = self.raw()
            try:
                raw.send(head)
                self.check_error(raw.reply(), 414, 431, 400)
            except ConnectionError:
                pass
            self.assertTrue(raw.is_closed())

    def test_bodies_that_end_too_soon(self):
        for end in (Raw.half_close, Raw.__exit__):
            raw = Raw(self.address)
            raw.send(request("POST", "/v2/models/same/infer", Content_Length=500) + b'{"inputs"')
            end(raw)
        self.assertEqual(self.ask("GET", "/v2/health/live").status, 200)

    def cancelled(self):
        return sum(float(value) for value in re.findall(
            r'^beak_requests_total\{[^}]*model="patient"[^}]*outcome="cancelled"[^}]*\} (\S+)$|'
            r'^beak_requests_total\{[^}]*outcome="cancelled"[^}]*model="patient"[^}]*\} (\S+)$', self.metrics(), re.M)
                   for value in value if value)

    def test_who_hangs_up_is_not_waited_for(self):
        before = self.cancelled()
        raw = Raw(self.address)
        raw.send(request("POST", "/v2/models/patient/infer", json.dumps(FLAT).encode()))
        end = time.monotonic() + SECONDS
        while "beak_queue_rows 1" not in self.metrics() and time.monotonic() < end:
            time.sleep(0.01)
        with raw:
            pass
        while self.cancelled() == before and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.cancelled(), before + 1)

    def test_a_timeout_that_passes_in_the_queue(self):
        given = {**FLAT, "parameters": {"timeout": 1}}
        self.check_error(self.ask("POST", "/v2/models/same/infer", given), 504)


class End(Rest):
    """What clients see while the server goes. It ends with the class."""

    GRACE_SECONDS = 3600  # a second signal ends it

    @classmethod
    def check_that_it_still_serves(cls):
        """It does not."""

    def test_requests_are_served_while_health_says_that_the_end_is_near(self):
        kept = http.client.HTTPConnection(self.address, timeout=SECONDS)
        self.check_values(self.ask("POST", "/v2/models/same/infer", FLAT, connection=kept), FIVE[None])
        waiting = self.raw()
        waiting.send(request("POST", "/v2/models/patient/infer", json.dumps(FLAT).encode()))
        os.kill(self.server.pid, signal.SIGTERM)
        end = time.monotonic() + SECONDS
        while self.ask("GET", "/v2/health/ready").status == 200 and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.ask("GET", "/v2/health/ready").status, 400)
        self.assertEqual(self.ask("GET", "/v2/health/live").status, 200)
        reply = self.ask("POST", "/v2/models/same/infer", FLAT, connection=kept)
        self.check_values(reply, FIVE[None])
        self.assertEqual(reply.headers["Connection"], "close")
        self.check_values(waiting.reply(), FIVE[None])


if __name__ == "__main__":
    harness.main()
