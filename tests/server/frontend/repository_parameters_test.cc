#include "server/frontend/repository_parameters.h"

#include <gtest/gtest.h>

#include <optional>

#include "proto/inference/open_inference.pb.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

TEST(LoadParametersTest, AConfigurationIsText) {
  inference::RepositoryModelLoadRequest request;
  EXPECT_EQ(ParseLoadParameters(request)->config_json, std::nullopt);
  (*request.mutable_parameters())["config"].set_string_param("{}");
  EXPECT_EQ(ParseLoadParameters(request)->config_json, "{}");
  (*request.mutable_parameters())["config"].set_bytes_param("{}");
  EXPECT_THAT(ParseLoadParameters(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a string")));
}

TEST(LoadParametersTest, WhatIsNotServedIsRefusedByName) {
  inference::RepositoryModelLoadRequest files;
  (*files.mutable_parameters())["file:1/model.onnx"].set_bytes_param("x");
  EXPECT_THAT(ParseLoadParameters(files), StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("file:1/model.onnx")));
  inference::RepositoryModelLoadRequest unknown;
  (*unknown.mutable_parameters())["speed"].set_bool_param(true);
  EXPECT_THAT(ParseLoadParameters(unknown), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'speed'")));
  inference::RepositoryModelLoadRequest repository;
  repository.set_repository_name("other");
  EXPECT_THAT(ParseLoadParameters(repository),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("repository_name")));
}

TEST(UnloadParametersTest, DependentsMayBeNamed) {
  inference::RepositoryModelUnloadRequest request;
  EXPECT_OK(CheckUnloadParameters(request));
  (*request.mutable_parameters())["unload_dependents"].set_bool_param(true);
  EXPECT_OK(CheckUnloadParameters(request));
  (*request.mutable_parameters())["unload_dependents"].set_string_param("yes");
  EXPECT_THAT(CheckUnloadParameters(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request.clear_parameters();
  (*request.mutable_parameters())["config"].set_string_param("{}");
  EXPECT_THAT(CheckUnloadParameters(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'config'")));
}

}  // namespace
}  // namespace beak
