#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/runtime/kernel.h"

namespace beak {

// The reference kernels: one plain loop per operator on plain row-major tensors, in the simplest order of arithmetic.
// They are the oracle that every other kernel is tested against, the fallback for what no other kernel does, and what
// constants are folded with.

// A node made ready to run: attributes read and shapes worked out, so that a run is loops only. Pointers are plain
// tensors of the prepared types and shapes, null where an operand is left out. Fails only for what the data says.
using ReferenceRun =
    std::function<absl::Status(std::span<const std::byte* const> inputs, std::span<std::byte* const> outputs)>;

// Prepares a node. REQUIRES: shapes and types as InferShapes gives them. UNIMPLEMENTED for an element type that the
// operator does not have here.
using ReferenceFactory = absl::StatusOr<ReferenceRun> (*)(const KernelRequest& request);

struct ReferenceEntry {
  const char* op;
  ReferenceFactory factory;
};

// All of them, by family.
const std::vector<ReferenceEntry>& AllReferenceKernels();
// Null where there is none.
ReferenceFactory FindReference(const std::string& op);

// The reference kernel of any operator as the last entry of a kernel list: wants and gives plain layouts.
absl::StatusOr<KernelPlan> PlanReference(const KernelRequest& request);

// Computes one node on plain tensors (Backend::evaluate). `outputs` are the inferred types, with static shapes.
absl::StatusOr<std::vector<Tensor>> EvaluateReference(const Node& node, const std::vector<const Tensor*>& inputs,
                                                      const std::vector<TensorType>& outputs);

}  // namespace beak
