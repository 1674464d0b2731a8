#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace beak {

// A block of bytes with one size for life: aligned to 64 bytes when allocated here. *Thread-compatible*; owned through
// shared_ptr, const once shared.
class Buffer {
 public:
  static constexpr size_t kAlignment = 64;

  // Uninitialised memory; a null data() only for zero bytes. Aborts when the machine has no memory left:
  // sizes are checked against limits first.
  static std::shared_ptr<Buffer> Allocate(size_t bytes);
  // Takes a string's bytes over without copying: how weights leave a parsed file. Aligned to 16 bytes only.
  static std::shared_ptr<Buffer> Adopt(std::string bytes);

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Buffer() = default;

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  void* allocation_ = nullptr;  // owns the bytes when they were allocated
  std::string adopted_;         // owns them when they were adopted
};

}  // namespace beak
