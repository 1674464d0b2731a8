#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/loader.h"
#include "engine/formats/beak/network.h"
#include "engine/train/trainer.h"

// What tests and benchmarks of whole training runs share: the parts put together as a train job does it.
namespace beak::testing {

// A described network (deploy/demo/networks/NAME.textproto, or the path of one), initialised, with a trainer whose loss
// is the softmax cross-entropy of its only output. `options` brings optimiser, batch size, threads and seed.
struct DescribedTraining {
  DescribedNetwork network;
  std::unique_ptr<Trainer> trainer;
};
absl::StatusOr<DescribedTraining> TrainDescribed(const std::string& name, TrainerOptions options,
                                                 const std::vector<float>& input_offset = {},
                                                 const std::vector<float>& input_scale = {});

// Images and labels of MNIST in the folder of real data: planes with values 0 .. 255.
absl::StatusOr<data::PipelinePtr> OpenMnist(const std::string& part);  // "train", "t10k"

// The batch as a trainer takes it; valid as long as the batch.
TrainingBatch ToTrainingBatch(const data::Batch& batch);

// The part of samples whose best class is their label, by the network as it would be served.
absl::StatusOr<double> Accuracy(const DescribedTraining& training, const data::PipelinePtr& pipeline, int64_t samples,
                                int threads);

}  // namespace beak::testing
