#include "engine/job/compare.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/job/score_sums.h"
#include "engine/ops/op.h"
#include "engine/passes/passes.h"
#include "engine/train/batch_program.h"
#include "engine/train/metrics.h"
#include "engine/train/paired_comparison.h"

namespace beak {
namespace {

absl::Status Wrong(const std::string& what) { return absl::FailedPreconditionError(what); }

// Which ends of a network those of another one are.
struct Binding {
  std::vector<size_t> inputs;  // of the job's network, one an input of the other
  ValueId output = kNoValue;
};

absl::StatusOr<size_t> FindInput(const Graph& network, const Graph& other, ValueId input) {
  const std::vector<ValueId>& inputs = network.inputs();
  const auto same = [&](ValueId id) { return network.NameOfValue(id) == other.NameOfValue(input); };
  const auto found = std::ranges::find_if(inputs, same);
  if (found != inputs.end()) return static_cast<size_t>(found - inputs.begin());
  if (inputs.size() == 1) return 0;
  return Wrong(absl::StrCat("expected no input '", other.NameOfValue(input), "'"));
}

absl::Status CheckInput(const Graph& network, const Graph& other, ValueId own, ValueId input) {
  const TensorType& expected = network.value(own).type;
  const TensorType& got = other.value(input).type;
  bool fits = expected.dtype == got.dtype;
  if (expected.shape && got.shape) {
    fits = fits && expected.shape->size() == got.shape->size();
    // The batch may be free in one and fixed in the other.
    for (size_t i = 1; fits && i < expected.shape->size(); ++i) {
      const Dim &a = (*expected.shape)[i], &b = (*got.shape)[i];
      fits = !a.known() || !b.known() || a.value() == b.value();
    }
  }
  if (fits) return absl::OkStatus();
  const auto text = [](const TensorType& type) {
    return absl::StrCat(NameOf(type.dtype), " ", type.shape ? ToString(*type.shape) : "of any shape");
  };
  return Wrong(absl::StrCat("input '", other.NameOfValue(input), "': expected ", text(expected), ", got ", text(got)));
}

absl::StatusOr<ValueId> FindOutput(const Graph& other, const std::string& name) {
  for (const ValueId id : other.outputs()) {
    if (other.NameOfValue(id) == name) return id;
  }
  if (other.outputs().size() == 1) return other.outputs()[0];
  return Wrong(absl::StrCat("expected an output '", name, "', got none of that name"));
}

void SetRows(const JobPlan& plan, const Binding& binding, int64_t rows, Graph& graph) {
  const std::vector<Shape> shapes = WithRows(plan.trainer.row_shapes, rows);
  for (size_t i = 0; i < binding.inputs.size(); ++i) {
    graph.mutable_value(graph.inputs()[i]).type.shape = ToPartial(shapes[binding.inputs[i]]);
  }
}

// The scores of one sample are one a class.
absl::Status CheckOutput(const JobPlan& plan, const Binding& binding, Graph other) {
  SetRows(plan, binding, 1, other);
  RETURN_IF_ERROR(InferShapes(other, true));
  const TensorType& type = other.value(binding.output).type;
  const int64_t classes = NumElements(ToShape(*type.shape));
  if (type.dtype == DType::kFloat32 && classes == plan.classes->classes) return absl::OkStatus();
  return Wrong(absl::StrCat("output '", other.NameOfValue(binding.output), "': expected float32 scores of ",
                            plan.classes->classes, " classes, got ", NameOf(type.dtype), " ", ToString(*type.shape)));
}

absl::StatusOr<Binding> Bind(const Graph& network, const Graph& other, const JobPlan& plan) {
  if (!plan.classes) return Wrong("expected a job with classes");
  if (other.inputs().size() != network.inputs().size()) {
    return Wrong(absl::StrCat("expected ", network.inputs().size(), " inputs, got ", other.inputs().size()));
  }
  Binding binding;
  for (const ValueId input : other.inputs()) {
    ASSIGN_OR_RETURN(const size_t own, FindInput(network, other, input));
    RETURN_IF_ERROR(CheckInput(network, other, network.inputs()[own], input));
    binding.inputs.push_back(own);
  }
  ASSIGN_OR_RETURN(binding.output, FindOutput(other, plan.trainer.training.losses[plan.classes->loss].output));
  RETURN_IF_ERROR(CheckOutput(plan, binding, other));
  return binding;
}

// Scores of all classes for batches of samples, by one network. *Thread-compatible.*
class Classifier {
 public:
  static absl::StatusOr<Classifier> Create(Graph graph, Binding binding, const JobPlan& plan, const Backend& backend) {
    graph.mutable_outputs() = {binding.output};
    RETURN_IF_ERROR(RunPublishPasses(graph, backend.evaluate));
    return Classifier(std::move(graph), std::move(binding), plan, backend);
  }

