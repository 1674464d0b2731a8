#!/usr/bin/env python3
"""A client that knows nothing of Beak: it learns the services by server reflection and calls them."""
import unittest

import grpc
import harness
from beak_process import SOURCE_DIR, beak_server
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

INFERENCE, HEALTH, TRAIN = "inference.GRPCInferenceService", "grpc.health.v1.Health", "beak.v1.TrainService"
SERVING, SECONDS = 1, 30


class Reflection(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        repository = SOURCE_DIR / "deploy/demo/models"
        cls.server = cls.enterClassContext(beak_server(f"--model-repository={repository}"))
        cls.channel = cls.enterClassContext(grpc.insecure_channel(cls.server.addresses["grpc"]))
        cls.database = ProtoReflectionDescriptorDatabase(cls.channel)
        cls.pool = descriptor_pool.DescriptorPool(cls.database)

    def call(self, service, method, /, **fields):
        """The answer to a unary call whose types are known from reflection alone."""
        described = self.pool.FindServiceByName(service).FindMethodByName(method)
        request, answer = map(message_factory.GetMessageClass, (described.input_type, described.output_type))
        stub = self.channel.unary_unary(f"/{service}/{method}", request_serializer=request.SerializeToString,
                                        response_deserializer=answer.FromString)
        return stub(request(**fields), timeout=SECONDS)

    def test_lists_the_services(self):
        services = set(self.database.get_services())
        self.assertLessEqual({INFERENCE, HEALTH, TRAIN, "grpc.reflection.v1alpha.ServerReflection"}, services)

    def test_describes_every_method_of_the_protocol(self):
        methods = {method.name for method in self.pool.FindServiceByName(INFERENCE).methods}
        self.assertLessEqual({"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata",
                              "ModelInfer", "ModelConfig", "ModelStatistics", "RepositoryIndex"}, methods)

    def test_describes_the_train_jobs(self):
        service = self.pool.FindServiceByName(TRAIN)
        self.assertEqual({method.name for method in service.methods},
                         {"CreateTrainJob", "GetTrainJob", "ListTrainJobs", "WatchTrainJob", "CancelTrainJob",
                          "DeleteTrainJob"})
        spec = service.FindMethodByName("CreateTrainJob").input_type.fields_by_name["spec"].message_type
        self.assertIn("optimizer", spec.fields_by_name["training"].message_type.fields_by_name)

    def test_a_server_without_train_jobs_says_what_they_need(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.call(TRAIN, "ListTrainJobs")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("--data-dir", caught.exception.details())

    def test_calls_server_live(self):
        self.assertTrue(self.call(INFERENCE, "ServerLive").live)

    def test_calls_model_ready(self):
        self.assertTrue(self.call(INFERENCE, "ModelReady", name="mnist").ready)

    def test_health_of_the_server_and_of_a_model(self):
        for service in ("", "mnist"):
            with self.subTest(service=service):
                self.assertEqual(self.call(HEALTH, "Check", service=service).status, SERVING)

    def test_health_of_an_unknown_service_is_not_found(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.call(HEALTH, "Check", service="absent")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)


if __name__ == "__main__":
    harness.main()
