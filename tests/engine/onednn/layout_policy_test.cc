#include "engine/onednn/layout_policy.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/cpu.h"
#include "engine/ops/op.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak::onednn {
namespace {

LayoutPolicy PolicyOf(const std::string& body) {
  Graph graph = beak::testing::Parse("graph g\ninput x float32 [1, 16, 20, 20]\n" + body + "\noutput y\n");
  EXPECT_THAT(InferShapes(graph, /*require_static=*/true), beak::testing::IsOk());
  return ChooseLayoutPolicy(graph);
}

// Below AVX-512 the library's choice is always taken.
const LayoutPolicy kBlockedHere = BestIsa() == Isa::kAvx512 ? kBlockedLayout : kLibraryLayout;

TEST(LayoutPolicyTest, MostlyPointwiseNetworksAreBlocked) {
  EXPECT_EQ(PolicyOf("const w float32 [32, 16, 1, 1] = fill 1.0\ny = Conv(x, w)"), kBlockedHere);
}

TEST(LayoutPolicyTest, NetworksOfLargerWindowsAreLeftToTheLibrary) {
  EXPECT_EQ(PolicyOf("const w float32 [32, 16, 3, 3] = fill 1.0\nconst v float32 [8, 32, 1, 1] = fill 1.0\n"
                     "a = Conv(x, w)\ny = Conv(a, v)"),
            kLibraryLayout);
}

TEST(LayoutPolicyTest, SoAreThoseWithDepthwiseConvolutions) {
  EXPECT_EQ(PolicyOf("const w float32 [16, 1, 3, 3] = fill 1.0\nconst v float32 [64, 16, 1, 1] = fill 1.0\n"
                     "a = Conv(x, w) {group = 16}\ny = Conv(a, v)"),
            kLibraryLayout);
}

TEST(LayoutPolicyTest, AndThoseWithoutConvolutions) { EXPECT_EQ(PolicyOf("y = Relu(x)"), kLibraryLayout); }

}  // namespace
}  // namespace beak::onednn