  absl::StatusOr<std::span<const float>> Run(const TrainingBatch& batch) {
    ASSIGN_OR_RETURN(BatchProgram* const program, ForRows(batch.rows));
    for (size_t i = 0; i < binding_.inputs.size(); ++i) {
      RETURN_IF_ERROR(program->SetInput(i, batch.inputs[binding_.inputs[i]]));
    }
    RETURN_IF_ERROR(program->Run());
    return program->output(0);
  }

 private:
  Classifier(Graph graph, Binding binding, const JobPlan& plan, const Backend& backend)
      : graph_(std::move(graph)), binding_(std::move(binding)), plan_(plan), backend_(backend) {}

  absl::StatusOr<BatchProgram*> ForRows(int64_t rows) {
    if (const auto found = programs_.find(rows); found != programs_.end()) return &found->second;
    Graph graph = graph_;
    SetRows(plan_, binding_, rows, graph);
    ASSIGN_OR_RETURN(BatchProgram program, BatchProgram::Create(std::move(graph), plan_.trainer.threads, backend_));
    return &programs_.emplace(rows, std::move(program)).first->second;
  }

  Graph graph_;
  Binding binding_;
  const JobPlan& plan_;
  const Backend& backend_;
  std::map<int64_t, BatchProgram> programs_;  // by rows
};

// A network whose file fixes the batch to one sample is given one at a time.
bool TakesOne(const Graph& graph) {
  return std::ranges::any_of(graph.inputs(), [&](ValueId id) {
    const std::optional<PartialShape>& shape = graph.value(id).type.shape;
    return shape && !shape->empty() && shape->front().known();
  });
}

v1::Comparison ToProto(const PairedCounts& counts, double confidence) {
  v1::Comparison comparison;
  comparison.set_both_right(counts.both_right);
  comparison.set_only_new_right(counts.only_new_right);
  comparison.set_only_old_right(counts.only_old_right);
  comparison.set_both_wrong(counts.both_wrong);
  comparison.set_difference(AccuracyDifference(counts));
  comparison.set_lower_bound(AccuracyDifferenceLowerBound(counts, confidence));
  comparison.set_confidence(confidence);
  return comparison;
}

void Count(const JobPlan& plan, const data::Batch& batch, std::span<const float> own, std::span<const float> other,
           PairedCounts& counts) {
  const auto classes = static_cast<size_t>(plan.classes->classes);
  const std::optional<int64_t> ignored = plan.trainer.training.losses[plan.classes->loss].ignore_index;
  const std::span<const int64_t> labels = batch.tensors[plan.target_fields[plan.classes->loss]].values<int64_t>();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignored) continue;
    counts.Add(BestClass(own.subspan(i * classes, classes)) == labels[i],
               BestClass(other.subspan(i * classes, classes)) == labels[i]);
  }
}

}  // namespace

absl::Status CheckComparable(const Graph& network, const Graph& other, const JobPlan& plan) {
  return Bind(network, other, plan).status();
}

absl::StatusOr<v1::Comparison> Compare(const Graph& network, const Graph& other, const JobPlan& plan,
                                       const data::PipelinePtr& data, double confidence, const Backend& backend,
                                       const EvaluateOptions& options) {
  ASSIGN_OR_RETURN(Binding binding, Bind(network, other, plan));
  ASSIGN_OR_RETURN(Binding own_binding, Bind(network, network, plan));
  ASSIGN_OR_RETURN(Classifier old_one, Classifier::Create(other, std::move(binding), plan, backend));
  ASSIGN_OR_RETURN(Classifier new_one, Classifier::Create(network, std::move(own_binding), plan, backend));
  data::LoaderOptions loading = EvaluationLoading(plan, data->size());
  if (TakesOne(network) || TakesOne(other)) loading.batch_size = 1;
  ASSIGN_OR_RETURN(const auto loader, data::Loader::Create(data, loading));
  PairedCounts counts;
  while (true) {
    if (options.stop && options.stop()) return absl::CancelledError("comparison: stopped");
    ASSIGN_OR_RETURN(const data::Batch* batch, loader->Next());
    if (batch == nullptr) break;
    const TrainingBatch inputs = ToTrainingBatch(plan, *batch);
    ASSIGN_OR_RETURN(const std::span<const float> own, new_one.Run(inputs));
    ASSIGN_OR_RETURN(const std::span<const float> others, old_one.Run(inputs));
    Count(plan, *batch, own, others, counts);
  }
  return ToProto(counts, confidence);
}

}  // namespace beak
