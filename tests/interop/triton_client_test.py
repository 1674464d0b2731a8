#!/usr/bin/env python3
"""The stock Triton client over gRPC, given only our server's address: predictions equal to ONNX Runtime's on the same
files, streams and statistics. What is the same over HTTP is asked by front_ends_test.py."""
import json
import pathlib
import queue
import shutil
import tempfile
import unittest

import grpc
import harness
import numpy as np
import onnxruntime
import small_models
import tritonclient.grpc as triton
from beak_process import DATA_DIR, SOURCE_DIR, beak_server
from PIL import Image
from small_models import MODELS
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

DEMO = SOURCE_DIR / "deploy/demo"
SQUEEZENET = DATA_DIR / "models/onnx/winml-squeezenet-fp16"
# Both sides compute in float32, but add up in another order and take exp() from another library: that is a few 1e-7 of
# each sum, a few layers deep. Anything wrong (a layout, an edge, a missing bias) is far larger.
TOLERANCE = dict(rtol=1e-4, atol=1e-5)
SECONDS = 60  # deadline of every call: generous, so that only a hang meets it


def make_repository(folder):
    """The demo's models and the small ones; the real float16 network too where its file is."""
    shutil.copytree(DEMO / "models/mnist", folder / "mnist")
    small_models.write(folder, {name: build() for name, build in MODELS.items()})
    if SQUEEZENET.is_dir():
        target = folder / "squeezenet"
        (target / "1").mkdir(parents=True)
        shutil.copy(SQUEEZENET / "model.onnx", target / "1/model.onnx")
        shutil.copy(DEMO / "squeezenet/config.pbtxt", target)
        labels = json.loads((SQUEEZENET / "Labels.json").read_text())
        (target / "labels.txt").write_text("".join(f"{labels[str(i)]}\n" for i in range(len(labels))))


def tensors(arrays):
    """The arrays of {name: array} as the client's inputs."""
    made = []
    for name, array in arrays.items():
        made.append(triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)))
        made[-1].set_data_from_numpy(array)
    return made


class ServerTest(unittest.TestCase):
    """One server and one client for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.repository = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_repository(cls.repository)
        cls.server = cls.enterClassContext(beak_server(f"--model-repository={cls.repository}"))
        cls.client = cls.enterClassContext(triton.InferenceServerClient(cls.server.addresses["grpc"]))
        channel = cls.enterClassContext(grpc.insecure_channel(cls.server.addresses["grpc"]))
        cls.stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)  # for what the client has no function for
        cls.random = np.random.default_rng(5)

    def infer(self, model, arrays, **options):
        return self.client.infer(model, tensors(arrays), client_timeout=SECONDS, **options)

    def expected(self, model, arrays):
        """ONNX Runtime's outputs, as {name: array}."""
        path = self.repository / model / "1/model.onnx"
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, arrays)))

    def check(self, model, arrays):
        result = self.infer(model, arrays)
        for name, expected in self.expected(model, arrays).items():
            actual = result.as_numpy(name)
            self.assertEqual(actual.dtype, expected.dtype)
            np.testing.assert_allclose(actual, expected, **TOLERANCE, err_msg=f"output '{name}' of {model}")

    def images(self, rows):
        return {"image": self.random.random((rows, 1, 28, 28), np.float32)}


