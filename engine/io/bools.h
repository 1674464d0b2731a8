#pragma once

#include <algorithm>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace beak {

// INVALID_ARGUMENT unless every byte is 0 or 1: what else a file may have is undefined as a C++ bool.
inline absl::Status CheckBools(std::string_view bytes) {
  const auto bad = std::find_if(bytes.begin(), bytes.end(), [](char c) { return c != 0 && c != 1; });
  if (bad == bytes.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("bool: expected 0 or 1, got ", static_cast<int>(static_cast<unsigned char>(*bad))));
}

}  // namespace beak
