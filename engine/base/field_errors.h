#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace beak {

// What is wrong with a description, a line per field: "momentum: expected a number in [0, 1), got 1.5". All of it, so
// that its author mends it in one go; empty where nothing is. A value type.
class FieldErrors {
 public:
  template <typename T>
  void Expect(bool condition, const char* field, const char* expected, const T& got) {
    if (!condition) lines_.push_back(absl::StrCat(field, ": expected ", expected, ", got ", got));
  }

  // False for NaN too.
  void ExpectIn(double value, double low, double high, const char* field, const char* expected) {
    Expect(value >= low && value <= high, field, expected, value);
  }

  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

}  // namespace beak