class Predictions(ServerTest):

    def test_float_predictions_whatever_the_batch(self):
        for rows in (1, 2, 7, 64):
            with self.subTest(rows=rows):
                self.check("mnist", self.images(rows))

    def test_one_answer_for_one_input_whatever_it_is_batched_with(self):
        images = self.images(5)
        together = self.infer("mnist", images).as_numpy("probabilities")
        alone = [self.infer("mnist", {"image": row[None]}).as_numpy("probabilities") for row in images["image"]]
        np.testing.assert_array_equal(np.concatenate(alone), together)

    def test_int32(self):
        integers = lambda: self.random.integers(-2**30, 2**30, (3, 16), np.int32)
        self.check("simple", {"INPUT0": integers(), "INPUT1": integers()})

    def test_uint8(self):
        self.check("pixels", {"pixels": self.random.integers(0, 256, (2, 3, 8, 8)).astype(np.uint8)})

    def test_int64(self):
        self.check("words", {"words": self.random.integers(0, 50, (4, 6))})

    def test_bool(self):
        vector = lambda: self.random.random((2, 5), np.float32)
        self.check("choose", {"mask": self.random.random((2, 5)) < 0.5, "a": vector(), "b": vector()})

    def test_float16(self):
        self.check("half", {"x": self.random.standard_normal((3, 7)).astype(np.float16)})

    def test_typed_contents(self):
        images = self.images(2)
        request = service_pb2.ModelInferRequest(model_name="mnist", id="typed")
        tensor = request.inputs.add(name="image", datatype="FP32", shape=images["image"].shape)
        tensor.contents.fp32_contents.extend(images["image"].ravel().tolist())
        answer = self.stub.ModelInfer(request, timeout=SECONDS)
        self.assertEqual((answer.id, answer.model_name, answer.model_version), ("typed", "mnist", "1"))
        actual = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(2, 10)
        np.testing.assert_allclose(actual, self.expected("mnist", images)["probabilities"], **TOLERANCE)

    def test_only_the_outputs_asked_for_come_back_and_the_id_with_them(self):
        integers = np.arange(16, dtype=np.int32)[None]
        result = self.infer("simple", {"INPUT0": integers, "INPUT1": integers}, request_id="mine",
                            outputs=[triton.InferRequestedOutput("OUTPUT1")])
        self.assertEqual(result.get_response().id, "mine")
        self.assertIsNone(result.as_numpy("OUTPUT0"))
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), integers - integers)

    def test_asynchronous(self):
        batches = [self.images(rows) for rows in (1, 3, 2, 5)]
        answers = queue.Queue()
        for number, images in enumerate(batches):
            callback = lambda result, error, number=number: answers.put((number, result, error))
            self.client.async_infer("mnist", tensors(images), callback, client_timeout=SECONDS)
        for _ in batches:
            number, result, error = answers.get(timeout=SECONDS)
            self.assertIsNone(error)
            np.testing.assert_allclose(result.as_numpy("probabilities"),
                                       self.expected("mnist", batches[number])["probabilities"], **TOLERANCE)

    def test_more_rows_than_a_batch_are_split_and_joined(self):
        self.check("mnist", self.images(150))  # its max_batch_size is 64

    def test_statistics_count_rows_and_executions(self):
        statistics = lambda: self.client.get_inference_statistics("half").model_stats[0]
        before = statistics()
        for rows in (1, 3):
            self.infer("half", {"x": np.ones((rows, 7), np.float16)})
        after = statistics()
        self.assertEqual((after.name, after.version), ("half", "1"))
        self.assertEqual(after.inference_count - before.inference_count, 4)
        # The three rows are one run, or up to three, whichever the costs measured until then say is cheaper.
        executions = after.execution_count - before.execution_count
        self.assertIn(executions, range(2, 5))
        count = lambda model: sum(batch.compute_infer.count for batch in model.batch_stats)
        rows = lambda model: sum(batch.batch_size * batch.compute_infer.count for batch in model.batch_stats)
        self.assertEqual(count(after) - count(before), executions)
        self.assertGreaterEqual(rows(after) - rows(before), 4)
        self.assertEqual(after.inference_stats.success.count - before.inference_stats.success.count, 2)
        self.assertGreater(after.inference_stats.success.ns, before.inference_stats.success.ns)

    def test_calls_that_are_not_there_say_so(self):
        with self.assertRaises(InferenceServerException) as caught:
            self.client.get_log_settings()
        self.assertEqual(caught.exception.status(), "StatusCode.UNIMPLEMENTED")
        self.assertTrue(caught.exception.message())


