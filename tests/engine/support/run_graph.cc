#include "tests/engine/support/run_graph.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/graph/text.h"
#include "engine/onednn/backend.h"
#include "engine/passes/passes.h"
#include "engine/runtime/compile.h"
#include "engine/runtime/constant_store.h"

namespace beak::testing {

Graph Parse(const std::string& text) {
  absl::StatusOr<Graph> graph = ParseGraph(text);
  if (!graph.ok()) std::fprintf(stderr, "%s\n", graph.status().ToString().c_str());
  BEAK_CHECK(graph.ok());
  return *std::move(graph);
}

absl::StatusOr<std::vector<Tensor>> RunGraph(Graph graph, const std::vector<Tensor>& inputs, const Backend& backend,
                                             const RunGraphOptions& options) {
  if (options.publish) RETURN_IF_ERROR(RunPublishPasses(graph, backend.evaluate));
  ConstantStore store(graph);
  CompileOptions compile;
  compile.threads = options.threads;
  for (const Tensor& input : inputs) compile.input_shapes.push_back(input.shape());
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, Compile(graph, compile, backend, store));
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace(options.fill);
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::memcpy(workspace->input(static_cast<int>(i)).data(), inputs[i].bytes(), inputs[i].byte_size());
  }
  RETURN_IF_ERROR(program->Run(*workspace));
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < program->outputs().size(); ++i) {
    ASSIGN_OR_RETURN(Tensor output, Tensor::Create(program->outputs()[i].dtype, program->outputs()[i].shape));
    std::memcpy(output.mutable_bytes(), workspace->output(static_cast<int>(i)).data(), output.byte_size());
    outputs.push_back(std::move(output));
  }
  return outputs;
}

std::vector<std::string> KernelNames(Graph graph, const std::vector<Shape>& shapes, const Backend& backend) {
  ConstantStore store(graph);
  const auto program = Compile(graph, {shapes, 1}, backend, store);
  BEAK_CHECK(program.ok());
  std::vector<std::string> names;
  for (const Program::Step& step : (*program)->steps()) names.push_back(step.kernel_name);
  return names;
}

Tensor RandomTensor(const Shape& shape, int seed) {
  std::mt19937 bits(static_cast<uint32_t>(seed));
  Tensor tensor = *Tensor::Create(DType::kFloat32, shape);
  for (float& value : tensor.mutable_values<float>()) {
    // The sum of four uniform numbers, with variance 1: std::normal_distribution differs between libraries.
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(bits()) / 4294967296.0 - 0.5;
    value = static_cast<float>(sum * std::sqrt(3.0));
  }
  return tensor;
}

void RandomizeConstants(Graph& graph, int seed) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    std::optional<Tensor>& constant = graph.mutable_value(id).constant;
    if (!constant || constant->dtype() != DType::kFloat32 || constant->num_elements() < 2) continue;
    const bool variance = graph.value(id).name.find("var") != std::string::npos;
    const double fan_in = static_cast<double>(constant->num_elements()) / static_cast<double>(constant->shape()[0]);
    *constant = RandomTensor(constant->shape(), seed + id);
    for (float& value : constant->mutable_values<float>()) {
      value = variance ? 0.5f + std::fabs(value) : static_cast<float>(value * std::sqrt(2.0 / fan_in));
    }
  }
}

double Disagreement(const Tensor& actual, const Tensor& expected, double rtol, double atol) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (actual.shape() != expected.shape() || actual.dtype() != expected.dtype()) return kInfinity;
  if (actual.dtype() != DType::kFloat32) return SameBits(actual, expected) ? 0 : kInfinity;
  double worst = 0;
  const auto a = actual.values<float>();
  const auto b = expected.values<float>();
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return kInfinity;
    if (std::isnan(a[i]) || a[i] == b[i]) continue;
    worst = std::max(worst, std::fabs(double{a[i]} - b[i]) / (atol + rtol * std::fabs(b[i])));
  }
  return worst;
}

bool SameBits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.byte_size() == 0 || std::memcmp(a.bytes(), b.bytes(), a.byte_size()) == 0);
}

}  // namespace beak::testing
