#include "engine/initializers/fans.h"

#include <gtest/gtest.h>

namespace beak {
namespace {

using enum Flavour;
using enum WeightRole;

void ExpectFans(const WeightGeometry& geometry, const Fans& keras, const Fans& pytorch) {
  EXPECT_EQ(FansOf(kKeras, geometry).in, keras.in);
  EXPECT_EQ(FansOf(kKeras, geometry).out, keras.out);
  EXPECT_EQ(FansOf(kPyTorch, geometry).in, pytorch.in);
  EXPECT_EQ(FansOf(kPyTorch, geometry).out, pytorch.out);
}

TEST(FansTest, Dense) { ExpectFans({kDense, 1250, 100}, {1250, 100}, {1250, 100}); }

TEST(FansTest, Convolution) { ExpectFans({kConvolution, 25, 50, 1, 9}, {225, 450}, {225, 450}); }

TEST(FansTest, GroupedConvolution) { ExpectFans({kConvolution, 8, 12, 4, 9}, {18, 108}, {18, 108}); }

// 8 channels with a multiplier of 3.
TEST(FansTest, Depthwise) { ExpectFans({kDepthwise, 8, 24, 1, 9}, {72, 27}, {9, 216}); }

TEST(FansTest, TransposedConvolution) {
  ExpectFans({kTransposedConvolution, 8, 12, 1, 9}, {108, 72}, {108, 72});
  ExpectFans({kTransposedConvolution, 8, 12, 4, 9}, {108, 72}, {27, 72});
}

TEST(FansTest, Embedding) { ExpectFans({kEmbedding, 1000, 300}, {1000, 300}, {300, 1000}); }

}  // namespace
}  // namespace beak
