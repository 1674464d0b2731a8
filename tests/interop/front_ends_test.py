#!/usr/bin/env python3
"""One suite for both front ends. Each case is written once and run over gRPC and over HTTP by the stock clients; what
comes back must be the same, bit for bit, and so must every error: code and status by one table, the text to the letter."""
import json
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import harness
import numpy as np
import onnx
import onnxruntime
import small_models
from beak_process import SOURCE_DIR, beak_server
from front_ends import STATUSES, Grpc, Http, Input, Output, Refusal, outcome
from onnx import TensorProto, helper
from secrets_for_tests import make_certificate, make_token
from small_models import DATATYPES, MODELS, make_model
from tritonclient.grpc import model_config_pb2

DEMO = SOURCE_DIR / "deploy/demo/models"
FORMS = (False, True)  # raw, spelled out
CONFIGS = {
    "urgent": 'dynamic_batching { priority_levels: 2 default_priority_level: 2 }',
    "strict": 'max_batch_size: 4 beak { refuse_oversized_requests: true }',
}


def spread(datatype, rows=3):
    """Values all over the range of a type, its ends among them."""
    kind = np.dtype(DATATYPES[datatype])
    random = np.random.default_rng(7)
    if kind == np.bool_:
        return random.random((rows, 5)) < 0.5
    if kind.kind == "f":
        # As many different bits as can be; what is no number has a test of its own.
        bits = random.integers(0, 256, (rows * 5, kind.itemsize), np.uint8).view(kind).reshape(rows, 5)
        values = np.where(np.isfinite(bits), bits, kind.type(0.1))
        values[0] = [np.finfo(kind).max, np.finfo(kind).tiny, -0.0, np.finfo(kind).smallest_subnormal, 1 / 3]
        return values
    limits = np.iinfo(kind)
    values = random.integers(limits.min, limits.max, (rows, 5), kind, endpoint=True)
    values[0, :2] = limits.min, limits.max
    return values


def free():
    """Nothing is batched, and both dimensions are free; a scalar beside them."""
    return make_model([helper.make_node("Mul", ["x", "factor"], ["y"]), helper.make_node("ReduceSum", ["y"], ["sum"],
                                                                                        keepdims=0)],
                      [("x", TensorProto.FLOAT, ["rows", "columns"]), ("factor", TensorProto.FLOAT, [])],
                      [("y", TensorProto.FLOAT, ["rows", "columns"]), ("sum", TensorProto.FLOAT, [])])


def make_repository(folder):
    shutil.copytree(DEMO / "mnist", folder / "mnist")
    small_models.write(folder, {name: build() for name, build in MODELS.items()})
    small_models.write(folder, {f"same_{name}": small_models.same(name) for name in DATATYPES})
    small_models.write(folder, {name: small_models.same("FP32") for name in CONFIGS})
    small_models.write(folder, {"free": free(), "a+b%20c,'d'": small_models.same("FP32")})
    (folder / "free/config.pbtxt").write_text("max_batch_size: 0")
    for name, text in CONFIGS.items():
        (folder / name / "config.pbtxt").write_text(text)
    (folder / "broken/1").mkdir(parents=True)
    (folder / "broken/1/model.onnx").write_bytes(b"no network")


class BothFrontEnds(unittest.TestCase):
    """One server, and a client of each front end."""

    FLAGS = ()
    CA = None  # encrypted, if it names one

    @classmethod
    def setUpClass(cls):
        cls.repository = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_repository(cls.repository)
        cls.server = cls.enterClassContext(beak_server(f"--model-repository={cls.repository}", *cls.FLAGS))
        cls.fronts = [cls.enterClassContext(kind(cls.server, cls.CA)) for kind in (Grpc, Http)]

    def both(self, case, alike=lambda text: text):
        """The outcome of a case, which must be one through both. `alike` takes from an error's text what may differ."""
        grpc, http = (outcome(case, front) for front in self.fronts)
        if isinstance(grpc, Refusal) and isinstance(http, Refusal):
            self.assertIn(int(http.status), STATUSES[grpc.status], f"{grpc.message}; {http.message}")
            self.assertEqual(alike(http.message), alike(grpc.message))
            self.assertTrue(grpc.message)
        else:
            self.assertEqual(http, grpc)
        return grpc

    def refused(self, code, case, alike=lambda text: text):
        """The text of the error that a case must end with."""
        found = self.both(case, alike)
        self.assertIsInstance(found, Refusal)
        self.assertEqual(found.status, code, found.message)
        return found.message

    def answered(self, case):
        found = self.both(case)
        self.assertNotIsInstance(found, Refusal)
        return found

    def answer(self, model, inputs, outputs=None, version="", **options):
        return self.answered(lambda front: front.infer(model, inputs, outputs, version, **options))

    def refusal(self, code, model, inputs, outputs=None, version="", alike=lambda text: text, **options):
        return self.refused(code, lambda front: front.infer(model, inputs, outputs, version, **options), alike)


