#include "server/http/json_elements.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/tensor/dtype.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

using wire::Datatype;

template <typename T>
void Put(T value, std::string* raw) {
  raw->append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

absl::Status JsonElements::Become(Kind kind) {
  if (kind_ == Kind::kNone) kind_ = kind;
  if (kind_ == kind) return absl::OkStatus();
  if (kind_ == Kind::kBool || kind_ == Kind::kText || kind == Kind::kBool) {
    return absl::InvalidArgumentError("data: expected numbers, booleans or texts, got more than one of them");
  }
  if (kind_ == Kind::kFloat) return absl::OkStatus();  // which takes all numbers
  // Whole numbers of both kinds fit into one where none is negative.
  if (kind == Kind::kUnsigned && !negative_) {
    kind_ = Kind::kUnsigned;
    return absl::OkStatus();
  }
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] = std::bit_cast<uint64_t>(FloatAt(i));
  kind_ = Kind::kFloat;
  return absl::OkStatus();
}

double JsonElements::FloatAt(size_t index) const {
  const uint64_t bits = bits_[index];
  switch (kind_) {
    case Kind::kFloat:
      return std::bit_cast<double>(bits);
    case Kind::kUnsigned:
      return static_cast<double>(bits);
    default:
      return static_cast<double>(static_cast<int64_t>(bits));
  }
}

absl::Status JsonElements::AddSigned(int64_t value) {
  if (value >= 0) return AddUnsigned(static_cast<uint64_t>(value));
  // A negative number has no place among large ones but as a float.
  if (kind_ == Kind::kUnsigned) return AddFloat(static_cast<double>(value));
  RETURN_IF_ERROR(Become(Kind::kSigned));
  negative_ = true;
  if (kind_ == Kind::kFloat) return AddFloat(static_cast<double>(value));
  bits_.push_back(static_cast<uint64_t>(value));
  return absl::OkStatus();
}

absl::Status JsonElements::AddUnsigned(uint64_t value) {
  const bool large = value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const Kind kind = large || kind_ == Kind::kUnsigned ? Kind::kUnsigned : Kind::kSigned;
  RETURN_IF_ERROR(Become(kind));
  if (kind_ == Kind::kFloat) return AddFloat(static_cast<double>(value));
  bits_.push_back(value);
  return absl::OkStatus();
}

absl::Status JsonElements::AddFloat(double value) {
  RETURN_IF_ERROR(Become(Kind::kFloat));
  bits_.push_back(std::bit_cast<uint64_t>(value));
  return absl::OkStatus();
}

absl::Status JsonElements::AddBool(bool value) {
  RETURN_IF_ERROR(Become(Kind::kBool));
  bits_.push_back(value ? 1 : 0);
  return absl::OkStatus();
}

absl::Status JsonElements::AddText(std::string_view text) {
  if (kind_ != Kind::kNone && kind_ != Kind::kText) return Become(Kind::kBool);
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("data: expected texts of less than 4 GiB");
  }
  kind_ = Kind::kText;
  Put(static_cast<uint32_t>(text.size()), &texts_);
  texts_.append(text);
  ++text_count_;
  return absl::OkStatus();
}

std::string JsonElements::TextAt(size_t index) const {
  switch (kind_) {
    case Kind::kBool:
      return bits_[index] != 0 ? "true" : "false";
    case Kind::kSigned:
      return absl::StrCat(static_cast<int64_t>(bits_[index]));
    case Kind::kUnsigned:
      return absl::StrCat(bits_[index]);
    case Kind::kFloat:
      return absl::StrCat(FloatAt(index));
    default:
      return "a text";
  }
}

absl::Status JsonElements::Wrong(size_t index, Datatype datatype) const {
  return absl::InvalidArgumentError(absl::StrCat("element ", index, ": expected a value of ",
                                                 wire::Describe(datatype).name, ", got ", TextAt(index)));
}

template <typename T>
absl::StatusOr<std::string> JsonElements::ToWhole(Datatype datatype) const {
  if (kind_ != Kind::kNone && kind_ != Kind::kSigned && kind_ != Kind::kUnsigned) {
    if (kind_ != Kind::kFloat) return Wrong(0, datatype);
    for (size_t i = 0; i < bits_.size(); ++i) {
      if (std::trunc(FloatAt(i)) != FloatAt(i)) return Wrong(i, datatype);
    }
    return Wrong(0, datatype);
  }
  std::string raw;
  raw.reserve(bits_.size() * sizeof(T));
  for (size_t i = 0; i < bits_.size(); ++i) {
    const bool fits =
        kind_ == Kind::kSigned ? std::in_range<T>(static_cast<int64_t>(bits_[i])) : std::in_range<T>(bits_[i]);
    if (!fits) return Wrong(i, datatype);
    Put(static_cast<T>(bits_[i]), &raw);
  }
  return raw;
}

template <typename T>
absl::StatusOr<std::string> JsonElements::ToFloating(Datatype datatype) const {
  if (kind_ == Kind::kBool || kind_ == Kind::kText) return Wrong(0, datatype);
  std::string raw;
  raw.reserve(bits_.size() * sizeof(T));
  for (size_t i = 0; i < bits_.size(); ++i) {
    const double value = FloatAt(i);
    if (std::abs(value) > static_cast<double>(std::numeric_limits<T>::max())) return Wrong(i, datatype);
    Put(static_cast<T>(value), &raw);
  }
  return raw;
}

absl::StatusOr<std::string> JsonElements::ToHalves() const {
  constexpr double kLargest = 65504;
  if (kind_ == Kind::kBool || kind_ == Kind::kText) return Wrong(0, Datatype::kFp16);
  std::string raw;
  for (size_t i = 0; i < bits_.size(); ++i) {
    if (std::abs(FloatAt(i)) > kLargest) return Wrong(i, Datatype::kFp16);
    Put(FloatToHalf(static_cast<float>(FloatAt(i))), &raw);
  }
  return raw;
}

// true and false, or 1 and 0.
absl::StatusOr<std::string> JsonElements::ToBools() const {
  if (kind_ == Kind::kText || kind_ == Kind::kFloat) return Wrong(0, Datatype::kBool);
  std::string raw;
  for (size_t i = 0; i < bits_.size(); ++i) {
    if (bits_[i] > 1) return Wrong(i, Datatype::kBool);
    raw += static_cast<char>(bits_[i]);
  }
  return raw;
}

absl::StatusOr<std::string> JsonElements::ToRaw(Datatype datatype) const {
  if (datatype == Datatype::kBf16) {
    return absl::InvalidArgumentError("BF16: expected binary data, which JSON cannot carry");
  }
  if (datatype == Datatype::kBytes) {
    if (kind_ != Kind::kNone && kind_ != Kind::kText) return Wrong(0, datatype);
    return texts_;
  }
  if (datatype == Datatype::kBool) return ToBools();
  if (datatype == Datatype::kFp16) return ToHalves();
  const std::optional<DType> dtype = DTypeFromProtocol(static_cast<int>(datatype));
  return DispatchDType(*dtype, [&]<typename T>() -> absl::StatusOr<std::string> {
    if constexpr (std::is_floating_point_v<T>) return ToFloating<T>(datatype);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return ToWhole<T>(datatype);
    return ToBools();
  });
}

}  // namespace beak
