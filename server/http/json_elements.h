#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/wire/datatype.h"

namespace beak {

// The elements of a tensor as JSON lists them, kept in 8 bytes each until its type is known: JSON may name it after
// them. A value type.
class JsonElements {
 public:
  // INVALID_ARGUMENT where numbers, booleans and texts are mixed.
  absl::Status AddSigned(int64_t value);
  absl::Status AddUnsigned(uint64_t value);
  absl::Status AddFloat(double value);
  absl::Status AddBool(bool value);
  absl::Status AddText(std::string_view text);

  int64_t count() const { return kind_ == Kind::kText ? text_count_ : static_cast<int64_t>(bits_.size()); }

  // Raw contents of `datatype`: row-major, little-endian. INVALID_ARGUMENT names the first element that the type has
  // not: a fraction or a number out of range for whole numbers, a number that overflows a float, a text for anything
  // but BYTES. BF16 cannot be written in JSON.
  absl::StatusOr<std::string> ToRaw(wire::Datatype datatype) const;

 private:
  // kSigned and kUnsigned hold the bits of whole numbers, kFloat those of doubles.
  enum class Kind { kNone, kSigned, kUnsigned, kFloat, kBool, kText };

  // Makes room for an element of a kind that is not kText.
  absl::Status Become(Kind kind);
  double FloatAt(size_t index) const;

  template <typename T>
  absl::StatusOr<std::string> ToWhole(wire::Datatype datatype) const;
  template <typename T>
  absl::StatusOr<std::string> ToFloating(wire::Datatype datatype) const;
  absl::StatusOr<std::string> ToHalves() const;
  absl::StatusOr<std::string> ToBools() const;

  absl::Status Wrong(size_t index, wire::Datatype datatype) const;
  std::string TextAt(size_t index) const;

  Kind kind_ = Kind::kNone;
  bool negative_ = false;       // some number is
  std::vector<uint64_t> bits_;  // but for texts
  std::string texts_;           // as BYTES has them: each after its length in 32 bits
  int64_t text_count_ = 0;
};

}  // namespace beak
