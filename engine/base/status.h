#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

// Errors are values: everything that can fail for a reason outside this program returns absl::Status or StatusOr.
// DESIGN's table says which code means what. Texts read "what: expected X, got Y"; each layer adds its place once.

// Returns from the enclosing function when `expr` (an absl::Status) is not OK.
#define RETURN_IF_ERROR(expr)                                                        \
  do {                                                                               \
    if (absl::Status beak_status_ = (expr); !beak_status_.ok()) return beak_status_; \
  } while (false)

#define BEAK_CONCAT_INNER(a, b) a##b
#define BEAK_CONCAT(a, b) BEAK_CONCAT_INNER(a, b)

// Assigns the value of `expr` (a StatusOr) to `lhs`, which may declare a variable, or returns its error.
#define ASSIGN_OR_RETURN(lhs, expr) BEAK_ASSIGN_OR_RETURN(BEAK_CONCAT(beak_statusor_, __LINE__), lhs, expr)
#define BEAK_ASSIGN_OR_RETURN(statusor, lhs, expr) \
  auto statusor = (expr);                          \
  if (!statusor.ok()) return statusor.status();    \
  lhs = std::move(statusor).value()

namespace beak {

// The same error with `place` and ": " in front of its text: how a layer says where something went wrong.
inline absl::Status Annotate(const absl::Status& status, const std::string& place) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(place, ": ", status.message()));
}

}  // namespace beak