class Descriptions(BothFrontEnds):

    def test_server_is_live_and_ready(self):
        self.assertIs(self.answered(lambda front: front.is_live()), True)
        self.assertIs(self.answered(lambda front: front.is_ready()), True)

    def test_models_are_ready_or_not(self):
        expected = {("mnist", ""): True, ("mnist", "1"): True, ("mnist", "2"): False, ("absent", ""): False,
                    ("broken", ""): False, ("broken", "1"): False, ("mnist", "latest"): False}
        for (model, version), ready in expected.items():
            with self.subTest(model=model, version=version):
                self.assertIs(self.answered(lambda front: front.is_model_ready(model, version)), ready)

    def test_server_metadata(self):
        grpc, http = (front.server_metadata() for front in self.fronts)
        self.assertEqual((http.name, http.version), (grpc.name, grpc.version))
        self.assertEqual(set(http.extensions) - set(grpc.extensions), {"binary_tensor_data"})  # gRPC always has it
        self.assertLessEqual(set(grpc.extensions), set(http.extensions))

    def test_model_metadata_and_configuration(self):
        for model in sorted(path.name for path in self.repository.iterdir()):
            for version in ("", "1"):
                with self.subTest(model=model, version=version):
                    if model != "broken":
                        self.assertEqual(self.answered(lambda front: front.model_metadata(model, version)).name, model)
                        self.assertEqual(self.answered(lambda front: front.model_config(model, version)).config.name,
                                         model)

    def test_what_descriptions_say(self):
        metadata = self.answered(lambda front: front.model_metadata("mnist"))
        self.assertEqual(list(metadata.versions), ["1"])
        self.assertTrue(metadata.platform)
        tensors = [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in (*metadata.inputs, *metadata.outputs)]
        self.assertEqual(tensors, [("image", "FP32", [-1, 1, 28, 28]), ("probabilities", "FP32", [-1, 10])])
        from_file = self.answered(lambda front: front.model_config("mnist")).config
        self.assertEqual((from_file.max_batch_size, list(from_file.input[0].dims)), (64, [1, 28, 28]))
        self.assertEqual(from_file.input[0].format, model_config_pb2.ModelInput.FORMAT_NCHW)
        self.assertEqual(from_file.output[0].label_filename, "labels.txt")
        self.assertEqual(from_file.parameters["image_channels"].string_value, "GRAY")
        from_model = self.answered(lambda front: front.model_config("pixels")).config
        self.assertEqual((from_model.max_batch_size, from_model.input[0].name, from_model.input[0].data_type),
                         (64, "pixels", model_config_pb2.TYPE_UINT8))

    def test_what_is_not_there_is_not_described(self):
        described = {"metadata": lambda *what: lambda front: front.model_metadata(*what),
                     "configuration": lambda *what: lambda front: front.model_config(*what),
                     "statistics": lambda *what: lambda front: front.statistics(*what)}
        for kind, describe in described.items():
            with self.subTest(kind):
                self.assertIn("Request for unknown model", self.refused("NOT_FOUND", describe("absent")))
                self.assertIn("Request for unknown model", self.refused("NOT_FOUND", describe("mnist", "7")))
                self.assertIn("latest", self.refused("INVALID_ARGUMENT", describe("mnist", "latest")))
                self.assertIn("not at ready state", self.refused("UNAVAILABLE", describe("broken", "1")))

    def test_statistics_count_whatever_the_protocol(self):
        counts = lambda: self.answered(lambda front: front.statistics("same_FP32", "1")).model_stats[0]
        before = counts()
        self.answer("same_FP32", [Input("x", np.ones((2, 5), np.float32))])  # by each front end once
        after = counts()
        self.assertEqual(after.inference_count - before.inference_count, 4)
        self.assertEqual(after.inference_stats.success.count - before.inference_stats.success.count, 2)

    def test_statistics_of_all_models(self):
        found = self.answered(lambda front: front.statistics())
        self.assertLessEqual({"mnist", *MODELS}, {one.name for one in found.model_stats})

    def test_repository_index(self):
        index = {one.name: one for one in self.answered(lambda front: front.index()).models}
        self.assertEqual((index["mnist"].version, index["mnist"].state), ("1", "READY"))
        self.assertIn("DATA_LOSS", index["broken"].reason)


