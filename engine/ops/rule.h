#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/ops/op.h"

namespace beak {

// What the files of the operator families share: short forms for attribute rows, and the checks that most shape rules
// begin with. Only for engine/ops.

AttributeSpec IntAttribute(std::string name);
AttributeSpec FloatAttribute(std::string name);
AttributeSpec StringAttribute(std::string name, std::vector<std::string> legal = {});
AttributeSpec IntsAttribute(std::string name);
AttributeSpec Required(AttributeSpec spec);
std::vector<AttributeSpec> Concatenate(std::vector<AttributeSpec> a, const std::vector<AttributeSpec>& b);
// activation, activation_alpha, activation_beta: what the fused operators do to their result.
std::vector<AttributeSpec> ActivationAttributes();
std::vector<AttributeSpec> ResizeAttributes();  // space.cc

// INVALID_ARGUMENT "input 0: expected ..., got ..." unless it is so.
absl::Status ExpectFloat(const InferContext& context, int input);
absl::Status ExpectNumber(const InferContext& context, int input);   // anything but bool
absl::Status ExpectIndices(const InferContext& context, int input);  // int32 or int64
// All inputs from `first` on that are there have the type of input `first`.
absl::Status ExpectSameTypes(const InferContext& context, int first = 0);
absl::Status ExpectRank(const InferContext& context, int input, size_t rank);
absl::Status ExpectRankAtLeast(const InferContext& context, int input, size_t rank);
// A vector of `size` elements: scales, biases and the like.
absl::Status ExpectVector(const InferContext& context, int input, const Dim& size);
// One element.
absl::Status ExpectScalar(const InferContext& context, int input);
// Of what is added to a result of that shape.
absl::Status ExpectResidual(const InferContext& context, int input, const PartialShape& output);
// True where an input of this many elements broadcasts to `shape` without changing it.
bool BroadcastsTo(const PartialShape& from, const PartialShape& shape);

// The output has the type and shape of input 0.
absl::Status InferAsInput(InferContext& context);

// The row of a node's operator, which the node agrees with, or what VerifyOperators says about it.
absl::StatusOr<const Op*> CheckNode(const Node& node);
// "node 'conv1' (Conv)"
std::string PlaceOf(const Node& node);

// The tables of the families, in the order in which they are listed.
std::vector<Op> ConvOps();
std::vector<Op> PoolOps();
std::vector<Op> NormOps();
std::vector<Op> GemmOps();
std::vector<Op> ElementwiseUnaryOps();
std::vector<Op> ElementwiseBinaryOps();
std::vector<Op> ReduceOps();
std::vector<Op> ShapeOps();
std::vector<Op> SliceOps();
std::vector<Op> SpaceOps();
std::vector<Op> TrainingOps();

}  // namespace beak
