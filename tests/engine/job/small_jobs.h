#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/data/array_source.h"
#include "engine/data/pipeline.h"
#include "engine/job/event_sink.h"
#include "engine/job/job_data.h"
#include "engine/job/job_plan.h"
#include "engine/train/optimizer_options.h"
#include "tests/engine/support/run_graph.h"

// Jobs as MakeJobPlan would give them, small enough to be trained in milliseconds.
namespace beak::testing {

struct SmallJob {
  Graph network;
  JobData data;
  JobPlan plan;
};

// A clock that moves on by itself each time somebody looks at it. *Thread-safe.*
class TickingClock final : public Clock {
 public:
  explicit TickingClock(std::chrono::nanoseconds tick) : tick_(tick) {}
  MonotonicTime Now() const override {
    return MonotonicTime(std::chrono::hours(1)) + std::chrono::nanoseconds(now_.fetch_add(tick_.count()));
  }
  void Advance(std::chrono::nanoseconds step) const { now_ += step.count(); }

 private:
  const std::chrono::nanoseconds tick_;
  mutable std::atomic<int64_t> now_{0};  // nanoseconds
};

// Keeps what it is told.
class Recorder final : public EventSink {
 public:
  void Reading(int64_t, int64_t) override { ++readings; }
  void Plan(const v1::TrainPlan& plan) override { plans.push_back(plan); }
  void Progress(const v1::TrainProgress& one) override { progress.push_back(one); }
  void Epoch(const v1::EpochReport& epoch) override { epochs.push_back(epoch); }
  void Notice(const std::string& notice) override { notices.push_back(notice); }
  void Result(const v1::TrainResult& result) override { results.push_back(result); }
  void Failure(const absl::Status& status) override { failures.push_back(status); }

  int readings = 0;
  std::vector<v1::TrainPlan> plans;
  std::vector<v1::TrainProgress> progress;
  std::vector<v1::EpochReport> epochs;
  std::vector<std::string> notices;
  std::vector<v1::TrainResult> results;
  std::vector<absl::Status> failures;
};

inline data::PipelinePtr PipelineOf(std::vector<data::Column> columns,
                                    const std::vector<data::Transform>& transforms = {}, uint64_t seed = 3) {
  auto source = data::MakeArraySource(std::move(columns));
  BEAK_CHECK(source.ok());
  auto pipeline = data::Pipeline::Create(*source, transforms, seed);
  BEAK_CHECK(pipeline.ok());
  return *pipeline;
}

// `count` pictures [1, 6, 6] of three classes: one of three quarters of each is brighter than the rest.
inline data::PipelinePtr Pictures3(int64_t count, int seed, const std::vector<data::Transform>& transforms = {}) {
  Tensor pictures = RandomTensor({count, 1, 6, 6}, seed);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = (i * 7 + seed) % 3;
    labels.push_back(label);
    for (int64_t y = 0; y < 3; ++y) {
      for (int64_t x = 0; x < 3; ++x) {
        pictures.mutable_values<float>()[i * 36 + (y + label / 2 * 3) * 6 + x + label % 2 * 3] += 1;
      }
    }
  }
  return PipelineOf({{"image", pictures}, {"label", Tensor::Of<int64_t>({count}, labels)}}, transforms);
}

// Convolution, batch normalisation and dropout: whatever has state in training.
inline Graph PictureNetwork() {
  Graph graph = Parse(
      "graph g\ninput x float32 [n, 1, 6, 6]\nconst w float32 [8, 1, 3, 3] = fill 1.0\nc = Conv(x, w)\n"
      "const s float32 [8] = fill 1.0\nconst t float32 [8] = fill 0.0\nconst m float32 [8] = fill 0.0\n"
      "const v float32 [8] = fill 1.0\nb = BatchNormalization(c, s, t, m, v) {momentum = 0.75}\nr = Relu(b)\n"
      "h = Flatten(r)\nd = Dropout(h)\nconst w2 float32 [128, 3] = fill 1.0\ny = MatMul(d, w2)\np = Softmax(y)\n"
      "output p");
  for (const char* name : {"w", "w2"}) {
    Tensor& tensor = *graph.mutable_value(graph.FindValue(name)).constant;
    tensor = RandomTensor(tensor.shape(), 4);
    for (float& value : tensor.mutable_values<float>()) value *= 0.2f;
  }
  return graph;
}

// Fills in what follows from the rest, as MakeJobPlan does.
inline void Complete(SmallJob& job) {
  JobPlan& plan = job.plan;
  const int64_t samples = job.data.training->size(), rows = plan.loading.batch_size;
  plan.trainer.batch_rows = rows;
  plan.batches_per_epoch = samples / rows + (samples % rows > 0 && !plan.loading.drop_last ? 1 : 0);
  plan.steps = plan.epochs * plan.batches_per_epoch / plan.trainer.accumulated_batches;
}

// 26 samples in batches of 8, the last of 2; 7 held out.
inline SmallJob PictureJob(const std::function<void(SmallJob&)>& change = nullptr) {
  SmallJob job;
  job.network = PictureNetwork();
  job.data.training = Pictures3(26, 1);
  job.data.plain = job.data.training;
  job.data.held_out = Pictures3(7, 2);
  JobPlan& plan = job.plan;
  plan.trainer.training.losses = {{"p"}};
  plan.trainer.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kAdam);
  plan.trainer.row_shapes = {{1, 6, 6}};
  plan.trainer.seed = 9;
  plan.input_fields = {0};
  plan.target_fields = {1};
  plan.classes = ClassTarget{0, 3, {}};
  plan.loading.batch_size = 8;
  plan.loading.seed = 5;
  plan.epochs = 3;
  plan.schedule.base_rate = 0.01;
  plan.metric = JobMetric::kAccuracy;
  plan.checkpoint_seconds = 1'000'000;
  if (change) change(job);
  Complete(job);
  return job;
}

}  // namespace beak::testing
