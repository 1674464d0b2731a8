#include "engine/base/status.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

std::vector<ValueId> AllInputs(const LayerBuilder& builder) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < builder.num_inputs(); ++i) inputs.push_back(builder.input(i));
  return inputs;
}

}  // namespace

absl::StatusOr<ValueId> BuildMerge(const char* op, LayerBuilder& builder) {
  const std::vector<ValueId> inputs = AllInputs(builder);
  ValueId y = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) y = builder.Emit(op, {y, inputs[i]});
  return y;
}

absl::StatusOr<ValueId> Build(const v1::Concatenate& layer, LayerBuilder& builder) {
  const int64_t axis = layer.has_axis() ? layer.axis() : 1;
  if (static_cast<size_t>(axis) >= builder.shape().size()) {
    return absl::InvalidArgumentError(absl::StrCat("axis: expected 1 to ", builder.shape().size() - 1, ", got ", axis));
  }
  return builder.Emit("Concat", AllInputs(builder), {{"axis", axis}});
}

}  // namespace beak::network_format
