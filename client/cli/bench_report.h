#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "client/bench/load.h"
#include "client/bench/tally.h"

// What `beak bench` prints: a summary for people, JSON for machines. Pure.
namespace beak::cli {

// "10s", "500ms", "1.5m", "2h" -> how long; nullopt for anything else, and for what is not above zero unless
// `zero_too`.
std::optional<std::chrono::nanoseconds> ParseDuration(const std::string& text, bool zero_too = false);

struct BenchReport {
  std::string model;
  int64_t rows = 1;  // of a request
  const bench::LoadOptions& load;
  const bench::Tally& tally;
};

std::string ToText(const BenchReport& report);
std::string ToJson(const BenchReport& report);

// One line about a run that is not over, after so long: counts and rates since counting began.
std::string ProgressLine(const bench::Tally& so_far);

}  // namespace beak::cli
