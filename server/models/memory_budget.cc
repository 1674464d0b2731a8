#include "server/models/memory_budget.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

constexpr int64_t kFixedLoadBytes = int64_t{4} << 20;  // graph, programs, one workspace of a small network
constexpr int64_t kReserveParts = 10;                  // one in ten

}  // namespace

int64_t MemoryUse::used() const { return std::max(weights, resident) + loading; }

int64_t EstimateLoadBytes(int64_t file_bytes) { return file_bytes + file_bytes / 2 + kFixedLoadBytes; }

absl::Status CheckRoom(const MemoryUse& use, int64_t bytes) {
  if (bytes <= use.limit - use.used()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("memory: expected at most ", use.limit,
                                                   " bytes (--memory-limit-bytes), got ", use.used(),
                                                   " in use and about ", bytes, " more for this version"));
}

int64_t DefaultMemoryLimit(int64_t available) { return available - available / kReserveParts; }

}  // namespace beak
