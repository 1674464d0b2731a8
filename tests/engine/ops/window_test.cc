#include "engine/ops/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using Ints = std::vector<int64_t>;

Node With(AttributeMap attributes) {
  Node node;
  node.attributes = std::move(attributes);
  return node;
}

void ExpectWindow(const absl::StatusOr<Window>& window, const Ints& begin, const Ints& end, const Shape& output) {
  ASSERT_THAT(window, testing::IsOk());
  EXPECT_EQ(window->pads_begin, begin);
  EXPECT_EQ(window->pads_end, end);
  EXPECT_EQ(window->output, output);
}

TEST(ConvWindowTest, HasDefaults) {
  const absl::StatusOr<Window> window = ConvWindow(With({}), {1, 3, 8, 9}, {4, 3, 3, 2});
  ExpectWindow(window, {0, 0}, {0, 0}, {6, 8});
  EXPECT_THAT(window->kernel, ElementsAre(3, 2));
  EXPECT_THAT(window->strides, ElementsAre(1, 1));
  EXPECT_THAT(window->dilations, ElementsAre(1, 1));
  EXPECT_EQ(window->rank(), 2u);
}

TEST(ConvWindowTest, TakesExplicitPads) {
  ExpectWindow(ConvWindow(With({{"pads", Ints{1, 0, 2, 3}}, {"strides", Ints{2, 1}}}), {1, 3, 8, 9}, {4, 3, 3, 3}),
               {1, 0}, {2, 3}, {5, 10});
}

TEST(ConvWindowTest, SamePutsTheOddPadWhereItSays) {
  for (const bool upper : {true, false}) {
    const Node node = With({{"auto_pad", std::string(upper ? "SAME_UPPER" : "SAME_LOWER")}, {"strides", Ints{2}}});
    ExpectWindow(ConvWindow(node, {1, 1, 8}, {1, 1, 3}), {upper ? 0 : 1}, {upper ? 1 : 0}, {4});
    ExpectWindow(ConvWindow(node, {1, 1, 7}, {1, 1, 3}), {1}, {1}, {4});
    ExpectWindow(ConvWindow(node, {1, 1, 7}, {1, 1, 1}), {0}, {0}, {4});
  }
}

TEST(ConvWindowTest, SameCountsDilations) {
  ExpectWindow(
      ConvWindow(With({{"auto_pad", std::string("SAME_UPPER")}, {"dilations", Ints{3}}}), {1, 1, 8}, {1, 1, 3}), {3},
      {3}, {8});
}

TEST(ConvWindowTest, ValidIgnoresPads) {
  ExpectWindow(ConvWindow(With({{"auto_pad", std::string("VALID")}, {"pads", Ints{5, 5}}}), {1, 1, 8}, {1, 1, 3}), {0},
               {0}, {6});
}

TEST(PoolWindowTest, CeilKeepsAPartialWindow) {
  ExpectWindow(PoolWindow(With({{"kernel_shape", Ints{2}}, {"strides", Ints{2}}}), {1, 1, 5}), {0}, {0}, {2});
  const Node ceil = With({{"kernel_shape", Ints{2}}, {"strides", Ints{2}}, {"ceil_mode", int64_t{1}}});
  ExpectWindow(PoolWindow(ceil, {1, 1, 5}), {0}, {0}, {3});
  ExpectWindow(PoolWindow(ceil, {1, 1, 4}), {0}, {0}, {2});
}

TEST(PoolWindowTest, CeilDropsAWindowThatBeginsInThePadding) {
  // Windows begin at -1, 1, 3; one at 4 would see padding only.
  const Node node =
      With({{"kernel_shape", Ints{2}}, {"strides", Ints{3}}, {"ceil_mode", int64_t{1}}, {"pads", Ints{1, 1}}});
  ExpectWindow(PoolWindow(node, {1, 1, 5}), {1}, {1}, {2});
  ExpectWindow(PoolWindow(node, {1, 1, 6}), {1}, {1}, {3});
}

TEST(PoolWindowTest, ValidHasNoPartialWindow) {
  ExpectWindow(PoolWindow(With({{"kernel_shape", Ints{2}},
                                {"strides", Ints{2}},
                                {"ceil_mode", int64_t{1}},
                                {"auto_pad", std::string("VALID")}}),
                          {1, 1, 5}),
               {0}, {0}, {2});
}

TEST(ConvTransposeWindowTest, UndoesAConvolution) {
  ExpectWindow(ConvTransposeWindow(With({}), {1, 1, 3, 3}, {1, 2, 3, 3}), {0, 0}, {0, 0}, {5, 5});
  ExpectWindow(ConvTransposeWindow(With({{"strides", Ints{3, 2}}}), {1, 1, 3, 3}, {1, 2, 3, 3}), {0, 0}, {0, 0},
               {9, 7});
  ExpectWindow(ConvTransposeWindow(With({{"dilations", Ints{2, 2}}}), {1, 1, 3, 3}, {1, 1, 2, 2}), {0, 0}, {0, 0},
               {5, 5});
  ExpectWindow(
      ConvTransposeWindow(With({{"strides", Ints{3, 2}}, {"pads", Ints{1, 2, 1, 2}}}), {1, 1, 3, 3}, {1, 2, 3, 3}),
      {1, 2}, {1, 2}, {7, 3});
}

