#include "engine/job/memory_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {

int64_t PlannedPeakBytes(const MemoryNeeds& needs) {
  const int64_t own = needs.parameters;
  const int64_t steady =
      needs.resident + needs.training + needs.batches + (needs.accumulates ? own : 0) + (needs.keeps_best ? own : 0);
  const int64_t checkpoint = 2 * needs.state;
  const int64_t evaluation = needs.evaluation + own * (needs.short_batches ? 4 : 3);
  // By then the memory of training is given back.
  const int64_t result = needs.resident + (needs.keeps_best ? own : 0) + 3 * own + evaluation;
  return std::max(steady + std::max(checkpoint, evaluation), result);
}

absl::StatusOr<int64_t> LoaderBytes(const data::Schema& schema, int64_t samples, const data::LoaderOptions& options) {
  int64_t sample = 0;
  for (const data::Field& field : schema.fields) {
    if (!IsStatic(field.shape)) {
      return absl::InvalidArgumentError(
          absl::StrCat("field '", field.name, "': expected one shape for all samples, got ", ToString(field.shape)));
    }
    ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(ToShape(field.shape), field.dtype));
    sample += bytes;
  }
  const int64_t rows = options.batch_size + samples % options.batch_size;
  return sample * rows * (options.prefetch + 1);
}

absl::Status CheckPlannedPeak(int64_t planned, int64_t limit) {
  if (planned <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("planned peak: expected at most ", limit, " bytes, got ", planned));
}

}  // namespace beak
