#include "client/retry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace beak::client {

Pushback ParsePushback(std::string_view text) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &milliseconds) || milliseconds < 0) return {};
  // A day is as good as for ever, and does not overflow when added to a clock.
  constexpr int64_t kDay = int64_t{24} * 3600 * 1000;
  return {std::chrono::milliseconds(std::min(milliseconds, kDay))};
}

std::optional<std::chrono::nanoseconds> RetryDelay(const RetryOptions& options, const FailedAttempt& attempt) {
  if (attempt.code != absl::StatusCode::kUnavailable || attempt.number >= options.max_attempts) return std::nullopt;
  std::chrono::nanoseconds delay;
  if (attempt.pushback) {
    if (!attempt.pushback->delay) return std::nullopt;
    delay = *attempt.pushback->delay;
  } else {
    const double grown = static_cast<double>(options.initial_backoff.count()) *
                         std::pow(options.multiplier, static_cast<double>(attempt.number - 1));
    const double longest = std::min(grown, static_cast<double>(options.max_backoff.count()));
    delay = std::chrono::nanoseconds(static_cast<int64_t>(longest * attempt.random));
  }
  if (delay >= attempt.time_left) return std::nullopt;
  return delay;
}

void RetryBudget::Deposit() {
  const std::lock_guard<std::mutex> lock(mutex_);
  tokens_ = std::min(tokens_ + options_.budget_ratio, options_.budget_burst);
}

bool RetryBudget::Withdraw() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace beak::client
