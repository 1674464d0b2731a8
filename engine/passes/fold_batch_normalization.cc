#include <cmath>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace beak {
namespace {

// y = scale * x + shift, a pair of numbers per channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

std::optional<std::vector<float>> Floats(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.ConstantOf(id);
  if (tensor == nullptr || !tensor->has_bytes() || tensor->dtype() != DType::kFloat32) return std::nullopt;
  const auto values = tensor->values<float>();
  return std::vector<float>(values.begin(), values.end());
}

// scale = gamma / sqrt(var + epsilon), shift = beta - mean * scale (Ioffe and Szegedy, arXiv 1502.03167).
std::optional<Affine> OfBatchNormalization(const Graph& graph, const Node& node, int64_t channels) {
  std::vector<float> parameters[4];
  for (int i = 0; i < 4; ++i) {
    std::optional<std::vector<float>> values = Floats(graph, node.inputs[i + 1]);
    if (!values || static_cast<int64_t>(values->size()) != channels) return std::nullopt;
    parameters[i] = *std::move(values);
  }
  const auto& [gamma, beta, mean, var] = parameters;
  const double epsilon = node.Get<float>("epsilon", 1e-5f);
  Affine affine;
  for (int64_t c = 0; c < channels; ++c) {
    affine.scale.push_back(gamma[c] / std::sqrt(var[c] + epsilon));
    affine.shift.push_back(beta[c] - mean[c] * affine.scale.back());
  }
  return affine;
}

// The affine map that `node` applies to `input`, a value with `channels` channels along dimension 1.
std::optional<Affine> AffineOf(const Graph& graph, const Node& node, ValueId input, int rank, int64_t channels) {
  if (node.op == "BatchNormalization") return OfBatchNormalization(graph, node, channels);
  const bool multiply = node.op == "Mul", divide = node.op == "Div", subtract = node.op == "Sub";
  if (!multiply && !divide && !subtract && node.op != "Add") return std::nullopt;
  const int side = node.inputs[0] == input ? 1 : 0;
  if (side == 0 && (divide || subtract)) return std::nullopt;  // constant / x, constant - x
  const std::optional<std::vector<float>> constant = ChannelConstant(graph, node.inputs[side], rank, channels);
  if (!constant) return std::nullopt;
  Affine affine;
  for (const double value : *constant) {
    affine.scale.push_back(multiply ? value : divide ? 1 / value : 1);
    affine.shift.push_back(multiply || divide ? 0 : subtract ? -value : value);
  }
  return affine;
}

// Where the output channels are in the weights: [M, C/g, ...] of Conv, [C, M/g, ...] of ConvTranspose, [K, N] or
// [N, K] of Gemm. The channel of weight element i is channel_of(i).
struct WeightGeometry {
  int64_t channels = 0;
  int64_t inner = 1;  // channel_of(i) = (i / inner) % in_axis + group offset
  int64_t in_axis = 1;
  int64_t per_group = 0;  // elements of one group; 0 without groups
};

std::optional<WeightGeometry> GeometryOf(const Node& node, const Tensor& weights) {
  const Shape& shape = weights.shape();
  const int64_t elements = weights.num_elements();
  if (elements == 0) return std::nullopt;
  WeightGeometry geometry;
  if (node.op == "Conv") {
    geometry = {shape[0], elements / shape[0], shape[0], 0};
  } else if (node.op == "ConvTranspose") {
    const int64_t group = node.Get<int64_t>("group", 1);
    geometry = {shape[1] * group, elements / shape[0] / shape[1], shape[1], elements / group};
  } else if (node.op == "Gemm" && node.Get<float>("alpha", 1) == 1 && node.Get<float>("beta", 1) == 1) {
    const bool transposed = node.Get<int64_t>("transB", 0) != 0;
    geometry = transposed ? WeightGeometry{shape[0], shape[1], shape[0], 0} : WeightGeometry{shape[1], 1, shape[1], 0};
  } else {
    return std::nullopt;
  }
  return geometry;
}

Tensor Scaled(const Tensor& weights, const WeightGeometry& geometry, const std::vector<double>& scale) {
  Tensor scaled = *Tensor::Create(DType::kFloat32, weights.shape());
  const auto from = weights.values<float>();
  const auto to = scaled.mutable_values<float>();
  for (int64_t i = 0; i < weights.num_elements(); ++i) {
    const int64_t group = geometry.per_group == 0 ? 0 : i / geometry.per_group;
    const int64_t channel = group * geometry.in_axis + i / geometry.inner % geometry.in_axis;
    to[i] = static_cast<float>(from[i] * scale[channel]);
  }
  return scaled;
}

// Puts `affine` into the weights and bias of `node`; false where they are no constants of the expected form.
bool Absorb(Graph& graph, Node& node, const Tensor& weights, const WeightGeometry& geometry, const Affine& affine) {
  std::vector<float> bias(geometry.channels, 0.0f);
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const int rank = node.op == "Gemm" ? 2 : 1;
    const std::optional<std::vector<float>> given =
        rank == 2 ? ChannelConstant(graph, node.inputs[2], rank, geometry.channels) : Floats(graph, node.inputs[2]);
    if (!given || static_cast<int64_t>(given->size()) != geometry.channels) return false;
    bias = *given;
  }
  for (int64_t c = 0; c < geometry.channels; ++c) {
    bias[c] = static_cast<float>(bias[c] * affine.scale[c] + affine.shift[c]);
  }
  const std::string name = graph.NameOfValue(node.inputs[1]);
  node.inputs.resize(3, kNoValue);
  node.inputs[1] = graph.AddConstant(name + "/folded", Scaled(weights, geometry, affine.scale));
  node.inputs[2] = graph.AddConstant(name + "/bias", Tensor::Of<float>({geometry.channels}, bias));
  return true;
}

}  // namespace

absl::Status FoldBatchNormalization(Graph& graph, const Evaluator&) {
  const Uses uses(graph);
  // Where a chain of norms and constants ends up, the convolution takes over the last one's output value.
  std::vector<int> producer(graph.num_values());
  for (ValueId id = 0; id < graph.num_values(); ++id) producer[id] = uses.producer(id);
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    Node& node = graph.mutable_nodes()[i];
    for (const ValueId input : std::vector<ValueId>(node.inputs)) {
      if (input == kNoValue || producer[input] == Uses::kNone || !uses.single_use(input)) continue;
      Node& before = graph.mutable_nodes()[producer[input]];
      const Tensor* weights = before.inputs.size() > 1 ? graph.ConstantOf(before.inputs[1]) : nullptr;
      if (weights == nullptr || !weights->has_bytes() || weights->dtype() != DType::kFloat32 || weights->rank() < 2)
        continue;
      const std::optional<WeightGeometry> geometry = GeometryOf(before, *weights);
      if (!geometry) continue;
      const int rank = before.op == "Gemm" ? 2 : weights->rank();
      const std::optional<Affine> affine = AffineOf(graph, node, input, rank, geometry->channels);
      if (!affine || !Absorb(graph, before, Tensor(*weights), *geometry, *affine)) continue;
      // The convolution now computes the norm's value, at the convolution's place.
      const ValueId output = node.outputs[0];
      before.outputs[0] = output;
      producer[output] = producer[input];
      node.op.clear();
      break;
    }
  }
  std::erase_if(graph.mutable_nodes(), [](const Node& node) { return node.op.empty(); });
  return absl::OkStatus();
}

}  // namespace beak
