#include "engine/engine.h"

#include <malloc.h>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/format.h"
#include "engine/graph/graph.h"
#include "engine/io/npy.h"
#include "engine/onednn/backend.h"
#include "engine/passes/passes.h"
#include "engine/runtime/compile.h"
#include "engine/runtime/constant_store.h"
#include "engine/runtime/program_cache.h"

namespace beak {
namespace {

absl::StatusOr<std::vector<TensorSpec>> SpecsOf(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<TensorSpec> specs;
  for (const ValueId id : values) {
    const Value& value = graph.value(id);
    if (!value.type.shape) {
      return absl::UnimplementedError(absl::StrCat("tensor '", value.name, "': its rank depends on the data"));
    }
    specs.push_back({value.name, value.type.dtype, *value.type.shape});
  }
  return specs;
}

int64_t CountParameters(const Graph& graph) {
  int64_t count = 0;
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Tensor* constant = graph.ConstantOf(id);
    if (constant != nullptr && IsFloat(constant->dtype())) count += constant->num_elements();
  }
  return count;
}

absl::Status CheckShape(const TensorSpec& spec, const Shape& shape) {
  bool fits = shape.size() == spec.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = !spec.shape[i].known() || spec.shape[i].value() == shape[i];
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input '", spec.name, "': expected shape ", ToString(spec.shape), ", got ", ToString(shape)));
}

class ModelImpl final : public Model {
 public:
  ModelImpl(Graph graph, std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs, int64_t num_parameters,
            const LoadOptions& options)
      : inputs_(std::move(inputs)),
        outputs_(std::move(outputs)),
        num_parameters_(num_parameters),
        graph_(std::move(graph)),
        constants_(graph_),
        programs_(options.max_cached_programs) {}

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  absl::StatusOr<std::shared_ptr<const Program>> GetProgram(const std::vector<Shape>& input_shapes,
                                                            int threads) override {
    if (input_shapes.size() != inputs_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("inputs: expected ", inputs_.size(), " shapes, got ", input_shapes.size()));
    }
    for (size_t i = 0; i < inputs_.size(); ++i) RETURN_IF_ERROR(CheckShape(inputs_[i], input_shapes[i]));
    return programs_.Get({input_shapes, threads}, [&] { return CompileNow(input_shapes, threads); });
  }

  int64_t num_parameters() const override { return num_parameters_; }
  int64_t weight_bytes() const override { return constants_.byte_size(); }
  int num_programs() const override { return programs_.size(); }
  const Graph& graph() const override { return graph_; }

 private:
  absl::StatusOr<std::shared_ptr<const Program>> CompileNow(const std::vector<Shape>& input_shapes, int threads) {
    auto program = Compile(graph_, {input_shapes, threads}, CpuBackend(), constants_);
    constants_.DropUnused();
    malloc_trim(0);  // the plain weights' pages go back to the machine
    return program;
  }

  const std::vector<TensorSpec> inputs_;
  const std::vector<TensorSpec> outputs_;
  const int64_t num_parameters_;
  Graph graph_;              // const once constants_ has taken the weights out of it
  ConstantStore constants_;  // synchronises itself
  ProgramCache programs_;    // synchronises itself
};

}  // namespace

bool Model::FirstDimensionsFree() const {
  for (const std::vector<TensorSpec>* specs : {&inputs(), &outputs()}) {
    for (const TensorSpec& spec : *specs) {
      if (spec.shape.empty() || spec.shape[0].known()) return false;
    }
  }
  return !inputs().empty();
}

absl::StatusOr<std::shared_ptr<Model>> Model::Load(const std::string& path, const LoadOptions& options) {
  ASSIGN_OR_RETURN(Graph graph, ReadModelFile(path));
  return FromGraph(std::move(graph), options);
}

absl::StatusOr<std::shared_ptr<Model>> Model::FromGraph(Graph graph, const LoadOptions& options) {
  const int64_t num_parameters = CountParameters(graph);
  RETURN_IF_ERROR(RunPublishPasses(graph, CpuBackend().evaluate));
  ASSIGN_OR_RETURN(std::vector<TensorSpec> inputs, SpecsOf(graph, graph.inputs()));
  ASSIGN_OR_RETURN(std::vector<TensorSpec> outputs, SpecsOf(graph, graph.outputs()));
  return std::make_shared<ModelImpl>(std::move(graph), std::move(inputs), std::move(outputs), num_parameters, options);
}

absl::StatusOr<Tensor> ReadNpyFile(const std::string& path) {
  // A header is added to the largest tensor.
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, limits::kMaxTensorBytes + (int64_t{1} << 20)));
  absl::StatusOr<Tensor> tensor = ParseNpy(bytes);
  if (!tensor.ok()) return Annotate(tensor.status(), path);
  return tensor;
}

}  // namespace beak
