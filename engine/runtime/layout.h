#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/tensor/dtype.h"
#include "engine/tensor/shape.h"

namespace beak {

// How a backend lays out the elements of one tensor when they are not plain row-major: blocked channels, packed
// weights ... *Immutable.* One description belongs to one dtype and one shape.
class OpaqueLayout {
 public:
  virtual ~OpaqueLayout() = default;
  virtual size_t byte_size() const = 0;
  virtual bool Equals(const OpaqueLayout& other) const = 0;
  // "onednn aBcd16b": for profiles.
  virtual std::string ToString() const = 0;
  // Between plain row-major bytes and this layout; Pack writes every byte, padding included. Done once for weights.
  virtual void Pack(const std::byte* plain, std::byte* packed) const = 0;
  virtual void Unpack(const std::byte* packed, std::byte* plain) const = 0;
};

// The layout of one tensor's elements in memory. A value type.
class Layout {
 public:
  Layout() = default;
  static Layout Plain(DType dtype, const Shape& shape) { return Layout(SizeOf(dtype) * NumElements(shape), nullptr); }
  static Layout Opaque(std::shared_ptr<const OpaqueLayout> opaque) {
    const size_t bytes = opaque->byte_size();
    return Layout(bytes, std::move(opaque));
  }

  bool plain() const { return opaque_ == nullptr; }
  size_t byte_size() const { return byte_size_; }
  const OpaqueLayout* opaque() const { return opaque_.get(); }
  std::string ToString() const { return opaque_ ? opaque_->ToString() : "plain"; }

  friend bool operator==(const Layout& a, const Layout& b) {
    if (a.plain() || b.plain()) return a.plain() && b.plain() && a.byte_size_ == b.byte_size_;
    return a.opaque_ == b.opaque_ || a.opaque_->Equals(*b.opaque_);
  }

 private:
  Layout(size_t byte_size, std::shared_ptr<const OpaqueLayout> opaque)
      : byte_size_(byte_size), opaque_(std::move(opaque)) {}

  size_t byte_size_ = 0;
  std::shared_ptr<const OpaqueLayout> opaque_;
};

}  // namespace beak
