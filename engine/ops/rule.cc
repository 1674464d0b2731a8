#include "engine/ops/rule.h"

#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"

namespace beak {
namespace {

absl::Status ExpectType(const InferContext& context, int input, bool right, const char* expected) {
  if (right) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input ", input, ": expected ", expected, ", got ", NameOf(context.dtype(input))));
}

absl::Status ExpectShape(const InferContext& context, int input, bool right, const std::string& expected) {
  if (right) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input ", input, ": expected ", expected, ", got shape ", ToString(context.shape(input))));
}

}  // namespace

AttributeSpec IntAttribute(std::string name) { return {std::move(name), AttributeType::kInt}; }
AttributeSpec FloatAttribute(std::string name) { return {std::move(name), AttributeType::kFloat}; }
AttributeSpec IntsAttribute(std::string name) { return {std::move(name), AttributeType::kInts}; }

AttributeSpec StringAttribute(std::string name, std::vector<std::string> legal) {
  return {std::move(name), AttributeType::kString, false, std::move(legal)};
}

AttributeSpec Required(AttributeSpec spec) {
  spec.required = true;
  return spec;
}

std::vector<AttributeSpec> Concatenate(std::vector<AttributeSpec> a, const std::vector<AttributeSpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<AttributeSpec> ActivationAttributes() {
  return {StringAttribute("activation", {"", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "Elu", "HardSwish",
                                         "HardSigmoid", "Softplus", "Swish"}),
          FloatAttribute("activation_alpha"), FloatAttribute("activation_beta")};
}

absl::Status ExpectFloat(const InferContext& context, int input) {
  return ExpectType(context, input, IsFloat(context.dtype(input)), "a float type");
}

absl::Status ExpectNumber(const InferContext& context, int input) {
  return ExpectType(context, input, context.dtype(input) != DType::kBool, "a type of numbers");
}

absl::Status ExpectIndices(const InferContext& context, int input) {
  const DType dtype = context.dtype(input);
  return ExpectType(context, input, dtype == DType::kInt32 || dtype == DType::kInt64, "int32 or int64");
}

absl::Status ExpectSameTypes(const InferContext& context, int first) {
  for (int i = first + 1; i < context.num_inputs(); ++i) {
    if (!context.has_input(i)) continue;
    const DType dtype = context.dtype(first);
    RETURN_IF_ERROR(ExpectType(context, i, context.dtype(i) == dtype, NameOf(dtype)));
  }
  return absl::OkStatus();
}

absl::Status ExpectRank(const InferContext& context, int input, size_t rank) {
  return ExpectShape(context, input, context.shape(input).size() == rank, absl::StrCat("rank ", rank));
}

absl::Status ExpectRankAtLeast(const InferContext& context, int input, size_t rank) {
  return ExpectShape(context, input, context.shape(input).size() >= rank, absl::StrCat("rank ", rank, " or more"));
}

absl::Status ExpectVector(const InferContext& context, int input, const Dim& size) {
  const PartialShape& shape = context.shape(input);
  return ExpectShape(context, input, shape.size() == 1 && MayBeEqual(shape[0], size),
                     absl::StrCat("a vector of shape ", ToString(PartialShape{size})));
}

absl::Status ExpectScalar(const InferContext& context, int input) {
  const PartialShape& shape = context.shape(input);
  return ExpectShape(context, input, shape.empty() || (shape.size() == 1 && MayBeEqual(shape[0], 1)), "one element");
}

absl::Status ExpectResidual(const InferContext& context, int input, const PartialShape& output) {
  const PartialShape& residual = context.shape(input);
  if (std::equal(residual.begin(), residual.end(), output.begin(), output.end(), MayBeEqual)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("residual: expected the output's shape ", ToString(output), ", got ", ToString(residual)));
}

bool BroadcastsTo(const PartialShape& from, const PartialShape& shape) {
  if (from.size() > shape.size()) return false;
  const size_t offset = shape.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (!MayBeEqual(from[i], 1) && !MayBeEqual(from[i], shape[offset + i])) return false;
  }
  return true;
}

absl::Status InferAsInput(InferContext& context) {
  context.set_output(0, context.dtype(0), context.shape(0));
  return absl::OkStatus();
}

}  // namespace beak
