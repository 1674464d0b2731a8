#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

namespace beak::data {

// What becomes of a sample that cannot be used.
enum class OnBadSample {
  kFail,  // the data set cannot be opened
  kSkip,  // it is left out and reported
};

// The samples that were left out of a data set. A value type.
struct SkippedSamples {
  static constexpr size_t kMaxReasons = 100;

  int64_t count = 0;
  std::vector<absl::Status> reasons;  // of the first kMaxReasons: which sample, and why

  // Notes a bad sample; an error where it ends everything.
  absl::Status Report(const absl::Status& reason, OnBadSample on_bad) {
    if (on_bad == OnBadSample::kFail) return reason;
    ++count;
    if (reasons.size() < kMaxReasons) reasons.push_back(reason);
    return absl::OkStatus();
  }
};

}  // namespace beak::data
