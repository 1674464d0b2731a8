#include "engine/job/memory_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/process.h"
#include "engine/base/status.h"
#include "engine/job/evaluate.h"

namespace beak {
namespace {

// What takes room while something runs: kernels that oneDNN writes then, threads, files being decoded.
constexpr int64_t kOther = int64_t{24} << 20;

// A run of `rows` samples takes `bytes`, of which `fixed` don't depend on them: about what one of fewer rows takes.
int64_t RunBytes(int64_t bytes, int64_t fixed, int64_t rows, int64_t fewer) {
  if (fewer == 0) return 0;
  fixed = std::min(fixed, bytes);
  return fixed + (bytes - fixed) / rows * fewer;
}

// Of the networks that are measured.
absl::Status AddEvaluation(const Trainer& trainer, const JobPlan& plan, const data::Pipeline& held_out,
                           const Backend& backend, MemoryNeeds& needs) {
  const int64_t samples = held_out.size();
  const data::LoaderOptions loading = EvaluationLoading(plan, samples);
  ASSIGN_OR_RETURN(const auto step, MakeEvaluationStep(trainer.Network(), plan, samples, backend));
  ASSIGN_OR_RETURN(const int64_t batches, LoaderBytes(held_out.schema(), samples, loading));
  const auto run = static_cast<int64_t>(step->workspace_bytes());
  const int64_t tail = samples % loading.batch_size;
  needs.evaluation = run + RunBytes(run, 0, loading.batch_size, tail) + batches;
  needs.short_batches = tail > 0;
  const int64_t classes = plan.classes ? plan.classes->classes : 0;
  if (classes <= ConfusionMatrix::kMaxClasses) {
    needs.evaluation += classes * classes * static_cast<int64_t>(sizeof(int64_t));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MemoryNeeds> FindMemoryNeeds(const Trainer& trainer, const JobPlan& plan, const JobData& data,
                                            const Backend& backend) {
  MemoryNeeds needs;
  for (const auto& [name, tensor] : trainer.Export().tensors) {
    needs.state += static_cast<int64_t>(tensor.byte_size());
    if (name.starts_with("parameter/") || name.starts_with("statistic/")) {
      needs.parameters += static_cast<int64_t>(tensor.byte_size());
    }
  }
  needs.keeps_best = plan.keep_best && data.held_out != nullptr;
  if (needs.keeps_best) needs.state += needs.parameters;
  needs.accumulates = plan.trainer.accumulated_batches > 1;
  const auto run = static_cast<int64_t>(trainer.workspace_bytes());
  const int64_t samples = data.training->size(), rows = plan.loading.batch_size;
  const int64_t tail = plan.loading.drop_last ? 0 : samples % rows;
  // Parameters, their gradients, and one of the two in another layout.
  needs.training = run + RunBytes(run, 3 * needs.parameters, rows, tail);
  ASSIGN_OR_RETURN(needs.batches, LoaderBytes(data.training->schema(), samples, plan.loading));
  if (data.held_out != nullptr) RETURN_IF_ERROR(AddEvaluation(trainer, plan, *data.held_out, backend, needs));
  needs.resident = ResidentBytes();
  return needs;
}

int64_t PlannedPeakBytes(const MemoryNeeds& needs) {
  const int64_t own = needs.parameters;
  const int64_t steady =
      needs.resident + needs.training + needs.batches + (needs.accumulates ? own : 0) + (needs.keeps_best ? own : 0);
  const int64_t checkpoint = 2 * needs.state;
  const int64_t evaluation = needs.evaluation + own * (needs.short_batches ? 4 : 3);
  // By then the memory of training is given back.
  const int64_t result = needs.resident + (needs.keeps_best ? own : 0) + 3 * own + evaluation;
  return kOther + std::max(steady + std::max(checkpoint, evaluation), result);
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
