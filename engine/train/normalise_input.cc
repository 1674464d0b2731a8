#include "engine/train/normalise_input.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {
namespace {

absl::Status CheckEntries(const Value& value, size_t entries) {
  const std::optional<PartialShape>& shape = value.type.shape;
  if (value.type.dtype != DType::kFloat32 || !shape || shape->size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("input '", value.name, "': expected float32 with channels"));
  }
  if (entries == 1 || ((*shape)[1].known() && (*shape)[1].value() == static_cast<int64_t>(entries))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("input '", value.name,
                                                 "': expected one entry for all channels or one a channel of ",
                                                 ToString(*shape), ", got ", entries));
}

// One entry is a scalar; several broadcast over all that is not a channel.
Tensor PerChannel(std::span<const float> values, size_t rank) {
  Shape shape;
  if (values.size() > 1) {
    shape.assign(rank - 1, 1);
    shape[0] = static_cast<int64_t>(values.size());
  }
  return Tensor::Of<float>(shape, {values.begin(), values.end()});
}

}  // namespace

absl::Status NormaliseInput(const std::string& input, std::span<const float> offset, std::span<const float> scale,
                            Graph& network, std::set<std::string>& frozen) {
  const ValueId x = network.FindValue(input);
  const std::vector<ValueId>& inputs = network.inputs();
  if (x == kNoValue || std::find(inputs.begin(), inputs.end(), x) == inputs.end()) {
    return absl::InvalidArgumentError(absl::StrCat("expected the name of an input, got '", input, "'"));
  }
  for (const std::span<const float> entries : {offset, scale}) {
    RETURN_IF_ERROR(CheckEntries(network.value(x), entries.size()));
  }
  const size_t rank = network.value(x).type.shape->size();
  const ValueId centred = network.AddValue(absl::StrCat(input, "/centred"));
  const ValueId normal = network.AddValue(absl::StrCat(input, "/normalised"));
  const ValueId offsets = network.AddConstant(absl::StrCat(input, "/offset"), PerChannel(offset, rank));
  const ValueId scales = network.AddConstant(absl::StrCat(input, "/scale"), PerChannel(scale, rank));
  network.ReplaceUses(x, normal);
  const Node nodes[] = {{network.value(centred).name, "Sub", {x, offsets}, {centred}, {}},
                        {network.value(normal).name, "Mul", {centred, scales}, {normal}, {}}};
  network.mutable_nodes().insert(network.mutable_nodes().begin(), std::begin(nodes), std::end(nodes));
  frozen.insert(network.value(offsets).name);
  frozen.insert(network.value(scales).name);
  return absl::OkStatus();
}

}  // namespace beak
