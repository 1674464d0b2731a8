#include "engine/runtime/constant_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/engine/support/run_graph.h"

namespace beak {
namespace {

// A layout that stores bytes backwards: enough to see who packs and unpacks.
class Reversed final : public OpaqueLayout {
 public:
  explicit Reversed(size_t bytes) : bytes_(bytes) {}
  size_t byte_size() const override { return bytes_; }
  bool Equals(const OpaqueLayout& other) const override { return dynamic_cast<const Reversed*>(&other) != nullptr; }
  std::string ToString() const override { return "reversed"; }
  void Pack(const std::byte* plain, std::byte* packed) const override {
    std::reverse_copy(plain, plain + bytes_, packed);
  }
  void Unpack(const std::byte* packed, std::byte* plain) const override { Pack(packed, plain); }

 private:
  size_t bytes_;
};

class ConstantStoreTest : public ::testing::Test {
 protected:
  ConstantStoreTest() {
    large_ = testing::RandomTensor({64, 64}, 1);
    graph_.AddConstant("large", testing::RandomTensor({64, 64}, 1));  // its own bytes: the store counts who holds them
    graph_.AddConstant("small", Tensor::Of<float>({2}, {1, 2}));
  }

  bool IsLarge(const Buffer& buffer) const { return std::memcmp(buffer.data(), large_.bytes(), buffer.size()) == 0; }

  Graph graph_{"g"};
  Tensor large_;
  const Layout plain_ = Layout::Plain(DType::kFloat32, {64, 64});
  const Layout reversed_ = Layout::Opaque(std::make_shared<Reversed>(64 * 64 * 4));
};

TEST_F(ConstantStoreTest, TakesLargeConstantsAndLeavesSmallOnes) {
  ConstantStore store(graph_);
  EXPECT_FALSE(graph_.value(0).constant->has_bytes());
  EXPECT_EQ(graph_.value(0).constant->shape(), (Shape{64, 64}));
  EXPECT_TRUE(graph_.value(1).constant->has_bytes());
  EXPECT_EQ(store.byte_size(), 64 * 64 * 4);
  EXPECT_EQ(store.Get("small", plain_), nullptr);
}

TEST_F(ConstantStoreTest, ALayoutIsPackedOnceAndShared) {
  ConstantStore store(graph_);
  const auto packed = store.Get("large", reversed_);
  EXPECT_EQ(store.Get("large", reversed_), packed);
  EXPECT_FALSE(IsLarge(*packed));
  EXPECT_EQ(store.byte_size(), 2 * 64 * 64 * 4) << "plain and packed";
}

TEST_F(ConstantStoreTest, ThePlainCopyGoesAndComesBackWhenItIsAskedFor) {
  ConstantStore store(graph_);
  {
    const auto packed = store.Get("large", reversed_);
    store.DropUnused();
    EXPECT_EQ(store.byte_size(), 64 * 64 * 4) << "the plain copy is dropped";
  }
  store.DropUnused();
  EXPECT_EQ(store.byte_size(), 64 * 64 * 4) << "one copy always stays";
  EXPECT_TRUE(IsLarge(*store.Get("large", plain_)));
}

}  // namespace
}  // namespace beak
