#pragma once

#include <cstdint>

#include "absl/status/status.h"

// Whether there is room for another model. Pure.
namespace beak {

struct MemoryUse {
  int64_t limit = 0;     // what the process may hold
  int64_t weights = 0;   // of versions that are loaded, those that drain included
  int64_t loading = 0;   // estimates of loads under way
  int64_t resident = 0;  // what the process holds now

  // The larger of what we know of and what the system sees: weights that no request has touched need not be resident,
  // and what else the process holds is in no account of ours.
  int64_t used() const;
};

// What loading a network of so many bytes takes at its peak: the file, weights packed from it, and some for the rest.
int64_t EstimateLoadBytes(int64_t file_bytes);

// RESOURCE_EXHAUSTED with the numbers where `bytes` more do not fit.
absl::Status CheckRoom(const MemoryUse& use, int64_t bytes);

// The limit that holds where the operator names none: what the process may use less a reserve for requests.
int64_t DefaultMemoryLimit(int64_t available);

}  // namespace beak
