#include "tests/training/training_run.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/data/array_files.h"
#include "engine/data/decode.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/job/described_training.h"
#include "engine/onednn/backend.h"
#include "engine/train/evaluation_step.h"
#include "engine/train/metrics.h"
#include "engine/train/normalise_input.h"
#include "tests/support/real_data.h"

namespace beak::testing {
namespace {

// Of the network's inputs, without the batch dimension.
std::vector<Shape> RowShapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const ValueId input : graph.inputs()) {
    Shape shape;
    for (const Dim& dim : *graph.value(input).type.shape) shape.push_back(dim.known() ? dim.value() : 1);
    shape.erase(shape.begin());
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::string PathOf(const std::string& name) {
  if (absl::EndsWith(name, ".textproto")) return name;
  const char* sources = std::getenv("BEAK_SOURCE_DIR");
  return absl::StrCat(sources == nullptr ? "." : sources, "/deploy/demo/networks/", name, ".textproto");
}

std::span<const std::byte> BytesOf(const Tensor& tensor) { return {tensor.bytes(), tensor.byte_size()}; }

}  // namespace

absl::StatusOr<DescribedTraining> TrainDescribed(const std::string& name, TrainerOptions options,
                                                 const std::vector<float>& input_offset,
                                                 const std::vector<float>& input_scale) {
  DescribedTraining training;
  ASSIGN_OR_RETURN(training.network, ReadNetworkFile(PathOf(name)));
  Graph& graph = training.network.graph;
  RETURN_IF_ERROR(InitializeParameters(options.seed, training.network));
  TakeDescribedOptions(training.network, options);
  options.row_shapes = RowShapes(graph);
  options.training.losses = {{graph.NameOfValue(graph.outputs()[0])}};
  if (!input_scale.empty()) {
    RETURN_IF_ERROR(NormaliseInput(graph.NameOfValue(graph.inputs()[0]), input_offset, input_scale, graph,
                                   options.training.frozen));
  }
  ASSIGN_OR_RETURN(training.trainer, Trainer::Create(graph, options, CpuBackend()));
  return training;
}

absl::StatusOr<data::PipelinePtr> OpenMnist(const std::string& part) {
  data::Classes classes;
  classes.count = 10;
  const std::string prefix = RealData("datasets/mnist/" + part);
  ASSIGN_OR_RETURN(const data::SourcePtr source,
                   data::OpenArrayFiles({{"image", prefix + "-images-idx3-ubyte.gz", "", {}},
                                         {"label", prefix + "-labels-idx1-ubyte.gz", "", classes}},
                                        data::OnBadSample::kFail));
  return data::Pipeline::Create(source, {data::ToPlanes()});
}

TrainingBatch ToTrainingBatch(const data::Batch& batch) {
  return {batch.rows, {BytesOf(batch.tensors[0])}, {BytesOf(batch.tensors[1])}};
}

absl::StatusOr<double> Accuracy(const DescribedTraining& training, const data::PipelinePtr& pipeline, int64_t samples,
                                int threads) {
  const Graph network = training.trainer->Network();
  EvaluationStep::Options options{{{network.NameOfValue(network.outputs()[0])}}, RowShapes(network), threads};
  ASSIGN_OR_RETURN(const auto step, EvaluationStep::Create(network, options, CpuBackend()));
  data::LoaderOptions loading;
  loading.batch_size = 50;
  loading.shuffle = false;
  loading.epochs = 1;
  ASSIGN_OR_RETURN(const auto loader, data::Loader::Create(pipeline, loading));
  TopKAccuracy accuracy(1);
  while (accuracy.count() < samples) {
    ASSIGN_OR_RETURN(const data::Batch* batch, loader->Next());
    if (batch == nullptr) break;
    RETURN_IF_ERROR(step->Run(ToTrainingBatch(*batch)));
    const std::span<const float> scores = step->prediction(0);
    const size_t classes = scores.size() / static_cast<size_t>(batch->rows);
    const std::span<const int64_t> labels = batch->tensors[1].values<int64_t>();
    for (size_t i = 0; i < labels.size(); ++i) accuracy.Add(scores.subspan(i * classes, classes), labels[i]);
  }
  return accuracy.value();
}

}  // namespace beak::testing
