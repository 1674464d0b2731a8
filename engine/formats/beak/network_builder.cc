#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/beak/check_fields.h"
#include "engine/formats/beak/layer_builder.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/formats/beak/layers.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"

namespace beak {
namespace {

using network_format::LayerBuilder;
using network_format::LayerOrder;

constexpr int kMaxInputs = 64;  // of a network, and of a layer
constexpr int kMaxLayers = 10'000;
constexpr int64_t kMaxDimension = int64_t{1} << 30;
constexpr int kMaxSampleRank = limits::kMaxRank - 1;
constexpr int64_t kMaxParameters = limits::kMaxModelFileBytes / 4;  // what a published file can hold of float32
constexpr size_t kMaxErrors = 50;                                   // that are told

absl::Status CheckCounts(const v1::Network& network) {
  if (network.input_size() > kMaxInputs || network.layer_size() > kMaxLayers) {
    return absl::ResourceExhaustedError(absl::StrCat("network: expected at most ", kMaxInputs, " inputs and ",
                                                     kMaxLayers, " layers, got ", network.input_size(), " and ",
                                                     network.layer_size()));
  }
  if (network.name().size() > limits::kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("name: expected at most ", limits::kMaxNameBytes, " bytes, got ", network.name().size()));
  }
  if (network.input_size() > 0 && network.layer_size() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("network: expected at least one input and one layer, got ",
                                                 network.input_size(), " and ", network.layer_size()));
}

bool IsMerge(const v1::Layer& layer) {
  return layer.has_add() || layer.has_multiply() || layer.has_maximum() || layer.has_concatenate();
}

int64_t SumOfParameters(const DescribedNetwork& network, size_t first) {
  int64_t sum = 0;
  for (size_t i = first; i < network.parameters.size(); ++i) sum += NumElements(network.parameters[i].shape);
  return sum;
}

class NetworkBuilder {
 public:
  explicit NetworkBuilder(const v1::Network& description) : description_(description) {
    network_.graph = Graph(description.name());
  }

  absl::StatusOr<DescribedNetwork> Build() {
    RETURN_IF_ERROR(CheckCounts(description_));
    values_.resize(description_.input_size() + description_.layer_size());
    for (int i = 0; i < description_.input_size(); ++i) AddInput(i);
    const LayerOrder order = network_format::OrderLayers(description_, errors_);
    std::vector<bool> fields_right;
    for (const v1::Layer& layer : description_.layer()) fields_right.push_back(CheckLayer(layer));
    for (const int i : order.sequence) {
      if (fields_right[i]) RETURN_IF_ERROR(AddLayer(i, order.sources[i]));
    }
    RETURN_IF_ERROR(AllErrors());
    for (const int number : order.outputs) network_.graph.AddOutput(*values_[number]);
    RETURN_IF_ERROR(VerifyStructure(network_.graph));
    RETURN_IF_ERROR(InferShapes(network_.graph));
    return std::move(network_);
  }

 private:
  void Report(const v1::Layer& layer, const std::string& text) {
    errors_.push_back(absl::StrCat("layer ", network_format::Quoted(layer.name()), ": ", text));
  }

  void AddInput(int number) {
    const v1::Input& input = description_.input(number);
    const auto wrong = [](int64_t dim) { return dim != -1 && (dim < 1 || dim > kMaxDimension); };
    const auto& shape = input.shape();
    if (shape.empty() || shape.size() > kMaxSampleRank || std::any_of(shape.begin(), shape.end(), wrong)) {
      errors_.push_back(absl::StrCat("input ", network_format::Quoted(input.name()), ": shape: expected 1 to ",
                                     kMaxSampleRank, " numbers, -1 or in [1, ", kMaxDimension, "]"));
      return;
    }
    PartialShape dims = {Dim::Symbol("batch")};
    for (const int64_t dim : shape) {
      dims.push_back(dim == -1 ? Dim::Symbol(absl::StrCat(input.name(), ".", dims.size())) : Dim(dim));
    }
    const DType dtype = input.data_type() == v1::Input::INT64 ? DType::kInt64 : DType::kFloat32;
    values_[number] = network_.graph.AddInput(input.name(), {dtype, std::move(dims)});
  }

  bool CheckLayer(const v1::Layer& layer) {
    std::vector<std::string> texts = network_format::CheckFields(layer);
    const int given = std::max(layer.input_size(), 1);  // none: the layer before
    const bool merges = IsMerge(layer);
    if (merges ? given < 2 || given > kMaxInputs : given != 1) {
      texts.push_back(
          absl::StrCat("input: expected ", merges ? absl::StrCat("2 to ", kMaxInputs) : "1", ", got ", given));
    }
    for (const std::string& text : texts) Report(layer, text);
    return texts.empty();
  }

  // Nothing is said of a layer whose sources are wrong: that is said already.
  absl::Status AddLayer(int index, const std::vector<int>& sources) {
    const v1::Layer& layer = description_.layer(index);
    std::vector<ValueId> ids;
    std::vector<Value> known;
    for (const int source : sources) {
      if (source < 0 || !values_[source]) return absl::OkStatus();
      ids.push_back(*values_[source]);
      known.push_back(network_.graph.value(ids.back()));
    }
    const size_t first_parameter = network_.parameters.size();
    absl::StatusOr<ValueId> result = BuildOne(layer, known, ids);
    if (!result.ok()) {
      Report(layer, std::string(result.status().message()));
      return absl::OkStatus();
    }
    const int64_t parameters = SumOfParameters(network_, first_parameter);
    num_parameters_ += parameters;
    if (num_parameters_ > kMaxParameters) {
      return absl::ResourceExhaustedError(absl::StrCat("layer ", network_format::Quoted(layer.name()),
                                                       ": expected at most ", kMaxParameters,
                                                       " parameters in the network, got ", num_parameters_));
    }
    values_[description_.input_size() + index] = *result;
    const auto* kind = v1::Layer::descriptor()->FindFieldByNumber(layer.kind_case());
    network_.layers.push_back({layer.name(), kind->name(), *network_.graph.value(*result).type.shape, parameters});
    return absl::OkStatus();
  }

  absl::StatusOr<ValueId> BuildOne(const v1::Layer& layer, const std::vector<Value>& known,
                                   const std::vector<ValueId>& ids) {
    LayerBuilder builder(layer, known, network_);
    ASSIGN_OR_RETURN(const ValueId last, network_format::BuildLayer(layer, builder));
    return builder.Finish(last, ids, network_.graph);
  }

  absl::Status AllErrors() {
    if (errors_.empty()) return absl::OkStatus();
    if (errors_.size() > kMaxErrors) {
      const size_t more = errors_.size() - kMaxErrors;
      errors_.resize(kMaxErrors);
      errors_.push_back(absl::StrCat("and ", more, " more"));
    }
    return absl::InvalidArgumentError(absl::StrJoin(errors_, "\n"));
  }

  const v1::Network& description_;
  DescribedNetwork network_;
  std::vector<std::optional<ValueId>> values_;  // by number (LayerOrder); none where something is wrong
  std::vector<std::string> errors_;
  int64_t num_parameters_ = 0;
};

}  // namespace

absl::StatusOr<DescribedNetwork> BuildNetwork(const v1::Network& description) {
  return NetworkBuilder(description).Build();
}

}  // namespace beak
