#pragma once

#include "engine/graph/graph.h"

namespace beak::onednn {

// Which layout the convolutions of one program agree on: the first decides, the others keep what is there.
enum LayoutPolicy {
  kLibraryLayout = 0,  // what oneDNN picks: channels last on AVX-512, blocks of 8 channels on AVX2
  kBlockedLayout = 1,  // blocks of 16 channels
};

// A look at a whole graph with static shapes; the same answer at every start. Measured on AVX-512 with oneDNN 2.6, one
// thread, blocked against channels last: pointwise convolutions 3 to 23 % faster (ResNet-50), 3x3 from 3 % faster to 8
// % slower (AlphaGo's network), depthwise much slower (MobileNet v2 as a whole 10 to 40 %). So blocks are taken where
// pointwise convolutions do at least a quarter of the arithmetic and nothing is depthwise.
LayoutPolicy ChooseLayoutPolicy(const Graph& graph);

}  // namespace beak::onednn
