#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace beak::client {

// When a call that failed is made again. Only UNAVAILABLE is: the server said that it did not take the request (or was
// not there), and that trying again may help.
struct RetryOptions {
  int max_attempts = 4;  // the first one included; 1 means no retries
  std::chrono::nanoseconds initial_backoff = std::chrono::milliseconds(50);
  std::chrono::nanoseconds max_backoff = std::chrono::seconds(2);
  double multiplier = 2;
  // Retries are at most this part of all calls, so that clients do not bury a server that is in trouble; a client that
  // was quiet may save up `budget_burst` of them.
  double budget_ratio = 0.1;
  double budget_burst = 10;
};

// What a server says in grpc-retry-pushback-ms: a time to wait, or (nullopt inside) to leave it be.
struct Pushback {
  std::optional<std::chrono::milliseconds> delay;
};

// The meaning of that header's text. As gRPC has it, anything but a number of 0 or more means "do not retry".
Pushback ParsePushback(std::string_view text);

// An attempt that has just failed.
struct FailedAttempt {
  int number = 1;  // counted from 1
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  std::optional<Pushback> pushback;  // what the server said, if anything
  std::chrono::nanoseconds time_left = std::chrono::nanoseconds::max();
  double random = 0;  // uniform in [0, 1)
};

// How long to wait before the next attempt; nullopt for none. The n-th wait is uniform between nothing and
// min(initial_backoff * multiplier^(n-1), max_backoff), or what the server asked for; a wait that would use up the
// time left is not begun. Pure.
// Source: gRPC proposal A6, aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter ("full jitter").
std::optional<std::chrono::nanoseconds> RetryDelay(const RetryOptions& options, const FailedAttempt& attempt);

// Counts calls and retries of one client. *Thread-safe.*
class RetryBudget {
 public:
  explicit RetryBudget(const RetryOptions& options) : options_(options), tokens_(options.budget_burst) {}

  // A call begins (its retries are not calls).
  void Deposit();
  // True when one more retry is within the budget, which it then takes from.
  bool Withdraw();

 private:
  const RetryOptions options_;
  std::mutex mutex_;
  double tokens_;  // guarded by mutex_
};

}  // namespace beak::client