class Predictions(BothFrontEnds):

    def test_every_datatype_in_every_form(self):
        for datatype in DATATYPES:
            values = spread(datatype)
            for given in FORMS:
                for wanted in FORMS:
                    if datatype == "FP16" and (given or wanted):
                        continue  # has no typed contents; see the test of HTTP alone
                    with self.subTest(datatype, input_spelled_out=given, output_spelled_out=wanted):
                        found = self.answer(f"same_{datatype}", [Input("x", values, given)], [Output("y", 0, wanted)])
                        self.assertEqual(found.array("y").tobytes(), values.tobytes())

    def test_what_is_no_number(self):
        values = np.array([[np.nan, np.inf, -np.inf, -0.0, 1e-45]], np.float32)
        found = self.answer("same_FP32", [Input("x", values)])
        self.assertEqual(found.array("y").tobytes(), values.tobytes())

    def test_a_real_network_whatever_the_batch_and_the_form(self):
        session = onnxruntime.InferenceSession(DEMO / "mnist/1/model.onnx", providers=["CPUExecutionProvider"])
        for rows in (1, 7, 150):  # 64 are a batch
            images = np.random.default_rng(rows).random((rows, 1, 28, 28), np.float32)
            (expected,) = session.run(None, {"image": images})
            answers = set()
            for form in FORMS:
                found = self.answer("mnist", [Input("image", images, form)], [Output("probabilities", 0, form)])
                np.testing.assert_allclose(found.array("probabilities"), expected, rtol=1e-4, atol=1e-5)
                answers.add(found)
            self.assertEqual(len(answers), 1)

    def test_several_inputs_and_outputs_in_forms_of_their_own(self):
        left, right = (np.random.default_rng(seed).integers(-99, 99, (2, 16), np.int32) for seed in (1, 2))
        for forms in ((False, True), (True, False), (True, True)):
            with self.subTest(forms=forms):
                found = self.answer("simple", [Input("INPUT0", left, forms[0]), Input("INPUT1", right, forms[0])],
                                    [Output("OUTPUT1", 0, forms[1]), Output("OUTPUT0", 0, forms[0])])
                np.testing.assert_array_equal(found.array("OUTPUT0"), left + right)
                np.testing.assert_array_equal(found.array("OUTPUT1"), left - right)

    def test_inputs_in_another_order(self):
        values = {"mask": np.array([[True, False, True, False, True]]), "a": np.ones((1, 5), np.float32),
                  "b": np.zeros((1, 5), np.float32)}
        for order in (("mask", "a", "b"), ("b", "mask", "a")):
            found = self.answer("choose", [Input(name, values[name]) for name in order])
            np.testing.assert_array_equal(found.array("chosen"), values["mask"].astype(np.float32))

    def test_only_the_outputs_asked_for(self):
        ones = np.ones((1, 16), np.int32)
        found = self.answer("simple", [Input("INPUT0", ones), Input("INPUT1", ones)], [Output("OUTPUT1")])
        self.assertEqual([name for name, *_ in found.outputs], ["OUTPUT1"])

    def test_free_dimensions_and_a_scalar(self):
        for shape in ((1, 1), (3, 4), (2, 9)):
            x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
            for form in FORMS:
                found = self.answer("free", [Input("x", x, form), Input("factor", np.array(2, np.float32), form)],
                                    [Output("sum", 0, form), Output("y", 0, form)])
                np.testing.assert_array_equal(found.array("y"), 2 * x)
                self.assertEqual(found.array("sum").shape, ())
                self.assertEqual(float(found.array("sum")), float(2 * x.sum()))

    def test_ids_come_back(self):
        for request_id in ("", "mine", "ümläut ✓", 'quotes " and \\', "x" * 1000):
            found = self.answer("same_FP32", [Input("x", np.ones((1, 5), np.float32))], request_id=request_id)
            self.assertEqual(found.id, request_id)

    def test_versions(self):
        for version in ("", "1"):
            self.assertEqual(self.answer("mnist", [Input("image", np.zeros((1, 1, 28, 28), np.float32))],
                                         version=version).version, "1")

    def test_names_that_a_path_must_escape(self):
        self.assertEqual(self.answer("a+b%20c,'d'", [Input("x", np.ones((1, 5), np.float32))]).model, "a+b%20c,'d'")

    def test_parameters_that_concern_nobody(self):
        self.answer("same_FP32", [Input("x", np.ones((1, 5), np.float32))], sequence_id=5, sequence_start=True,
                    parameters={"mine": "text", "count": 3, "share": 0.5, "really": True})

    def test_priorities(self):
        for priority in (0, 1, 2):
            self.answer("urgent", [Input("x", np.ones((1, 5), np.float32))], priority=priority)
        self.answered(lambda front: front.infer("urgent", [Input("x", np.ones((1, 5), np.float32))], priority=3))

    def test_a_timeout_that_can_be_kept(self):
        self.answer("same_FP32", [Input("x", np.ones((1, 5), np.float32))], timeout=60_000_000)
        self.answer("same_FP32", [Input("x", np.ones((1, 5), np.float32))], timeout=0)


