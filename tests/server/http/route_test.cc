#include "server/http/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::StatusIs;

struct Case {
  const char* path;
  RestOperation operation;
  const char* model = "";
  const char* version = "";
  const char* repository = "";
};

class RouteTest : public ::testing::TestWithParam<Case> {};

TEST_P(RouteTest, IsFound) {
  ASSERT_OK_AND_ASSIGN(const Route route, ParsePath(GetParam().path));
  EXPECT_EQ(route.operation, GetParam().operation);
  EXPECT_EQ(route.model, GetParam().model);
  EXPECT_EQ(route.version, GetParam().version);
  EXPECT_EQ(route.repository, GetParam().repository);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, RouteTest,
    ::testing::Values(Case{"/v2", RestOperation::kServerMetadata}, Case{"/v2/", RestOperation::kServerMetadata},
                      Case{"/v2/health/live", RestOperation::kServerLive},
                      Case{"/v2/health/ready", RestOperation::kServerReady},
                      Case{"/v2/models/m", RestOperation::kModelMetadata, "m"},
                      Case{"/v2/models/m/versions/3", RestOperation::kModelMetadata, "m", "3"},
                      Case{"/v2/models/m/ready", RestOperation::kModelReady, "m"},
                      Case{"/v2/models/m/versions/3/ready", RestOperation::kModelReady, "m", "3"},
                      Case{"/v2/models/m/infer", RestOperation::kModelInfer, "m"},
                      Case{"/v2/models/m/versions/3/infer", RestOperation::kModelInfer, "m", "3"},
                      Case{"/v2/models/a%20b%2Fc/infer", RestOperation::kModelInfer, "a b/c"},
                      Case{"/v2/models/m/config", RestOperation::kModelConfig, "m"},
                      Case{"/v2/models/m/stats", RestOperation::kModelStatistics, "m"},
                      Case{"/v2/models/stats", RestOperation::kModelStatistics},
                      Case{"/v2/models/m/versions/3/stats", RestOperation::kModelStatistics, "m", "3"},
                      Case{"/v2/models/m/trace/setting", RestOperation::kTraceSetting, "m"},
                      Case{"/v2/trace/setting", RestOperation::kTraceSetting},
                      Case{"/v2/logging", RestOperation::kLogSettings},
                      Case{"/v2/systemsharedmemory/status", RestOperation::kSystemSharedMemory},
                      Case{"/v2/cudasharedmemory/region/r/register", RestOperation::kCudaSharedMemory},
                      Case{"/v2/repository/index", RestOperation::kRepositoryIndex},
                      Case{"/v2/repository/r/index", RestOperation::kRepositoryIndex, "", "", "r"},
                      Case{"/v2/repository/models/m/load", RestOperation::kModelLoad, "m"},
                      Case{"/v2/repository/models/m/unload", RestOperation::kModelUnload, "m"},
                      Case{"/v2/repository/r/models/m/load", RestOperation::kModelLoad, "m", "", "r"}));

TEST(RouteTest, WhatTheProtocolHasNotIsNotFound) {
  for (const char* path :
       {"", "/", "/v1", "/v2x", "/v2/models", "/v2/models/m/versions", "/v2/models/m/versions/", "/v2/models/m/nothing",
        "/v2/models/m/infer/x", "/v2/health", "/v2/health/x", "/v2/repository", "/v2/repository/models/m",
        "/v2/repository/models/m/x", "/v2/repository/r/x", "/metrics", "/v2/models/m/generate"}) {
    EXPECT_THAT(ParsePath(path), StatusIs(absl::StatusCode::kNotFound)) << path;
  }
}

TEST(RouteTest, EscapesAreChecked) {
  for (const char* path : {"/v2/models/%", "/v2/models/%4", "/v2/models/%zz/infer", "/v2/models/a%2"}) {
    EXPECT_THAT(ParsePath(path), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
  }
}

TEST(RouteTest, MethodsAreThoseOfTheProtocol) {
  EXPECT_TRUE(Allows(RuleOf(RestOperation::kModelInfer), "POST"));
  EXPECT_FALSE(Allows(RuleOf(RestOperation::kModelInfer), "GET"));
  EXPECT_TRUE(Allows(RuleOf(RestOperation::kModelMetadata), "HEAD"));
  EXPECT_FALSE(Allows(RuleOf(RestOperation::kModelMetadata), "GE"));
  EXPECT_FALSE(Allows(RuleOf(RestOperation::kModelMetadata), ""));
}

}  // namespace
}  // namespace beak
