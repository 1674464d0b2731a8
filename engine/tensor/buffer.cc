#include "engine/tensor/buffer.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace beak {

std::shared_ptr<Buffer> Buffer::Allocate(size_t bytes) {
  std::shared_ptr<Buffer> buffer(new Buffer());
  if (bytes == 0) return buffer;
  BEAK_CHECK(bytes <= std::numeric_limits<size_t>::max() - kAlignment);
  // aligned_alloc wants a multiple of the alignment.
  buffer->allocation_ = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  BEAK_CHECK(buffer->allocation_ != nullptr);
  buffer->data_ = static_cast<std::byte*>(buffer->allocation_);
  buffer->size_ = bytes;
  return buffer;
}

std::shared_ptr<Buffer> Buffer::Adopt(std::string bytes) {
  // A short string keeps its bytes inside itself, where nothing aligns them.
  if (bytes.size() < kAlignment) {
    std::shared_ptr<Buffer> copy = Allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(copy->data(), bytes.data(), bytes.size());
    return copy;
  }
  std::shared_ptr<Buffer> buffer(new Buffer());
  buffer->adopted_ = std::move(bytes);
  buffer->data_ = reinterpret_cast<std::byte*>(buffer->adopted_.data());
  buffer->size_ = buffer->adopted_.size();
  return buffer;
}

Buffer::~Buffer() { std::free(allocation_); }

}  // namespace beak