class Streams(ServerTest):
    """ModelStreamInfer as the stock client drives it: one stream, answers told to a callback."""

    def setUp(self):
        self.answers = queue.Queue()
        self.client.start_stream(lambda result, error: self.answers.put((result, error)), stream_timeout=SECONDS)
        self.addCleanup(self.client.stop_stream)

    def ask(self, number, model="mnist", **arrays):
        self.client.async_stream_infer(model, tensors(arrays or self.images(1)), request_id=str(number))

    def answer(self):
        return self.answers.get(timeout=SECONDS)

    def test_answers_come_in_the_order_of_requests(self):
        batches = [self.images(rows) for rows in (64, 1, 7, 150, 2) * 4]
        for number, images in enumerate(batches):
            self.ask(number, **images)
        for number, images in enumerate(batches):
            result, error = self.answer()
            self.assertIsNone(error)
            self.assertEqual(result.get_response().id, str(number))
            np.testing.assert_allclose(result.as_numpy("probabilities"),
                                       self.expected("mnist", images)["probabilities"], **TOLERANCE)

    def test_an_error_comes_in_its_place_and_the_stream_goes_on(self):
        self.ask(0)
        self.ask(1, "absent")
        self.ask(2, image=np.zeros((1, 1, 28, 27), np.float32))
        self.ask(3)
        found = [self.answer() for _ in range(4)]
        self.assertEqual([error is None for _, error in found], [True, False, False, True])
        self.assertIn("Request for unknown model", found[1][1].message())
        self.assertIn("image", found[2][1].message())
        self.assertEqual([found[place][0].get_response().id for place in (0, 3)], ["0", "3"])

    def test_what_was_asked_before_the_stop_is_answered(self):
        for number in range(20):
            self.ask(number)
        self.client.stop_stream()
        found = [self.answers.get_nowait() for _ in range(20)]
        self.assertEqual([result.get_response().id for result, _ in found], [str(number) for number in range(20)])
        self.assertTrue(self.answers.empty())
        self.check("mnist", self.images(1))

    def test_a_stream_that_is_cancelled_leaves_the_server_well(self):
        for number in range(20):
            self.ask(number, **self.images(64))
        self.client.stop_stream(cancel_requests=True)
        self.check("mnist", self.images(1))


class Classification(ServerTest):

    def classify(self, model, arrays, output, count):
        result = self.infer(model, arrays, outputs=[triton.InferRequestedOutput(output, class_count=count)])
        return [[label.decode().split(":", 2) for label in row] for row in np.atleast_2d(result.as_numpy(output))]

    def test_best_classes_with_labels(self):
        images = self.images(3)
        expected = self.expected("mnist", images)["probabilities"]
        labels = (DEMO / "models/mnist/labels.txt").read_text().split()
        for row, classes in zip(expected, self.classify("mnist", images, "probabilities", 3), strict=True):
            best = np.argsort(-row)[:3]
            self.assertEqual([(int(index), label) for _, index, label in classes], [(i, labels[i]) for i in best])
            np.testing.assert_allclose([float(value) for value, _, _ in classes], row[best], **TOLERANCE)

    def test_our_drawn_digits_are_recognised(self):
        labels = (DEMO / "models/mnist/labels.txt").read_text().split()
        for digit, label in enumerate(labels):
            with self.subTest(digit=digit):
                drawn = Image.open(DEMO / f"digits/{digit}.png").convert("L")
                picture = drawn.resize((28, 28), Image.Resampling.BILINEAR)
                image = 255 - np.asarray(picture, np.float32)[None, None]
                value, _, name = self.classify("mnist", {"image": image}, "probabilities", 1)[0][0]
                self.assertEqual(name, label)
                self.assertGreater(float(value), 0.8)

    @unittest.skipUnless(SQUEEZENET.is_dir(), f"the float16 SqueezeNet is not in {SQUEEZENET} (BEAK_DATA)")
    def test_a_real_float16_network_knows_the_kitten(self):
        picture = np.asarray(Image.open(SQUEEZENET / "kitten_224.png").convert("RGB"), np.float32)
        image = (picture[:, :, ::-1] - np.float32([104, 117, 123])).transpose(2, 0, 1)[None].astype(np.float16)
        value, _, name = self.classify("squeezenet", {"data_0": image}, "softmaxout_1", 5)[0][0]
        self.assertEqual(name, "tabby, tabby cat")
        self.assertAlmostEqual(float(value), 0.94, delta=0.01)


if __name__ == "__main__":
    harness.main()