class Classification(BothFrontEnds):

    def test_best_classes_with_labels(self):
        images = np.random.default_rng(5).random((3, 1, 28, 28), np.float32)
        labels = (DEMO / "mnist/labels.txt").read_text().split()
        answers = set()
        for form in FORMS:
            found = self.answer("mnist", [Input("image", images)], [Output("probabilities", 3, form)])
            ((name, datatype, shape, texts),) = found.outputs
            self.assertEqual((name, datatype, shape), ("probabilities", "BYTES", (3, 3)))
            for text in texts:
                _, index, label = text.decode().split(":", 2)
                self.assertEqual(labels[int(index)], label)
            answers.add(found)
        self.assertEqual(len(answers), 1)

    def test_more_classes_than_there_are(self):
        self.answered(lambda front: front.infer("mnist", [Input("image", np.zeros((1, 1, 28, 28), np.float32))],
                                                [Output("probabilities", 99)]))

    def test_a_number_of_classes_that_is_none(self):
        self.assertIn("classification", self.refusal("INVALID_ARGUMENT", "mnist",
                                                     [Input("image", np.zeros((1, 1, 28, 28), np.float32))],
                                                     [Output("probabilities", -1)]))


class Refusals(BothFrontEnds):

    FLAGS = ("--queue-rows=200",)
    image = Input("image", np.zeros((1, 1, 28, 28), np.float32))
    five = Input("x", np.ones((1, 5), np.float32))

    def test_unknown_models_and_versions(self):
        self.assertIn("Request for unknown model", self.refusal("NOT_FOUND", "absent", [self.image]))
        self.assertIn("Request for unknown model", self.refusal("NOT_FOUND", "broken", [self.image]))
        self.assertIn("Request for unknown model", self.refusal("NOT_FOUND", "mnist", [self.image], version="7"))
        self.assertIn("not at ready state", self.refusal("UNAVAILABLE", "broken", [self.image], version="1"))
        for version in ("latest", "1.5", "99999999999999999999"):
            self.refusal("INVALID_ARGUMENT", "mnist", [self.image], version=version)

    def test_inputs_that_do_not_fit_the_model(self):
        zeros = lambda *shape, kind=np.float32: np.zeros(shape, kind)
        wrong = {"shape": [Input("image", zeros(1, 1, 28, 27))], "rank": [Input("image", zeros(1, 28, 28))],
                 "scalar": [Input("image", zeros())], "name": [Input("picture", zeros(1, 1, 28, 28))],
                 "type": [Input("image", zeros(1, 1, 28, 28, kind=np.float64))],
                 "one too many": [self.image, Input("more", zeros(1, 1))], "twice": [self.image, self.image],
                 "none": [], "empty batch": [Input("image", zeros(0, 1, 28, 28))]}
        for what, inputs in wrong.items():
            for form in FORMS:
                with self.subTest(what, spelled_out=form):
                    self.refusal("INVALID_ARGUMENT", "mnist",
                                 [Input(one.name, one.array, form) for one in inputs])

    def test_more_rows_than_a_request_may_have(self):
        self.refusal("INVALID_ARGUMENT", "strict", [Input("x", np.ones((5, 5), np.float32))])
        self.refusal("INVALID_ARGUMENT", "same_UINT8", [Input("x", np.ones((65_537, 5), np.uint8))])
        self.refusal("RESOURCE_EXHAUSTED", "same_FP32", [Input("x", np.ones((201, 5), np.float32))])

    def test_inputs_of_one_request_with_different_numbers_of_rows(self):
        self.refusal("INVALID_ARGUMENT", "simple", [Input("INPUT0", np.ones((1, 16), np.int32)),
                                                    Input("INPUT1", np.ones((2, 16), np.int32))])

    def test_what_is_said_of_an_input_and_is_not_so(self):
        ones = np.ones((1, 5), np.float32)
        for what, given in {"more bytes": Input("x", ones, shape=[1, 4]), "fewer bytes": Input("x", ones, shape=[2, 5]),
                            "negative": Input("x", ones, shape=[-1, 5]), "huge": Input("x", ones, shape=[2**40, 2**40]),
                            "many dimensions": Input("x", ones, shape=[1] * 65),
                            "no type": Input("x", ones, datatype="FP33"), "empty type": Input("x", ones, datatype=""),
                            "strings": Input("x", ones, datatype="BYTES", shape=[1]),
                            "another size": Input("x", ones, datatype="FP64")}.items():
            with self.subTest(what):
                # JSON is not read further than to the dimension that is one too many.
                alike = (lambda text: "64 dimensions" in text) if what == "many dimensions" else (lambda text: text)
                self.refusal("INVALID_ARGUMENT", "same_FP32", [given], alike=alike)

    def test_numbers_that_are_too_many_or_too_few(self):
        for shape in ([1, 4], [2, 5]):
            self.refusal("INVALID_ARGUMENT", "same_FP32", [Input("x", np.ones((1, 5), np.float32), True, shape=shape)])

    def test_outputs(self):
        self.assertIn("absent", self.refusal("INVALID_ARGUMENT", "mnist", [self.image], [Output("absent")]))
        self.refusal("INVALID_ARGUMENT", "mnist", [self.image], [Output("probabilities"), Output("probabilities")])

    def test_shared_memory_is_not_there(self):
        self.refused("UNIMPLEMENTED", lambda front: front.infer_from_shared_memory("same_FP32", "x", [1, 5]))

    def test_a_timeout_that_cannot_be_kept(self):
        self.refusal("DEADLINE_EXCEEDED", "mnist", [self.image], timeout=1, alike=lambda text: re.sub(r"[\d.]+", "N", text))

    def test_a_timeout_that_is_none(self):
        self.refusal("INVALID_ARGUMENT", "same_FP32", [self.five], timeout=-1)

    def test_names_as_they_are(self):
        """Whatever a name is made of, it comes back in the text, and nothing breaks."""
        for name in ("a b", "ü", 'x"y', "x\\y", "x\ny", "a%2Fb", "?", "#", "..", "x" * 1000):
            with self.subTest(name=name):
                self.refusal("NOT_FOUND", name, [self.five])

    def test_repository_that_follows_the_disk_takes_no_orders(self):
        self.assertIn("polling", self.refused("UNAVAILABLE", lambda front: front.load("mnist")))
        self.assertIn("polling", self.refused("UNAVAILABLE", lambda front: front.unload("mnist")))


