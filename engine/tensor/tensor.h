#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/check.h"
#include "engine/tensor/buffer.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/shape.h"

namespace beak {

// A dense row-major (for images: NCHW) tensor: a type, a shape and the bytes, which copies share. A value type;
// write only to a tensor that nobody else holds.
class Tensor {
 public:
  Tensor() = default;

  // Uninitialised, or why it cannot be: see CheckedByteSize.
  static absl::StatusOr<Tensor> Create(DType dtype, Shape shape);
  // REQUIRES: buffer->size() is the byte size of (dtype, shape).
  static absl::StatusOr<Tensor> FromBuffer(DType dtype, Shape shape, std::shared_ptr<Buffer> buffer);
  // A type and a shape without bytes: what is left of a constant whose bytes went elsewhere. bytes() must not be
  // called.
  static Tensor WithoutBytes(DType dtype, Shape shape) {
    Tensor tensor;
    tensor.dtype_ = dtype;
    tensor.shape_ = std::move(shape);
    return tensor;
  }
  // REQUIRES: values.size() == NumElements(shape), and a shape that CheckedByteSize accepts. For tests and constants.
  template <typename T>
  static Tensor Of(Shape shape, const std::vector<T>& values);
  template <typename T>
  static Tensor Scalar(T value) {
    return Of<T>({}, {value});
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return static_cast<int>(shape_.size()); }
  int64_t num_elements() const { return NumElements(shape_); }
  bool has_bytes() const { return buffer_ != nullptr; }
  size_t byte_size() const { return buffer_ ? buffer_->size() : 0; }

  const std::byte* bytes() const { return buffer_->data(); }
  std::byte* mutable_bytes() { return buffer_->data(); }

  // The elements. REQUIRES: T is the C++ type of dtype() (uint16_t for float16).
  template <typename T>
  std::span<const T> values() const {
    return {reinterpret_cast<const T*>(buffer_->data()), static_cast<size_t>(num_elements())};
  }
  template <typename T>
  std::span<T> mutable_values() {
    return {reinterpret_cast<T*>(buffer_->data()), static_cast<size_t>(num_elements())};
  }

  // The same bytes under another shape. REQUIRES: the same number of elements.
  Tensor Reshaped(Shape shape) const;

  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }

 private:
  DType dtype_ = DType::kFloat32;
  Shape shape_ = {0};
  std::shared_ptr<Buffer> buffer_;
};

// The elements as 64-bit integers, for shapes, axes and the like; INVALID_ARGUMENT unless int32 or int64.
absl::StatusOr<std::vector<int64_t>> ToInt64s(const Tensor& tensor);

// The elements in another type, as ONNX's Cast means it: float to integer truncates (out of range saturates, NaN is
// 0), anything to bool is `!= 0`.
absl::StatusOr<Tensor> CastTo(const Tensor& tensor, DType dtype);
// The same for `count` elements in memory, into memory that does not overlap.
void CastElements(DType from, const std::byte* in, DType to, std::byte* out, int64_t count);

template <typename T>
Tensor Tensor::Of(Shape shape, const std::vector<T>& values) {
  absl::StatusOr<Tensor> tensor = Create(DTypeOf<T>(), std::move(shape));
  BEAK_CHECK(tensor.ok() && tensor->num_elements() == static_cast<int64_t>(values.size()));
  std::span<T> out = tensor->mutable_values<T>();
  for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return *std::move(tensor);
}

}  // namespace beak
