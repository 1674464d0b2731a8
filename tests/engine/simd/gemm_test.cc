#include "engine/simd/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace beak::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> Random(int64_t count, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(bits()) / 4294967296.0f - 0.5f;
  return values;
}

struct Matrices {
  Matrices(int64_t m, int64_t k, int64_t n, Isa isa)
      : packing(k, n, isa),
        a(Random(m * k, 1)),
        b(Random(k * n, 2)),
        bias(Random(n, 3)),
        packed(packing.packed_elements()) {
    packing.Pack(b.data(), n, 1, packed.data());
  }

  std::vector<float> Multiply(int64_t first_row, int64_t rows, float lower = -kInfinity,
                              float upper = kInfinity) const {
    std::vector<float> c(static_cast<size_t>(rows * packing.n()), 12345.0f);
    GemmArguments arguments{
        rows, a.data() + first_row * packing.k(), packing.k(), packed.data(), bias.data(), c.data(), packing.n(), lower,
        upper};
    Gemm(packing, arguments, 0, packing.num_panels());
    return c;
  }

  GemmPacking packing;
  std::vector<float> a, b, bias, packed;
};

class GemmTest : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    // The baseline is everywhere; a machine without the others runs them nowhere else either.
    if (GetParam() > BestIsa()) GTEST_SKIP() << "this machine has no " << IsaName(GetParam());
  }
};

TEST_P(GemmTest, AgreesWithPlainLoopsInDoublePrecision) {
  for (const int64_t m : {1, 2, 5, 6, 7, 13}) {
    for (const int64_t n : {1, 7, 8, 15, 16, 63, 64, 65, 130, 200}) {
      const int64_t k = 37;
      const Matrices matrices(m, k, n, GetParam());
      const std::vector<float> c = matrices.Multiply(0, m);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double expected = matrices.bias[j];
          for (int64_t x = 0; x < k; ++x) expected += double{matrices.a[i * k + x]} * matrices.b[x * n + j];
          // 37 products of numbers below 1/2: a few float32 roundings of at most 2^-23 * 10.
          ASSERT_NEAR(c[i * n + j], expected, 4e-6) << m << "x" << k << "x" << n << " at " << i << "," << j;
        }
      }
    }
  }
}

TEST_P(GemmTest, ARowHasTheSameBitsInEveryBatch) {
  const int64_t n = 150;
  const Matrices matrices(16, 300, n, GetParam());
  const std::vector<float> all = matrices.Multiply(0, 16);
  for (const int64_t rows : {1, 2, 3, 5, 8, 11}) {
    for (int64_t first = 0; first + rows <= 16; ++first) {
      const std::vector<float> some = matrices.Multiply(first, rows);
      ASSERT_EQ(std::memcmp(some.data(), all.data() + first * n, some.size() * sizeof(float)), 0)
          << rows << " rows from " << first;
    }
  }
}

TEST_P(GemmTest, PanelsMayBeComputedApart) {
  const Matrices matrices(3, 20, 200, GetParam());
  const std::vector<float> all = matrices.Multiply(0, 3);
  std::vector<float> c(all.size());
  GemmArguments arguments{3,   matrices.a.data(), 20,       matrices.packed.data(), matrices.bias.data(), c.data(),
                          200, -kInfinity,        kInfinity};
  for (int64_t panel = matrices.packing.num_panels(); panel-- > 0;) Gemm(matrices.packing, arguments, panel, panel + 1);
  EXPECT_EQ(c, all);
}

TEST_P(GemmTest, ClampsAndKeepsNan) {
  Matrices matrices(2, 9, 70, GetParam());
  matrices.a[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> c = matrices.Multiply(0, 2, 0.0f, 0.25f);
  for (int64_t j = 0; j < 70; ++j) {
    EXPECT_TRUE(std::isnan(c[j])) << "NaN in row 0 must reach column " << j;
    EXPECT_GE(c[70 + j], 0.0f);
    EXPECT_LE(c[70 + j], 0.25f);
  }
}

TEST_P(GemmTest, UnpackGivesBackWhatPackTook) {
  const GemmPacking packing(5, 70, GetParam());
  const std::vector<float> b = Random(5 * 70, 4);
  std::vector<float> packed(packing.packed_elements()), again(b.size());
  packing.Pack(b.data(), 1, 5, packed.data());  // transposed: [n, k]
  packing.Unpack(packed.data(), 1, 5, again.data());
  EXPECT_EQ(again, b);
}

INSTANTIATE_TEST_SUITE_P(Isas, GemmTest, ::testing::Values(Isa::kSse2, Isa::kAvx2, Isa::kAvx512),
                         [](const auto& isa) { return std::string(IsaName(isa.param)); });

}  // namespace
}  // namespace beak::simd
