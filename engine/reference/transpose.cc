#include <numeric>
#include <string>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/strided_walk.h"

// Operators that only move or repeat elements of one tensor: each is a walk over the result with the input's strides,
// for elements of any type.

namespace beak {
namespace {

ReferenceRun CopyWalk(const KernelRequest& request, const StridedWalk& walk) {
  return [walk, size = SizeOf(request.outputs[0].dtype)](ReferenceInputs inputs, ReferenceOutputs outputs) {
    CopyStrided(walk, size, inputs[0], outputs[0]);
    return absl::OkStatus();
  };
}

// `shape` with its dimensions in the order `perm`, walked with the strides they have in row-major `shape`.
StridedWalk Permute(const Shape& shape, const std::vector<int64_t>& perm) {
  const Shape strides = Strides(shape);
  Shape dims;
  Shape steps;
  for (const int64_t axis : perm) {
    dims.push_back(shape[axis]);
    steps.push_back(strides[axis]);
  }
  return StridedWalk(dims, {steps});
}

// By default the dimensions are turned round.
absl::StatusOr<ReferenceRun> PrepareTranspose(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  std::vector<int64_t> reversed(shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return CopyWalk(request, Permute(shape, request.node.Get("perm", reversed)));
}

absl::StatusOr<ReferenceRun> PrepareDepthToSpace(const KernelRequest& request) {
  const Shape& x = request.inputs[0].shape;
  const int64_t block = request.node.Get<int64_t>("blocksize", 1);
  const int64_t depth = x[1] / (block * block);
  if (request.node.Get<std::string>("mode", "DCR") == "CRD") {
    return CopyWalk(request, Permute({x[0], depth, block, block, x[2], x[3]}, {0, 1, 4, 2, 5, 3}));
  }
  return CopyWalk(request, Permute({x[0], block, block, depth, x[2], x[3]}, {0, 3, 4, 1, 5, 2}));
}

absl::StatusOr<ReferenceRun> PrepareSpaceToDepth(const KernelRequest& request) {
  const Shape& x = request.inputs[0].shape;
  const int64_t block = request.node.Get<int64_t>("blocksize", 1);
  return CopyWalk(request, Permute({x[0], x[1], x[2] / block, block, x[3] / block, block}, {0, 3, 5, 1, 2, 4}));
}

absl::StatusOr<ReferenceRun> PrepareExpand(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const StridedWalk walk, StridedWalk::Broadcast(request.outputs[0].shape, {request.inputs[0].shape}));
  return CopyWalk(request, walk);
}

// Every dimension is walked twice: as often as it is repeated, and once through.
absl::StatusOr<ReferenceRun> PrepareTile(const KernelRequest& request) {
  const Shape& in = request.inputs[0].shape;
  const Shape& out = request.outputs[0].shape;
  const Shape strides = Strides(in);
  Shape dims;
  Shape steps;
  for (size_t d = 0; d < in.size(); ++d) {
    dims.push_back(in[d] == 0 ? 0 : out[d] / in[d]);
    steps.push_back(0);
    dims.push_back(in[d]);
    steps.push_back(strides[d]);
  }
  return CopyWalk(request, StridedWalk(dims, {steps}));
}

}  // namespace

std::vector<ReferenceEntry> TransposeReferences() {
  return {
      {"DepthToSpace", PrepareDepthToSpace}, {"Expand", PrepareExpand},
      {"SpaceToDepth", PrepareSpaceToDepth}, {"Tile", PrepareTile},
      {"Transpose", PrepareTranspose},
  };
}

}  // namespace beak