class Repository(BothFrontEnds):
    """Loading and unloading through one front end is seen through both."""

    FLAGS = ("--model-control-mode=explicit", "--load-model=mnist")

    def check_ready(self, model, ready):
        self.assertIs(self.answered(lambda front: front.is_model_ready(model)), ready)

    def await_drained(self, model):
        """A version that is unloaded drains for a moment, in which the two front ends may see it differently."""
        end = time.monotonic() + 30
        while any(one.name == model and one.state == "UNLOADING" for one in self.fronts[0].index().models):
            self.assertLess(time.monotonic(), end, f"{model} does not drain")
            time.sleep(0.01)

    def test_load_and_unload(self):
        for front in self.fronts:
            with self.subTest(front.name):
                self.check_ready("simple", False)
                front.load("simple")
                self.check_ready("simple", True)
                front.unload("simple")
                self.check_ready("simple", False)
                self.await_drained("simple")
                state = {one.name: one for one in self.answered(lambda front: front.index()).models}["simple"]
                self.assertEqual((state.state, state.reason), ("UNAVAILABLE", "unloaded"))

    def test_unload_takes_the_parameter_of_dependents(self):
        for front in self.fronts:
            front.load("words")
            front.unload("words", unload_dependents=True)
            self.check_ready("words", False)

    def test_a_configuration_that_comes_with_the_call(self):
        for limit, front in enumerate(self.fronts, 3):
            front.load("pixels", config=json.dumps({"max_batch_size": limit}))
            self.assertEqual(self.answered(lambda front: front.model_config("pixels")).config.max_batch_size, limit)
        self.fronts[0].unload("pixels")

    def test_what_cannot_be_loaded(self):
        self.refused("NOT_FOUND", lambda front: front.load("absent"))
        self.refused("DATA_LOSS", lambda front: front.load("broken"))
        self.refused("INVALID_ARGUMENT", lambda front: front.load("pixels", config="{"))
        self.refused("INVALID_ARGUMENT", lambda front: front.load("pixels", config='{"max_batch_size": -5}'))
        self.refused("UNIMPLEMENTED", lambda front: front.load("pixels", config="{}", files={"file:1/model.onnx": b"x"}))
        self.refused("NOT_FOUND", lambda front: front.unload("absent"))


