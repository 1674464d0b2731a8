#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace beak {

// SHA-256 (FIPS 180-4): names contents by 256 bits of which no two are known to share any. For lineage, for finding
// what two data sets have in common, and for knowing tokens that are random by what they hash to: not for passwords,
// which can be guessed. *Thread-compatible.*
class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void Update(const void* bytes, size_t size);
  // Ends it: nothing may be called after this.
  Digest Finish();

 private:
  void Compress(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> block_ = {};
  uint64_t size_ = 0;  // of all that was given
};

// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256::Digest& digest);

}  // namespace beak
