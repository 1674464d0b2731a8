#pragma once

#include <optional>

#include "engine/graph/graph.h"
#include "engine/onednn/dnnl_compat.h"

namespace beak::onednn {

// An elementwise function in oneDNN's terms.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0;
  float beta = 0;
};

// The function called `name` with the parameters that ops/op.h gives FusedConv's activation; nullopt where oneDNN has
// none.
std::optional<Eltwise> FindEltwise(const std::string& name, float alpha, float beta);

// Primitive attributes with the activation of a fused node (none where it has none) behind a sum where `with_sum`;
// nullopt where the activation cannot be fused.
std::optional<dnnl::primitive_attr> FusedAttributes(const Node& node, bool with_sum);

}  // namespace beak::onednn
