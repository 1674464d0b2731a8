#include "engine/formats/beak/layer_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/ops/op.h"

namespace beak::network_format {
namespace {

// As users write shapes: without the batch.
std::string SampleText(const PartialShape& shape) { return ToString(PartialShape(shape.begin() + 1, shape.end())); }

}  // namespace

LayerBuilder::LayerBuilder(const v1::Layer& layer, const std::vector<Value>& sources, DescribedNetwork& network)
    : layer_(layer), network_(network) {
  for (const Value& source : sources) graph_.AddInput(source.name, source.type);
}

absl::Status LayerBuilder::WrongInput(const std::string& expected) const {
  return absl::InvalidArgumentError(absl::StrCat("input: expected ", expected, ", got ", SampleText(shape())));
}

absl::Status LayerBuilder::ExpectSpatial(size_t dimensions) const {
  if (shape().size() == dimensions + 2) return absl::OkStatus();
  return WrongInput(dimensions == 1 ? "[channels, length]" : "[channels, height, width]");
}

absl::StatusOr<int64_t> LayerBuilder::Channels() const {
  if (shape().size() < 2 || !shape()[1].known()) return WrongInput("a known number of channels");
  return shape()[1].value();
}

absl::StatusOr<Shape> LayerBuilder::SampleShape() const {
  const PartialShape sample(shape().begin() + 1, shape().end());
  if (!IsStatic(sample)) return WrongInput("known dimensions");
  return ToShape(sample);
}

ValueId LayerBuilder::Emit(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes) {
  return EmitMany(op, std::move(inputs), 1, std::move(attributes))[0];
}

std::vector<ValueId> LayerBuilder::EmitMany(const std::string& op, std::vector<ValueId> inputs, int64_t count,
                                            AttributeMap attributes) {
  const std::string name = absl::StrCat(layer_.name(), "/", op);
  std::vector<ValueId> outputs;
  for (int64_t i = 0; i < count; ++i) outputs.push_back(graph_.AddValue(name));
  graph_.AddNode({name, op, std::move(inputs), outputs, std::move(attributes)});
  return outputs;
}

ValueId LayerBuilder::AddConstant(const std::string& what, Tensor tensor) {
  return graph_.AddConstant(absl::StrCat(layer_.name(), "/", what), std::move(tensor));
}

absl::StatusOr<ValueId> LayerBuilder::AddParameter(const ParameterRequest& request) {
  RETURN_IF_ERROR(Annotate(CheckedByteSize(request.shape, DType::kFloat32).status(), request.what));
  const v1::Parameter& options = request.options;
  ParameterSpec spec;
  spec.name = absl::StrCat(layer_.name(), "/", request.what);
  spec.layer = layer_.name();
  spec.role = request.role;
  spec.shape = request.shape;
  spec.unit_axis = request.unit_axis;
  spec.fans = FansOf(FlavourOf(options.initializer()), request.geometry);
  ASSIGN_OR_RETURN(spec.initializer, Resolve(options.initializer(), request.fallback, spec.fans));
  spec.l1 = options.l1();
  spec.l2 = options.l2();
  spec.max_norm = options.max_norm();
  spec.trainable = request.learned && (!layer_.has_trainable() || layer_.trainable());
  spec.exclude_from_weight_decay = !request.learned || options.exclude_from_weight_decay();
  network_.parameters.push_back(std::move(spec));
  return AddConstant(request.what, Tensor::WithoutBytes(DType::kFloat32, request.shape));
}

void LayerBuilder::AddDropout(bool spatial) { network_.dropouts.push_back({layer_.name(), spatial}); }

void LayerBuilder::AddBatchNormalization(bool unbiased_variance) {
  const bool trainable = !layer_.has_trainable() || layer_.trainable();
  network_.batch_normalizations.push_back({layer_.name(), unbiased_variance, trainable});
}

absl::StatusOr<ValueId> LayerBuilder::Finish(ValueId last, const std::vector<ValueId>& sources, Graph& graph) {
  RETURN_IF_ERROR(Annotate(InferShapes(graph_), absl::StrCat("input ", SampleText(shape()))));
  std::vector<ValueId> ids(graph_.num_values(), kNoValue);
  for (int i = 0; i < num_inputs(); ++i) ids[input(i)] = sources[i];
  for (ValueId id = 0; id < graph_.num_values(); ++id) {
    if (ids[id] != kNoValue) continue;
    const Value& value = graph_.value(id);
    ids[id] = graph.AddValue(id == last ? layer_.name() : value.name, value.type);
    graph.mutable_value(ids[id]).constant = value.constant;
  }
  for (Node node : graph_.nodes()) {
    if (node.outputs[0] == last) node.name = layer_.name();
    for (std::vector<ValueId>* list : {&node.inputs, &node.outputs}) {
      for (ValueId& id : *list) id = id == kNoValue ? kNoValue : ids[id];
    }
    graph.AddNode(std::move(node));
  }
  return ids[last];
}

absl::StatusOr<Ints> Spread(const char* field, const google::protobuf::RepeatedField<int32_t>& given, size_t count,
                            int64_t fallback) {
  if (given.empty()) return Ints(count, fallback);
  if (given.size() == 1) return Ints(count, given[0]);
  if (static_cast<size_t>(given.size()) == count) return Ints(given.begin(), given.end());
  return absl::InvalidArgumentError(absl::StrCat(field, ": expected 1 or ", count, " numbers, got ", given.size()));
}

absl::StatusOr<Ints> SpreadPads(const char* field, const google::protobuf::RepeatedField<int32_t>& given, size_t count,
                                int64_t fallback) {
  if (static_cast<size_t>(given.size()) == 2 * count) return Ints(given.begin(), given.end());
  ASSIGN_OR_RETURN(Ints pads, Spread(field, given, count, fallback));
  pads.insert(pads.end(), pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(count));
  return pads;
}

}  // namespace beak::network_format
