#include "server/models/warm_up.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/base/status.h"
#include "server/models/row_check.h"

namespace beak {
namespace {

constexpr double kWorthwhile = 0.98;
// A run that would take longer than this keeps a lane from all others, and one that needs more memory than that keeps
// it from all else.
constexpr std::chrono::milliseconds kLongRun(500);
constexpr size_t kLargeWorkspace = size_t{256} << 20;

const Cost* CostOf(const CostCurve& curve, int64_t rows) {
  const Cost* cost = curve.Smallest(rows, 1);
  return cost != nullptr && cost->rows == rows ? cost : nullptr;
}

// Prepares one program, unless asked to stop. The first of several rows tells whether rows may share a batch at all.
absl::Status PrepareOne(ProgramSet& programs, int64_t rows, int threads, const WarmUpOptions& options) {
  if (options.stop != nullptr && options.stop->cancelled()) return absl::CancelledError("the warm-up was stopped");
  ProgramSet::Check check;
  if (rows == 2 && threads == 1) {
    check = [&] {
      absl::Status status = CheckRowsIndependent(programs);
      programs.FreeIdleWorkspaces();  // a model that nobody asks costs its weights alone
      return status;
    };
  }
  RETURN_IF_ERROR(programs.Prepare(rows, threads, check));
  options.prepared();
  return absl::OkStatus();
}

// Whether what went wrong with one size goes wrong with all.
bool IsFatal(const absl::Status& status) { return absl::IsFailedPrecondition(status) || absl::IsCancelled(status); }

// 1, 2, 4 ... as far as they are worth it, each prepared for one thread.
absl::StatusOr<std::vector<int64_t>> PrepareSizes(ProgramSet& programs, const WarmUpOptions& options) {
  std::vector<int64_t> sizes;
  std::vector<double> per_row;
  for (int64_t rows = 1; rows <= options.max_rows; rows *= 2) {
    if (const absl::Status status = PrepareOne(programs, rows, 1, options); !status.ok()) {
      if (rows == 1 || IsFatal(status)) return status;
      break;
    }
    sizes.push_back(rows);
    const std::shared_ptr<const CostCurve> curve = programs.costs().curve();
    const Cost& cost = *CostOf(*curve, rows);
    per_row.push_back(static_cast<double>(cost.mean.count()) / static_cast<double>(rows));
    const bool large = 2 * cost.mean > kLongRun || 2 * programs.WorkspaceBytes(rows, 1) > kLargeWorkspace;
    if (large || !WorthDoubling(per_row)) break;
  }
  return sizes;
}

}  // namespace

bool WorthDoubling(const std::vector<double>& per_row) {
  const size_t count = per_row.size();
  if (count < 3) return true;
  const double best_before = *std::min_element(per_row.begin(), per_row.end() - 2);
  return std::min(per_row[count - 1], per_row[count - 2]) < best_before * kWorthwhile;
}

WarmUpOptions WarmUpOptionsFor(const ModelVersion& version, int lanes) {
  const ServingOptions& serving = version.options();
  WarmUpOptions options;
  options.max_rows = version.max_batch_rows();
  options.preferred_rows = serving.preferred_rows;
  options.threads = serving.max_cores > 0 ? std::min(lanes, serving.max_cores) : lanes;
  return options;
}

absl::Status WarmUp(ProgramSet& programs, const WarmUpOptions& options) {
  ASSIGN_OR_RETURN(std::vector<int64_t> sizes, PrepareSizes(programs, options));
  std::vector<int64_t> preferred = options.preferred_rows;
  // However large a run is, nothing is batched unchecked.
  const bool batches = std::any_of(preferred.begin(), preferred.end(), [](int64_t rows) { return rows > 1; });
  if (batches) preferred.insert(preferred.begin(), 2);
  for (const int64_t rows : preferred) {
    if (std::find(sizes.begin(), sizes.end(), rows) != sizes.end()) continue;
    RETURN_IF_ERROR(PrepareOne(programs, rows, 1, options));
    sizes.push_back(rows);
  }
  if (options.threads < 2) return absl::OkStatus();
  for (const int64_t rows : sizes) {
    if (const absl::Status status = PrepareOne(programs, rows, options.threads, options); !status.ok()) {
      if (IsFatal(status)) return status;
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace beak
