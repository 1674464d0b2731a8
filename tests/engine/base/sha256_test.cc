#include "engine/base/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace beak {
namespace {

std::string HexOf(const std::string& text) {
  Sha256 sha;
  sha.Update(text.data(), text.size());
  return ToHex(sha.Finish());
}

// NIST's examples for FIPS 180-4 and its long message of a million "a".
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(HexOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(HexOf(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Around the sizes where the padding needs a block of its own; what sha256sum says of as many "x".
TEST(Sha256Test, EverySizeOfTheLastBlock) {
  EXPECT_EQ(HexOf(std::string(55, 'x')), "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
  EXPECT_EQ(HexOf(std::string(56, 'x')), "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
  EXPECT_EQ(HexOf(std::string(63, 'x')), "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2");
  EXPECT_EQ(HexOf(std::string(64, 'x')), "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
  EXPECT_EQ(HexOf(std::string(119, 'x')), "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c");
  EXPECT_EQ(HexOf(std::string(120, 'x')), "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98");
}

TEST(Sha256Test, PiecesDoNotMatter) {
  const std::string text = "the quick brown fox jumps over the lazy dog, again and again and again, until it is tired";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Sha256 sha;
    for (size_t at = 0; at < text.size(); at += piece) sha.Update(text.data() + at, std::min(piece, text.size() - at));
    EXPECT_EQ(ToHex(sha.Finish()), HexOf(text)) << piece;
  }
}

}  // namespace
}  // namespace beak
