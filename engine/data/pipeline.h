#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/rng.h"
#include "engine/data/source.h"

namespace beak::data {

// A transform that fits what comes before it.
struct Stage {
  Schema schema;  // of the samples it gives
  // Changes a sample in place; what is random about it is drawn from `rng`. *Thread-safe.*
  std::function<absl::Status(Sample& sample, Rng& rng)> apply;
};

// Something that is done to every sample: given the schema of what goes in, how, or INVALID_ARGUMENT where it cannot be
// done to such samples. See decode.h and augment.h.
using Transform = std::function<absl::StatusOr<Stage>(const Schema& in)>;

// A source and the transforms that its samples go through, each random decision a function of (seed, epoch, sample)
// alone. Immutable. *Thread-safe.*
class Pipeline {
 public:
  // The first transform that does not fit is the error.
  static absl::StatusOr<std::shared_ptr<const Pipeline>> Create(SourcePtr source,
                                                                const std::vector<Transform>& transforms,
                                                                uint64_t seed = 0);

  const Schema& schema() const { return stages_.empty() ? source_->schema() : stages_.back().schema; }
  int64_t size() const { return source_->size(); }

  // Sample `index` as it is in `epoch`; its fields are as the schema says, whatever became of the source's files.
  // Errors name the sample. REQUIRES: 0 <= index < size()
  absl::StatusOr<Sample> Read(int64_t epoch, int64_t index) const;

 private:
  Pipeline(SourcePtr source, std::vector<Stage> stages, uint64_t seed);
  absl::StatusOr<Sample> Make(int64_t epoch, int64_t index) const;

  const SourcePtr source_;
  const std::vector<Stage> stages_;
  const Rng rng_;
};

using PipelinePtr = std::shared_ptr<const Pipeline>;

}  // namespace beak::data
