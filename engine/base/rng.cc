#include "engine/base/rng.h"

namespace beak {
namespace {

// The last two words of the counter tell what it is used for.
constexpr uint32_t kDraw = 0;
constexpr uint32_t kFork = 1;

std::array<uint64_t, 2> Words(uint64_t key, uint64_t index, uint32_t use) {
  const std::array<uint32_t, 4> out =
      Philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), use, 0},
                 {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  return {out[0] | uint64_t{out[1]} << 32, out[2] | uint64_t{out[3]} << 32};
}

// True with probability exp(-z) for z in [0, 1], without computing it: von Neumann's method. A run of uniforms, each
// less than the one before and the first less than z, has at least n members with probability z^n / n!, so an even
// number of them with 1 - z + z^2/2! - ...
bool BernoulliExpMinus(Rng& rng, double z) {
  bool even = true;
  for (double last = z;; even = !even) {
    const double next = rng.Uniform();
    if (next >= last) return even;
    last = next;
  }
}

// k = 0, 1, ... with probability proportional to exp(-k / 2).
int HalfGeometric(Rng& rng) {
  int k = 0;
  while (BernoulliExpMinus(rng, 0.5)) ++k;
  return k;
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Rng Rng::Fork(uint64_t n) const { return Rng(Words(state_.key, n, kFork)[0]); }

uint64_t Rng::Next() {
  const uint64_t odd = state_.position % 2;
  if (odd == 0 || !has_block_) {
    block_ = Words(state_.key, state_.position / 2, kDraw);
    has_block_ = true;
  }
  ++state_.position;
  return block_[odd];
}

double Rng::Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

// Lemire, "Fast random integer generation in an interval" (2019): the high word of n times a random word, which is
// drawn again where its low word lies in the part that would favour some results.
uint64_t Rng::Below(uint64_t n) {
  using Wide = unsigned __int128;
  Wide product = Wide{Next()} * n;
  if (static_cast<uint64_t>(product) < n) {
    const uint64_t excess = -n % n;  // 2^64 modulo n
    while (static_cast<uint64_t>(product) < excess) product = Wide{Next()} * n;
  }
  return static_cast<uint64_t>(product >> 64);
}

double Rng::Normal() {
  while (true) {
    const int k = HalfGeometric(*this);
    // Turns exp(-k / 2) into exp(-k^2 / 2).
    bool accepted = true;
    for (int i = 0; i < k * (k - 1) && accepted; ++i) accepted = BernoulliExpMinus(*this, 0.5);
    // And k^2 into (k + x)^2, in k + 1 steps whose exponent is at most 1.
    const double x = Uniform();
    for (int i = 0; i <= k && accepted; ++i) accepted = BernoulliExpMinus(*this, x * (2 * k + x) / (2 * k + 2));
    if (!accepted) continue;
    return (Next() & 1) != 0 ? k + x : -(k + x);
  }
}

}  // namespace beak
