#include "engine/tensor/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace beak {
namespace {

bool IsAligned(const void* pointer, size_t alignment) { return reinterpret_cast<uintptr_t>(pointer) % alignment == 0; }

TEST(BufferTest, AllocatesAlignedMemory) {
  for (const size_t bytes : {1, 63, 64, 65, 100'000}) {
    const std::shared_ptr<Buffer> buffer = Buffer::Allocate(bytes);
    EXPECT_EQ(buffer->size(), bytes);
    EXPECT_TRUE(IsAligned(buffer->data(), Buffer::kAlignment)) << bytes << " bytes";
    std::memset(buffer->data(), 1, bytes);
  }
}

TEST(BufferTest, ZeroBytesAreNoMemory) {
  const std::shared_ptr<Buffer> buffer = Buffer::Allocate(0);
  EXPECT_EQ(buffer->size(), 0u);
  EXPECT_EQ(buffer->data(), nullptr);
}

TEST(BufferTest, AdoptsAStringWithoutCopying) {
  std::string text(1000, 'x');
  const void* place = text.data();
  const std::shared_ptr<Buffer> buffer = Buffer::Adopt(std::move(text));
  EXPECT_EQ(buffer->data(), place);
  EXPECT_EQ(buffer->size(), 1000u);
}

TEST(BufferTest, AdoptsAShortString) {
  const std::shared_ptr<Buffer> buffer = Buffer::Adopt("abc");
  ASSERT_EQ(buffer->size(), 3u);
  EXPECT_EQ(std::memcmp(buffer->data(), "abc", 3), 0);
  EXPECT_TRUE(IsAligned(buffer->data(), 16));
}

}  // namespace
}  // namespace beak
