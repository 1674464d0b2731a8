#include "server/security/roles.h"

#include <gtest/gtest.h>

#include <set>

namespace beak {
namespace {

TEST(RolesTest, EveryMethodHasOneRow) {
  std::set<std::string_view> seen;
  for (const MethodRule& rule : MethodRules()) EXPECT_TRUE(seen.insert(rule.method).second) << rule.method;
}

TEST(RolesTest, WhatIsOpenIsOnlyWhatProbesAsk) {
  std::set<std::string_view> open;
  for (const MethodRule& rule : MethodRules()) {
    if (rule.roles == kOpen) open.insert(rule.method);
  }
  EXPECT_EQ(open, (std::set<std::string_view>{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                                              "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                              "/inference.GRPCInferenceService/ModelReady",
                                              "/inference.GRPCInferenceService/ServerLive",
                                              "/inference.GRPCInferenceService/ServerReady", "/livez", "/readyz"}));
}

TEST(RolesTest, PredictionsLoadsJobsAndMetricsHaveTheirRoles) {
  EXPECT_EQ(SufficientRoles("/inference.GRPCInferenceService/ModelInfer"), kPredict);
  EXPECT_EQ(SufficientRoles("/inference.GRPCInferenceService/ModelStreamInfer"), kPredict);
  EXPECT_EQ(SufficientRoles("/inference.GRPCInferenceService/ModelConfig"), kPredict | kAdmin);
  EXPECT_EQ(SufficientRoles("/inference.GRPCInferenceService/RepositoryModelLoad"), kAdmin);
  EXPECT_EQ(SufficientRoles("/inference.GRPCInferenceService/RepositoryModelUnload"), kAdmin);
  EXPECT_EQ(SufficientRoles("/beak.v1.TrainService/CreateTrainJob"), kTrain);
  EXPECT_EQ(SufficientRoles("/beak.v1.TrainService/CancelTrainJob"), kTrain | kAdmin);
  EXPECT_EQ(SufficientRoles("/metrics"), kMetrics | kAdmin);
}

TEST(RolesTest, WhatNobodyHasThoughtOfNeedsTheAdmin) {
  for (const char* method : {"", "/", "/inference.GRPCInferenceService/Nonsense", "/v2/logging", "livez", "/livez/"}) {
    EXPECT_EQ(SufficientRoles(method), kAdmin) << method;
  }
}

TEST(RolesTest, NamesAreFoundAndWritten) {
  EXPECT_EQ(FindRole("predict"), kPredict);
  EXPECT_EQ(FindRole("metrics"), kMetrics);
  EXPECT_EQ(FindRole("Predict"), std::nullopt);
  EXPECT_EQ(FindRole(""), std::nullopt);
  EXPECT_EQ(RoleNames(kPredict | kTrain), "predict or train");
  EXPECT_EQ(RoleNames(kOpen), "nothing");
}

}  // namespace
}  // namespace beak
