#include <string>
#include <unordered_map>
#include <utility>

#include "engine/ops/rule.h"

namespace beak {
namespace {

constexpr auto kFamilies = {ConvOps,   PoolOps,  NormOps,  GemmOps,  ElementwiseUnaryOps, ElementwiseBinaryOps,
                            ReduceOps, ShapeOps, SliceOps, SpaceOps, TrainingOps};

std::vector<Op> ListOps() {
  std::vector<Op> ops;
  for (const auto family : kFamilies) {
    for (Op& op : family()) ops.push_back(std::move(op));
  }
  return ops;
}

std::unordered_map<std::string, const Op*> IndexOps() {
  std::unordered_map<std::string, const Op*> index;
  for (const Op& op : AllOps()) index.emplace(op.name, &op);
  return index;
}

}  // namespace

const std::vector<Op>& AllOps() {
  static const auto* const ops = new std::vector<Op>(ListOps());
  return *ops;
}

const Op* FindOp(const std::string& name) {
  static const auto* const index = new std::unordered_map<std::string, const Op*>(IndexOps());
  const auto it = index->find(name);
  return it == index->end() ? nullptr : it->second;
}

}  // namespace beak
