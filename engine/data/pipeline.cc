#include "engine/data/pipeline.h"

#include <utility>

#include "engine/base/status.h"

namespace beak::data {

Pipeline::Pipeline(SourcePtr source, std::vector<Stage> stages, uint64_t seed)
    : source_(std::move(source)), stages_(std::move(stages)), rng_(seed) {}

absl::StatusOr<PipelinePtr> Pipeline::Create(SourcePtr source, const std::vector<Transform>& transforms,
                                             uint64_t seed) {
  std::vector<Stage> stages;
  for (const Transform& transform : transforms) {
    ASSIGN_OR_RETURN(Stage stage, transform(stages.empty() ? source->schema() : stages.back().schema));
    stages.push_back(std::move(stage));
  }
  return PipelinePtr(new Pipeline(std::move(source), std::move(stages), seed));
}

absl::StatusOr<Sample> Pipeline::Read(int64_t epoch, int64_t index) const {
  absl::StatusOr<Sample> sample = Make(epoch, index);
  if (!sample.ok()) return Annotate(sample.status(), absl::StrCat("sample ", index));
  return sample;
}

absl::StatusOr<Sample> Pipeline::Make(int64_t epoch, int64_t index) const {
  ASSIGN_OR_RETURN(Sample sample, source_->Read(index));
  const Rng rng = rng_.Fork(static_cast<uint64_t>(epoch)).Fork(static_cast<uint64_t>(index));
  for (size_t i = 0; i < stages_.size(); ++i) {
    // One generator a stage: what one of them draws does not shift what the next one gets.
    Rng own = rng.Fork(i);
    RETURN_IF_ERROR(stages_[i].apply(sample, own));
  }
  for (size_t i = 0; i < sample.size(); ++i) RETURN_IF_ERROR(CheckFits(schema().fields[i], sample[i]));
  return sample;
}

}  // namespace beak::data
