#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/wire/datatype.h"

namespace beak::client {

using wire::Datatype;

// A named tensor on its way to or from a server: elements in row-major order, little-endian. Its bytes always agree
// with its shape and datatype. A value type.
class TensorValue {
 public:
  // Empty, without a name: something to assign to.
  TensorValue() = default;

  // From elements of a C++ type: bool, (u)int8_t to (u)int64_t, float or double, each with the datatype of that name.
  // INVALID_ARGUMENT where the elements are not as many as the shape says.
  template <typename T>
  static absl::StatusOr<TensorValue> Of(std::string name, std::vector<int64_t> shape, const std::vector<T>& values);
  // The same from elements that lie elsewhere; not for bool.
  template <typename T>
  static absl::StatusOr<TensorValue> FromSpan(std::string name, std::vector<int64_t> shape, absl::Span<const T> values);

  // From bytes as they travel, for any datatype (FP16 and BF16 as their bits, BYTES with a 32-bit length before each
  // element). INVALID_ARGUMENT where they are not as many as the shape says.
  static absl::StatusOr<TensorValue> FromBytes(std::string name, Datatype datatype, std::vector<int64_t> shape,
                                               std::string bytes);

  // A BYTES tensor.
  static absl::StatusOr<TensorValue> FromStrings(std::string name, std::vector<int64_t> shape,
                                                 const std::vector<std::string>& values);

  const std::string& name() const { return name_; }
  Datatype datatype() const { return datatype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  const std::string& bytes() const { return bytes_; }
  int64_t num_elements() const;

  // A copy of the elements. INVALID_ARGUMENT unless T is the type that Of() takes for this datatype.
  template <typename T>
  absl::StatusOr<std::vector<T>> Values() const;

  // The elements of a BYTES tensor; INVALID_ARGUMENT for another.
  absl::StatusOr<std::vector<std::string>> Strings() const;

  // Gives the bytes away; what stays is empty.
  std::string ReleaseBytes() &&;

 private:
  absl::Status CheckDatatype(Datatype wanted) const;

  std::string name_;
  Datatype datatype_ = Datatype::kFp32;
  std::vector<int64_t> shape_ = {0};
  std::string bytes_;
};

}  // namespace beak::client