@unittest.skipIf(shutil.which("openssl") is None, "no openssl to make a certificate with")
class Secured(BothFrontEnds):
    """Who may do what is the same through both, over TLS."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        certificate, key, tokens = (folder / name for name in ("cert.pem", "key.pem", "tokens"))
        make_certificate(certificate, key)
        made = {role: make_token(role, role) for role in ("predict", "admin", "train", "metrics")}
        tokens.write_text("".join(line for _, line in made.values()), encoding="utf-8")
        cls.tokens = {role: token for role, (token, _) in made.items()} | {"nobody": None, "stranger": "x" * 64}
        cls.CA = str(certificate)
        cls.FLAGS = ("--model-control-mode=explicit", "--load-model=mnist", "--load-model=simple",
                     f"--tls-cert={certificate}", f"--tls-key={key}", f"--token-file={tokens}")
        super().setUpClass()

    def check_roles(self, case, *allowed):
        for role, token in self.tokens.items():
            with self.subTest(role):
                for front in self.fronts:
                    front.show(token)
                if role in allowed:
                    self.answered(case)
                elif role in ("nobody", "stranger"):
                    self.refused("UNAUTHENTICATED", case)
                else:
                    self.refused("PERMISSION_DENIED", case)

    def test_health_is_for_everybody(self):
        for case in (lambda front: front.is_live(), lambda front: front.is_ready(),
                     lambda front: front.is_model_ready("mnist")):
            self.check_roles(case, *self.tokens)

    def test_predictions(self):
        ones = np.ones((1, 16), np.int32)
        self.check_roles(lambda front: front.infer("simple", [Input("INPUT0", ones), Input("INPUT1", ones)]), "predict")

    def test_descriptions(self):
        for case in (lambda front: front.model_metadata("mnist"), lambda front: front.model_config("mnist"),
                     lambda front: front.statistics("mnist"), lambda front: front.index()):
            self.check_roles(case, "predict", "admin")

    def test_the_repository(self):
        self.check_roles(lambda front: front.load("words"), "admin")
        self.check_roles(lambda front: front.unload("words"), "admin")


if __name__ == "__main__":
    harness.main()
