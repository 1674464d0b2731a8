#include "engine/formats/beak/layer_order.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Ordered {
  LayerOrder order;
  std::vector<std::string> errors;
};

Ordered Order(const std::string& text) {
  v1::Network network;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &network)) << text;
  Ordered result;
  result.order = OrderLayers(network, result.errors);
  return result;
}

TEST(LayerOrderTest, ALayerWithoutInputTakesTheOneBefore) {
  const Ordered got = Order("input { name: 'x' } layer { name: 'a' } layer { name: 'b' }");
  EXPECT_THAT(got.errors, IsEmpty());
  EXPECT_THAT(got.order.sources, ElementsAre(ElementsAre(0), ElementsAre(1)));
  EXPECT_THAT(got.order.sequence, ElementsAre(0, 1));
  EXPECT_THAT(got.order.outputs, ElementsAre(2));
}

TEST(LayerOrderTest, LayersMayStandInAnyOrder) {
  const Ordered got = Order(
      "input { name: 'x' } input { name: 'y' } layer { name: 'sum' input: 'late' input: 'y' }"
      "layer { name: 'late' input: 'x' } output: 'sum'");
  EXPECT_THAT(got.errors, IsEmpty());
  EXPECT_THAT(got.order.sequence, ElementsAre(1, 0));
  EXPECT_THAT(got.order.outputs, ElementsAre(2));
}

TEST(LayerOrderTest, TellsAllWrongNames) {
  const std::string long_name(201, 'n');
  const Ordered got = Order(
      "input { name: 'x' } layer { name: 'a' } layer { name: 'a' } layer { name: 'x' } layer { name: 'a/b' }"
      "layer { name: '' } layer { name: 'c' input: 'nobody' input: 'x' } layer { name: '" +
      long_name + "' } output: 'q' output: 'c' output: 'c'");
  EXPECT_THAT(got.errors, ElementsAre("layer 'a': name: expected a new one, got one that is taken",
                                      "layer 'x': name: expected a new one, got one that is taken",
                                      "layer 'a/b': name: expected 1 to 200 letters, digits, '_', '.' or '-'",
                                      "layer '': name: expected 1 to 200 letters, digits, '_', '.' or '-'",
                                      HasSubstr("name: expected 1 to 200 letters"),
                                      "layer 'c': input: expected an input or a layer, got 'nobody'",
                                      "output: expected names of layers, each once, got 'q'",
                                      "output: expected names of layers, each once, got 'c'"));
}

TEST(LayerOrderTest, TheFirstLayerMustSayWhichInputItTakes) {
  const Ordered got = Order("input { name: 'x' } input { name: 'y' } layer { name: 'a' }");
  EXPECT_THAT(got.errors, ElementsAre("layer 'a': input: expected the name of one, got none"));
  EXPECT_THAT(got.order.sources, ElementsAre(ElementsAre(-1)));
}

TEST(LayerOrderTest, TellsACircleAndOrdersTheRest) {
  const Ordered got = Order(
      "input { name: 'x' } layer { name: 'a' } layer { name: 'b' input: 'a' input: 'd' } layer { name: 'c' }"
      "layer { name: 'd' } layer { name: 'e' }");
  EXPECT_THAT(got.errors, ElementsAre("layer 'b': input: expected no circle, got 'b' <- 'd' <- 'c' <- 'b'"));
  EXPECT_THAT(got.order.sequence, ElementsAre(0));
}

TEST(LayerOrderTest, ALayerMayNotReadItself) {
  EXPECT_THAT(Order("input { name: 'x' } layer { name: 'a' input: 'a' }").errors,
              ElementsAre("layer 'a': input: expected no circle, got 'a' <- 'a'"));
}

TEST(LayerOrderTest, LongCirclesAreCutShort) {
  std::string text = "input { name: 'x' } layer { name: 'l0' input: 'l99' }";
  for (int i = 1; i < 100; ++i) text += "layer { name: 'l" + std::to_string(i) + "' }";
  EXPECT_THAT(
      Order(text).errors,
      ElementsAre(HasSubstr("got 'l0' <- 'l99' <- 'l98' <- 'l97' <- 'l96' <- 'l95' <- 'l94' <- 'l93' <- ... <- 'l0'")));
}

TEST(LayerOrderTest, EverythingLeadsToAnOutput) {
  const Ordered got = Order(
      "input { name: 'x' } input { name: 'y' } layer { name: 'a' input: 'x' } layer { name: 'b' }"
      "layer { name: 'c' input: 'x' } layer { name: 'd' } output: 'b'");
  EXPECT_THAT(got.errors, ElementsAre("layer 'd': expected to lead to an output, nothing uses it",
                                      "input 'y': expected to lead to an output, nothing uses it"));
}

}  // namespace
}  // namespace beak::network_format
