#include "client/tensor_value.h"

#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/tensor_codec.h"

namespace beak::client {
namespace {

template <typename T>
constexpr Datatype DatatypeOf() {
  if constexpr (std::is_same_v<T, bool>) return Datatype::kBool;
  if constexpr (std::is_same_v<T, uint8_t>) return Datatype::kUint8;
  if constexpr (std::is_same_v<T, uint16_t>) return Datatype::kUint16;
  if constexpr (std::is_same_v<T, uint32_t>) return Datatype::kUint32;
  if constexpr (std::is_same_v<T, uint64_t>) return Datatype::kUint64;
  if constexpr (std::is_same_v<T, int8_t>) return Datatype::kInt8;
  if constexpr (std::is_same_v<T, int16_t>) return Datatype::kInt16;
  if constexpr (std::is_same_v<T, int32_t>) return Datatype::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return Datatype::kInt64;
  if constexpr (std::is_same_v<T, float>) return Datatype::kFp32;
  return Datatype::kFp64;
}

absl::Status Named(const std::string& name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("tensor '", name, "': ", status.message()));
}

absl::Status CheckSize(Datatype datatype, int64_t count, const std::string& bytes) {
  if (datatype == Datatype::kBytes) return wire::DecodeBytes(bytes, count).status();
  const wire::DatatypeInfo& info = wire::Describe(datatype);
  // Divides rather than multiplies: a count comes from a caller's shape and may be anything.
  const uint64_t got = bytes.size() / info.byte_size;
  if (bytes.size() % info.byte_size == 0 && got == static_cast<uint64_t>(count)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", count, " elements of ", info.name, ", got ", bytes.size(), " bytes"));
}

}  // namespace

template <typename T>
absl::StatusOr<TensorValue> TensorValue::FromSpan(std::string name, std::vector<int64_t> shape,
                                                  absl::Span<const T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return FromBytes(std::move(name), DatatypeOf<T>(), std::move(shape), std::move(bytes));
}

template <typename T>
absl::StatusOr<TensorValue> TensorValue::Of(std::string name, std::vector<int64_t> shape,
                                            const std::vector<T>& values) {
  return FromSpan<T>(std::move(name), std::move(shape), absl::Span<const T>(values));
}

// std::vector<bool> has no elements to point at.
template <>
absl::StatusOr<TensorValue> TensorValue::Of<bool>(std::string name, std::vector<int64_t> shape,
                                                  const std::vector<bool>& values) {
  return FromBytes(std::move(name), Datatype::kBool, std::move(shape), std::string(values.begin(), values.end()));
}

absl::StatusOr<TensorValue> TensorValue::FromBytes(std::string name, Datatype datatype, std::vector<int64_t> shape,
                                                   std::string bytes) {
  const absl::StatusOr<int64_t> count = wire::ElementCount(shape);
  if (!count.ok()) return Named(name, count.status());
  if (absl::Status status = CheckSize(datatype, *count, bytes); !status.ok()) return Named(name, status);
  TensorValue value;
  value.name_ = std::move(name);
  value.datatype_ = datatype;
  value.shape_ = std::move(shape);
  value.bytes_ = std::move(bytes);
  return value;
}

absl::StatusOr<TensorValue> TensorValue::FromStrings(std::string name, std::vector<int64_t> shape,
                                                     const std::vector<std::string>& values) {
  absl::StatusOr<std::string> bytes = wire::EncodeBytes(values);
  if (!bytes.ok()) return Named(name, bytes.status());
  return FromBytes(std::move(name), Datatype::kBytes, std::move(shape), *std::move(bytes));
}

// The shape was checked when it came in.
int64_t TensorValue::num_elements() const { return *wire::ElementCount(shape_); }

template <typename T>
absl::StatusOr<std::vector<T>> TensorValue::Values() const {
  if (absl::Status status = CheckDatatype(DatatypeOf<T>()); !status.ok()) return status;
  if constexpr (std::is_same_v<T, bool>) {
    std::vector<bool> values;
    for (const char byte : bytes_) values.push_back(byte != 0);
    return values;
  } else {
    std::vector<T> values(bytes_.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes_.data(), bytes_.size());
    return values;
  }
}

absl::StatusOr<std::vector<std::string>> TensorValue::Strings() const {
  if (absl::Status status = CheckDatatype(Datatype::kBytes); !status.ok()) return status;
  const absl::StatusOr<std::vector<std::string_view>> elements = wire::DecodeBytes(bytes_, num_elements());
  if (!elements.ok()) return Named(name_, elements.status());
  return std::vector<std::string>(elements->begin(), elements->end());
}

std::string TensorValue::ReleaseBytes() && {
  shape_ = {0};
  return std::exchange(bytes_, {});
}

absl::Status TensorValue::CheckDatatype(Datatype wanted) const {
  if (wanted == datatype_) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tensor '", name_, "': expected to be read as ",
                                                 wire::Describe(datatype_).name, ", got ",
                                                 wire::Describe(wanted).name));
}

template absl::StatusOr<std::vector<bool>> TensorValue::Values<bool>() const;
#define BEAK_CLIENT_ELEMENT(T)                                                                                       \
  template absl::StatusOr<TensorValue> TensorValue::Of<T>(std::string, std::vector<int64_t>, const std::vector<T>&); \
  template absl::StatusOr<TensorValue> TensorValue::FromSpan<T>(std::string, std::vector<int64_t>,                   \
                                                                absl::Span<const T>);                                \
  template absl::StatusOr<std::vector<T>> TensorValue::Values<T>() const
BEAK_CLIENT_ELEMENT(uint8_t);
BEAK_CLIENT_ELEMENT(uint16_t);
BEAK_CLIENT_ELEMENT(uint32_t);
BEAK_CLIENT_ELEMENT(uint64_t);
BEAK_CLIENT_ELEMENT(int8_t);
BEAK_CLIENT_ELEMENT(int16_t);
BEAK_CLIENT_ELEMENT(int32_t);
BEAK_CLIENT_ELEMENT(int64_t);
BEAK_CLIENT_ELEMENT(float);
BEAK_CLIENT_ELEMENT(double);
#undef BEAK_CLIENT_ELEMENT

}  // namespace beak::client