TEST(ConvTransposeWindowTest, OutputPaddingExtendsTheEnd) {
  ExpectWindow(
      ConvTransposeWindow(With({{"strides", Ints{3, 2}}, {"output_padding", Ints{1, 1}}}), {1, 1, 3, 3}, {1, 2, 3, 3}),
      {0, 0}, {-1, -1}, {10, 8});
}

TEST(ConvTransposeWindowTest, OutputShapeDecidesThePads) {
  // Larger than what the windows reach: the rest lies behind them.
  ExpectWindow(
      ConvTransposeWindow(With({{"strides", Ints{3, 2}}, {"output_shape", Ints{10, 8}}}), {1, 1, 3, 3}, {1, 2, 3, 3}),
      {0, 0}, {-1, -1}, {10, 8});
  // Smaller: three elements are cut off, the odd one in front unless SAME_UPPER.
  ExpectWindow(ConvTransposeWindow(With({{"strides", Ints{3}}, {"output_shape", Ints{6}}}), {1, 1, 3}, {1, 2, 3}), {2},
               {1}, {6});
  ExpectWindow(ConvTransposeWindow(
                   With({{"strides", Ints{3}}, {"output_shape", Ints{6}}, {"auto_pad", std::string("SAME_UPPER")}}),
                   {1, 1, 3}, {1, 2, 3}),
               {1}, {2}, {6});
}

TEST(ConvTransposeWindowTest, SameMultipliesTheSize) {
  for (const bool upper : {true, false}) {
    const Node node = With({{"auto_pad", std::string(upper ? "SAME_UPPER" : "SAME_LOWER")}, {"strides", Ints{2}}});
    ExpectWindow(ConvTransposeWindow(node, {1, 1, 3}, {1, 2, 3}), {upper ? 0 : 1}, {upper ? 1 : 0}, {6});
  }
}

// What the header promises, for many windows: the output follows from the pads.
TEST(WindowTest, OutputFollowsFromPads) {
  for (int64_t input = 1; input <= 9; ++input) {
    for (int64_t kernel = 1; kernel <= 4; ++kernel) {
      for (int64_t stride = 1; stride <= 3; ++stride) {
        for (int64_t dilation = 1; dilation <= 2; ++dilation) {
          for (const char* auto_pad : {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}) {
            const Node node =
                With({{"auto_pad", std::string(auto_pad)}, {"strides", Ints{stride}}, {"dilations", Ints{dilation}}});
            if (const auto w = ConvWindow(node, {1, 1, input}, {1, 1, kernel}); w.ok()) {
              const int64_t span = input + w->pads_begin[0] + w->pads_end[0] - w->extent(0);
              EXPECT_EQ(w->output[0], span / stride + 1) << auto_pad << " " << input << " " << kernel << " " << stride;
            }
            const auto w = ConvTransposeWindow(node, {1, 1, input}, {1, 1, kernel});
            ASSERT_TRUE(w.ok()) << w.status();
            EXPECT_EQ(w->output[0], (input - 1) * stride + w->extent(0) - w->pads_begin[0] - w->pads_end[0]);
            EXPECT_GE(w->pads_begin[0], 0);
          }
        }
      }
    }
  }
}

// The sizes that are known in part agree with those that are known in full.
TEST(WindowTest, PartialOutputsAgree) {
  for (const char* auto_pad : {"NOTSET", "SAME_UPPER", "VALID"}) {
    for (int64_t kernel = 1; kernel <= 3; ++kernel) {
      for (int64_t stride = 1; stride <= 2; ++stride) {
        const Node node = With({{"auto_pad", std::string(auto_pad)},
                                {"strides", Ints{stride}},
                                {"pads", Ints{0, 1}},
                                {"kernel_shape", Ints{kernel}}});
        const PartialShape symbolic = {1, 1, Dim::Symbol("n")};
        const PartialShape weights = {1, 1, kernel};
        const auto check = [](const absl::StatusOr<std::vector<Dim>>& partial, const absl::StatusOr<Window>& full) {
          ASSERT_TRUE(partial.ok() && full.ok()) << partial.status() << full.status();
          if ((*partial)[0].symbol() == "n") {
            EXPECT_EQ(full->output[0], 7);
          }
        };
        check(ConvOutput(node, symbolic, weights), ConvWindow(node, {1, 1, 7}, {1, 1, kernel}));
        check(ConvTransposeOutput(node, symbolic, weights), ConvTransposeWindow(node, {1, 1, 7}, {1, 1, kernel}));
        if (kernel > 1) check(PoolOutput(node, symbolic), PoolWindow(node, {1, 1, 7}));
      }
    }
  }
}

}  // namespace
}  // namespace beak
