#include "server/models/serving_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

// What a clock can add to the present.
constexpr uint64_t kMaxMicroseconds = uint64_t{10} * 365 * 24 * 3600 * 1'000'000;

std::chrono::nanoseconds Microseconds(uint64_t microseconds) {
  return std::chrono::microseconds(std::min(microseconds, kMaxMicroseconds));
}

ServingOptions::Queue MakeQueue(const inference::ModelQueuePolicy& policy) {
  return {policy.timeout_action() == inference::ModelQueuePolicy::DELAY,
          Microseconds(policy.default_timeout_microseconds()), policy.max_queue_size()};
}

absl::Status TakePriorities(const inference::ModelDynamicBatching& batching, ServingOptions* options) {
  options->priority_levels = batching.priority_levels();
  options->default_priority = batching.default_priority_level();
  const uint64_t levels = options->priority_levels;
  if (levels > 0 && (options->default_priority < 1 || options->default_priority > levels)) {
    return absl::InvalidArgumentError(absl::StrCat("dynamic_batching.default_priority_level: expected 1 to ", levels,
                                                   ", got ", options->default_priority));
  }
  options->default_queue = MakeQueue(batching.default_queue_policy());
  for (const auto& [level, policy] : batching.priority_queue_policy()) {
    if (level < 1 || level > levels) {
      return absl::InvalidArgumentError(
          absl::StrCat("dynamic_batching.priority_queue_policy: expected levels 1 to ", levels, ", got ", level));
    }
    options->queues[level] = MakeQueue(policy);
  }
  return absl::OkStatus();
}

absl::Status TakeBatching(const inference::ModelConfig& config, ServingOptions* options) {
  const inference::ModelDynamicBatching& batching = config.dynamic_batching();
  for (const int32_t size : batching.preferred_batch_size()) {
    if (size < 1 || size > std::max(1, config.max_batch_size())) {
      return absl::InvalidArgumentError(absl::StrCat("dynamic_batching.preferred_batch_size: expected 1 to ",
                                                     std::max(1, config.max_batch_size()), ", got ", size));
    }
    options->preferred_rows.push_back(size);
  }
  std::vector<int64_t>& sizes = options->preferred_rows;
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  options->max_queue_delay = Microseconds(batching.max_queue_delay_microseconds());
  options->preserve_ordering = batching.preserve_ordering();
  return TakePriorities(batching, options);
}

absl::Status TakeBeak(const inference::BeakOptions& beak, ServingOptions* options) {
  options->default_deadline = Microseconds(beak.default_deadline_microseconds());
  options->objective = Microseconds(beak.objective_p99_microseconds());
  options->max_queue_rows = beak.max_queue_rows();
  options->max_cores = static_cast<int>(std::min<uint32_t>(beak.max_cores(), std::numeric_limits<int>::max()));
  if (!std::isfinite(beak.weight()) || beak.weight() < 0) {
    return absl::InvalidArgumentError(absl::StrCat("beak.weight: expected a number above 0, got ", beak.weight()));
  }
  // Shares further apart than this are priorities in disguise, and lose their meaning in rounding.
  constexpr double kLeast = 1e-3;
  constexpr double kMost = 1e3;
  options->weight = beak.weight() == 0 ? 1 : std::clamp(beak.weight(), kLeast, kMost);
  options->split_oversized = !beak.refuse_oversized_requests();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServingOptions> MakeServingOptions(const inference::ModelConfig& config) {
  ServingOptions options;
  RETURN_IF_ERROR(TakeBatching(config, &options));
  RETURN_IF_ERROR(TakeBeak(config.beak(), &options));
  options.cached = config.response_cache().enable();
  return options;
}

}  // namespace beak
