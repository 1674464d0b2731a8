#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace beak {

// The random function that Rng is made of: four random words for every counter and key, each bit of which changes all
// of them. Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Random numbers whose bits follow from a seed alone: no machine, compiler or standard library changes them, for they
// are made of integer operations, comparisons and exactly rounded arithmetic. Two numbers are the whole state, so that
// a checkpoint can hold it. A value type. *Thread-compatible*; what must not depend on the thread forks its own.
class Rng {
 public:
  struct State {
    uint64_t key = 0;
    uint64_t position = 0;  // how many words have been drawn

    friend bool operator==(const State&, const State&) = default;
  };

  explicit Rng(uint64_t seed) : Rng(State{seed, 0}) {}
  explicit Rng(const State& state) : state_(state) {}

  State state() const { return state_; }

  // The generator that belongs to number `n` under this one: independent of it, of every other, and of what has been
  // drawn. Rng(seed).Fork(epoch).Fork(sample) is the same whoever asks, and when.
  Rng Fork(uint64_t n) const;

  // 64 random bits.
  uint64_t Next();

  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform();
  // Uniform from `low` up to `high`, which rounding may reach. REQUIRES: low <= high, a finite difference.
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  // Uniform in 0 .. n-1, without bias. REQUIRES: n > 0.
  uint64_t Below(uint64_t n);

  // True with probability `p`; never for 0, always for 1.
  bool Bernoulli(double p) { return Uniform() < p; }

  // Normal, mean 0 and variance 1: exact in distribution but for the 53 bits of its fraction. About a dozen words.
  // Karney, "Sampling exactly from the normal distribution" (2016), algorithm N.
  double Normal();

  // Every order is equally likely (Fisher and Yates).
  template <typename T>
  void Shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[Below(i)]);
  }

 private:
  State state_;
  std::array<uint64_t, 2> block_ = {};  // the words at position rounded down to even, once one of them was drawn
  bool has_block_ = false;
};

}  // namespace beak
