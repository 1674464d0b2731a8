#include "engine/job/score_sums.h"

#include <cmath>

#include "engine/base/status.h"
#include "engine/train/metrics.h"

namespace beak {
namespace {

std::span<const std::byte> BytesOf(const Tensor& tensor) { return {tensor.bytes(), tensor.byte_size()}; }

double PartOf(int64_t hits, int64_t samples) {
  return samples > 0 ? static_cast<double>(hits) / static_cast<double>(samples) : 0;
}

}  // namespace

TrainingBatch ToTrainingBatch(const JobPlan& plan, const data::Batch& batch) {
  TrainingBatch result;
  result.rows = batch.rows;
  for (const size_t field : plan.input_fields) result.inputs.push_back(BytesOf(batch.tensors[field]));
  for (const size_t field : plan.target_fields) result.targets.push_back(BytesOf(batch.tensors[field]));
  return result;
}

// A loss is a mean over what counts in its batch. With one loss that is known, so that the mean over several batches is
// the mean over all that counts in them; several losses may each count something else, and then each sample counts.
double ScoreSums::WeightOf(const data::Batch& batch) const {
  const std::vector<Loss>& losses = plan_.trainer.training.losses;
  const auto rows = static_cast<double>(batch.rows);
  if (losses.size() != 1 || losses[0].kind != Loss::Kind::kSoftmaxCrossEntropy) return rows;
  const Loss& loss = losses[0];
  if (loss.class_weights.empty() && !loss.ignore_index) return rows;
  double weight = 0;
  for (const int64_t label : batch.tensors[plan_.target_fields[0]].values<int64_t>()) {
    if (label == loss.ignore_index) continue;
    weight += loss.class_weights.empty() ? 1 : static_cast<double>(loss.class_weights[static_cast<size_t>(label)]);
  }
  return weight;
}

void ScoreSums::Add(const data::Batch& batch, double loss, std::span<const float> scores, const Listener& listener) {
  samples_ += batch.rows;
  const double weight = WeightOf(batch);
  loss_ += weight > 0 ? loss * weight : 0;
  weight_ += weight;
  if (!plan_.classes) return;
  const auto classes = static_cast<size_t>(plan_.classes->classes);
  const std::optional<int64_t> ignored = plan_.trainer.training.losses[plan_.classes->loss].ignore_index;
  const std::span<const int64_t> labels = batch.tensors[plan_.target_fields[plan_.classes->loss]].values<int64_t>();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignored) continue;
    const std::span<const float> own = scores.subspan(i * classes, classes);
    const int64_t rank = RankOf(own, labels[i]);
    ++classed_;
    top1_ += rank < 1;
    top5_ += rank < 5;
    if (listener) listener(labels[i], own);
  }
}

v1::Scores ScoreSums::Scores() const {
  v1::Scores scores;
  scores.set_samples(samples_);
  scores.set_loss(loss());
  if (!plan_.classes) return scores;
  scores.set_accuracy(PartOf(top1_, classed_));
  if (plan_.classes->classes > 5) scores.set_top5_accuracy(PartOf(top5_, classed_));
  return scores;
}

void ScoreSums::Clear() {
  samples_ = classed_ = top1_ = top5_ = 0;
  loss_ = weight_ = 0;
}

NamedState ScoreSums::Export() const {
  NamedState state;
  state.numbers = {{"samples", static_cast<double>(samples_)},
                   {"loss", loss_},
                   {"weight", weight_},
                   {"classed", static_cast<double>(classed_)},
                   {"top1", static_cast<double>(top1_)},
                   {"top5", static_cast<double>(top5_)}};
  return state;
}

absl::Status ScoreSums::Import(const NamedState& state) {
  StateReader reader(state);
  const int64_t samples = reader.TakeCount("samples");
  const double loss = reader.TakeNumber("loss", -HUGE_VAL, HUGE_VAL);
  const double weight = reader.TakeNumber("weight", 0, HUGE_VAL);
  const int64_t classed = reader.TakeCount("classed");
  const int64_t top1 = reader.TakeCount("top1");
  const int64_t top5 = reader.TakeCount("top5");
  if (const absl::Status status = reader.Finish(); !status.ok()) return Annotate(status, "scores");
  samples_ = samples, classed_ = classed, top1_ = top1, top5_ = top5;
  loss_ = loss, weight_ = weight;
  return absl::OkStatus();
}

}  // namespace beak
