#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/train_run.h"

namespace beak {

enum class Verdict {
  kDone,     // it did what it was started for
  kStopped,  // as it was asked to
  kFailed,   // and would again
  kDied,     // for a reason that may have been its own or the machine's: worth another try
  kNotYet,   // it could not begin, for a reason that passes by itself
};

struct RunVerdict {
  Verdict verdict = Verdict::kDone;
  std::string reason;  // of the last three
};

// What a run's end means. `failure` and `has_result`: what its process told; `asked`: it was told to end. Pure.
RunVerdict Judge(const RunEnd& end, const std::optional<v1::TrainFailure>& failure, bool has_result, bool asked);

// What a check's end says of the spec: OK also where it took too long to tell. Pure.
absl::Status JudgeCheck(const RunEnd& end, const std::optional<v1::TrainFailure>& failure);

}  // namespace beak
