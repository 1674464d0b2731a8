#include "engine/job/graph_parameters.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/base/status.h"
#include "engine/train/training_graph.h"

namespace beak {
namespace {

constexpr double kEmbeddingWidth = 0.05;  // Keras' default
constexpr double kFirstSlope = 0.25;      // of a PReLU (He et al. 2015)

int64_t ProductFrom(const Shape& shape, size_t first) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end(), int64_t{1},
                         std::multiplies<>());
}

// Groups are checked where the shapes of a node's operands are known, which they need not be.
bool GroupsFit(int64_t groups, const Shape& shape) { return shape.size() >= 3 && groups >= 1 && groups <= shape[0]; }

std::optional<WeightGeometry> ConvolutionWeights(const Node& node, const Shape& shape) {
  const int64_t groups = node.Get<int64_t>("group", 1);
  if (!GroupsFit(groups, shape)) return std::nullopt;
  WeightGeometry geometry = {WeightRole::kConvolution, shape[1] * groups, shape[0], groups, ProductFrom(shape, 2)};
  if (groups > 1 && shape[1] == 1) geometry = {WeightRole::kDepthwise, groups, shape[0], 1, ProductFrom(shape, 2)};
  return geometry;
}

std::optional<WeightGeometry> TransposedWeights(const Node& node, const Shape& shape) {
  const int64_t groups = node.Get<int64_t>("group", 1);
  if (!GroupsFit(groups, shape)) return std::nullopt;
  return WeightGeometry{WeightRole::kTransposedConvolution, shape[0], shape[1] * groups, groups, ProductFrom(shape, 2)};
}

// A matrix [in, out], or [out, in].
std::optional<WeightGeometry> DenseWeights(const Shape& shape, bool out_first) {
  if (shape.size() < 2) return std::nullopt;
  const int64_t rows = shape[shape.size() - 2], columns = shape[shape.size() - 1];
  return WeightGeometry{WeightRole::kDense, out_first ? columns : rows, out_first ? rows : columns};
}

class Reinitializer {
 public:
  Reinitializer(uint64_t seed, const std::set<std::string>& kept, Graph& graph)
      : seed_(seed), kept_(kept), graph_(graph) {}

  absl::Status Run() {
    for (const Parameter& parameter : FindParameters(graph_)) parameters_.insert(parameter.name);
    for (const Node& node : graph_.nodes()) {
      for (size_t i = 0; i < node.inputs.size(); ++i) RETURN_IF_ERROR(LookAt(node, i));
    }
    return absl::OkStatus();
  }

 private:
  // The first node that reads a constant decides.
  absl::Status LookAt(const Node& node, size_t input) {
    const ValueId id = node.inputs[input];
    if (graph_.ConstantOf(id) == nullptr) return absl::OkStatus();
    const std::string& name = graph_.value(id).name;
    const bool statistic = node.op == "BatchNormalization" && input >= 3;
    const std::string& owner = statistic ? graph_.NameOfValue(node.inputs[1]) : name;
    if (kept_.count(owner) > 0 || (!statistic && parameters_.count(name) == 0)) return absl::OkStatus();
    if (!done_.insert(name).second) return absl::OkStatus();
    const std::optional<WeightGeometry> weights = WeightsOf(graph_, node, input);
    const Fans fans = weights ? FansOf(Flavour::kPyTorch, *weights) : Fans{};
    return InitializeConstant(InitializerOf(node, input, weights), fans, seed_, id, graph_);
  }

  static Initializer InitializerOf(const Node& node, size_t input, const std::optional<WeightGeometry>& weights) {
    if (weights && weights->role == WeightRole::kEmbedding) return UniformInit{-kEmbeddingWidth, kEmbeddingWidth};
    if (weights) return HeNormal(Flavour::kPyTorch);
    if (node.op == "PRelu") return ConstantInit{kFirstSlope};
    const bool norm = node.op.ends_with("Normalization");
    const bool one = node.op == "Mul" || (norm && input == 1) || (norm && input == 4);
    return ConstantInit{one ? 1.0 : 0.0};
  }

  const uint64_t seed_;
  const std::set<std::string>& kept_;
  Graph& graph_;
  std::set<std::string> parameters_;
  std::set<std::string> done_;
};

}  // namespace

std::optional<WeightGeometry> WeightsOf(const Graph& graph, const Node& node, size_t input) {
  const Tensor* constant = graph.ConstantOf(node.inputs[input]);
  if (constant == nullptr || constant->dtype() != DType::kFloat32) return std::nullopt;
  const Shape& shape = constant->shape();
  if (node.op == "Conv" && input == 1) return ConvolutionWeights(node, shape);
  if (node.op == "ConvTranspose" && input == 1) return TransposedWeights(node, shape);
  if (node.op == "Gemm" && input == 1) return DenseWeights(shape, node.Get<int64_t>("transB", 0) != 0);
  if (node.op == "MatMul") return DenseWeights(shape, input == 0);
  if (node.op == "Gather" && input == 0 && shape.size() >= 2) {
    return WeightGeometry{WeightRole::kEmbedding, shape[0], ProductFrom(shape, 1)};
  }
  return std::nullopt;
}

std::vector<std::string> FindKernels(const Graph& graph) {
  std::vector<std::string> kernels;
  std::set<ValueId> seen;
  for (const Node& node : graph.nodes()) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const std::optional<WeightGeometry> weights = WeightsOf(graph, node, i);
      if (!weights || weights->role == WeightRole::kEmbedding || !seen.insert(node.inputs[i]).second) continue;
      kernels.push_back(graph.value(node.inputs[i]).name);
    }
  }
  return kernels;
}

absl::Status InitializeConstant(const Initializer& initializer, const Fans& fans, uint64_t seed, ValueId constant,
                                Graph& graph) {
  Value& value = graph.mutable_value(constant);
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, value.constant->shape()));
  if (tensor.num_elements() == 0) return absl::OkStatus();  // fans may be 0
  Initialize(initializer, fans, tensor.shape(), seed, value.name, tensor.mutable_values<float>());
  value.constant = std::move(tensor);
  return absl::OkStatus();
}

absl::Status Reinitialize(uint64_t seed, const std::set<std::string>& kept, Graph& graph) {
  return Reinitializer(seed, kept, graph).Run();
}

// Greedy: the shortest stretch for each "*"; where the rest then does not fit, the last "*" takes one more.
bool FitsPattern(const std::string& pattern, const std::string& name) {
  size_t p = 0, n = 0, star = std::string::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace beak
