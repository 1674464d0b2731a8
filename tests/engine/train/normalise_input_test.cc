#include "engine/train/normalise_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "engine/graph/verify.h"
#include "engine/onednn/backend.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Parse;
using testing::RunGraph;
using testing::StatusIs;

Graph Network() { return Parse("graph g\ninput x float32 [n, 2, 2]\ninput z float32 [n]\na = Neg(x)\noutput a"); }

TEST(NormaliseInputTest, ComesBeforeAllElse) {
  Graph network = Network();
  std::set<std::string> frozen;
  const std::vector<float> offset = {1, 2}, scale = {10, 100};
  ASSERT_OK(NormaliseInput("x", offset, scale, network, frozen));
  EXPECT_OK(VerifyStructure(network));
  EXPECT_THAT(frozen, ElementsAre("x/offset", "x/scale"));
  const std::vector<Tensor> inputs = {Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}), Tensor::Of<float>({1}, {0})};
  ASSERT_OK_AND_ASSIGN(const auto outputs, RunGraph(network, inputs, CpuBackend()));
  EXPECT_THAT(outputs[0].values<float>(), ElementsAre(0, -10, -100, -200));
}

TEST(NormaliseInputTest, OneEntryIsForAllChannels) {
  Graph network = Network();
  std::set<std::string> frozen;
  const std::vector<float> offset = {1}, scale = {10};
  ASSERT_OK(NormaliseInput("x", offset, scale, network, frozen));
  const std::vector<Tensor> inputs = {Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}), Tensor::Of<float>({1}, {0})};
  ASSERT_OK_AND_ASSIGN(const auto outputs, RunGraph(network, inputs, CpuBackend()));
  EXPECT_THAT(outputs[0].values<float>(), ElementsAre(0, -10, -20, -30));
}

TEST(NormaliseInputTest, WhatDoesNotFitIsRefused) {
  Graph network = Network();
  std::set<std::string> frozen;
  const std::vector<float> one = {1}, three = {1, 2, 3};
  EXPECT_THAT(NormaliseInput("y", one, one, network, frozen),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 'y'")));
  EXPECT_THAT(NormaliseInput("a", one, one, network, frozen),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected the name of an input")));
  EXPECT_THAT(NormaliseInput("x", three, one, network, frozen),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 3")));
  EXPECT_THAT(NormaliseInput("z", one, one, network, frozen),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected float32 with channels")));
  EXPECT_THAT(frozen, ::testing::IsEmpty());
}

}  // namespace
}  // namespace beak
