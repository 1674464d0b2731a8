#include "engine/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A file of format version 1 with this header.
std::string File(const std::string& header, const std::string& data = "") {
  std::string file("\x93NUMPY\1\0", 8);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  return file + header + data;
}

// What numpy.save writes for numpy.arange(3, dtype=numpy.int16).
const std::string kNumpyFile =
    File("{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }" + std::string(60, ' ') + "\n",
         std::string("\0\0\1\0\2\0", 6));

void ExpectRefused(const std::string& header, const std::string& message) {
  EXPECT_THAT(ParseNpy(File(header)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message))) << header;
}

TEST(ParseNpyTest, ReadsWhatNumpyWrites) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, ParseNpy(kNumpyFile));
  EXPECT_EQ(tensor.dtype(), DType::kInt16);
  EXPECT_THAT(tensor.shape(), ElementsAre(3));
  EXPECT_THAT(tensor.values<int16_t>(), ElementsAre(0, 1, 2));
}

TEST(FormatNpyTest, WritesWhatNumpyWrites) { EXPECT_EQ(FormatNpy(Tensor::Of<int16_t>({3}, {0, 1, 2})), kNumpyFile); }

TEST(FormatNpyTest, EveryTypeAndRankComesBack) {
  const Shape shapes[] = {{}, {4}, {2, 2}, {0}, {3, 0, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2}};
  for (const Shape& shape : shapes) {
    for (int i = 0; i <= static_cast<int>(DType::kFloat64); ++i) {
      const DType dtype = static_cast<DType>(i);
      ASSERT_OK_AND_ASSIGN(Tensor tensor, Tensor::Create(dtype, shape));
      for (size_t b = 0; b < tensor.byte_size(); ++b) tensor.mutable_bytes()[b] = std::byte{b % 2 == 0};
      const std::string file = FormatNpy(tensor);
      EXPECT_EQ((file.size() - tensor.byte_size()) % 64, 0u) << "the data must be aligned";
      ASSERT_OK_AND_ASSIGN(const Tensor back, ParseNpy(file));
      EXPECT_EQ(back.dtype(), dtype);
      EXPECT_EQ(back.shape(), shape);
      EXPECT_EQ(FormatNpy(back), file) << NameOf(dtype) << ToString(shape);
    }
  }
}

TEST(ParseNpyTest, ReadsVersions2And3) {
  for (const char version : {'\2', '\3'}) {
    const std::string header = "{'descr':'|u1','fortran_order':False,'shape':()}";
    std::string file("\x93NUMPY", 6);
    file.append({version, '\0', static_cast<char>(header.size()), '\0', '\0', '\0'});
    ASSERT_OK_AND_ASSIGN(const Tensor tensor, ParseNpy(file + header + "\7"));
    EXPECT_THAT(tensor.values<uint8_t>(), ElementsAre(7));
  }
}

TEST(ParseNpyTest, TransposesFortranOrder) {
  // [[0, 1, 2], [3, 4, 5]], columns first.
  const std::string data("\0\3\1\4\2\5", 6);
  ASSERT_OK_AND_ASSIGN(const Tensor tensor,
                       ParseNpy(File("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", data)));
  EXPECT_THAT(tensor.shape(), ElementsAre(2, 3));
  EXPECT_THAT(tensor.values<uint8_t>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ParseNpyTest, ReadsKeysInAnyOrderAndEitherQuote) {
  EXPECT_OK(ParseNpy(File("{\"shape\":(1,),\"fortran_order\":False,\"descr\":\"|i1\"}", "x")));
}

TEST(ParseNpyTest, EmptyArraysHaveNoData) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor,
                       ParseNpy(File("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 0), }")));
  EXPECT_THAT(tensor.values<float>(), IsEmpty());
}

TEST(ParseNpyTest, EveryTruncationIsAnError) {
  for (size_t size = 0; size < kNumpyFile.size(); ++size) {
    EXPECT_THAT(ParseNpy(kNumpyFile.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
  EXPECT_THAT(ParseNpy(kNumpyFile + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 6 bytes of data")));
}

TEST(ParseNpyTest, SaysWhatItDoesNotRead) {
  ExpectRefused("{'descr': '>f4', 'fortran_order': False, 'shape': ()}", "big-endian");
  ExpectRefused("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", "descr: expected one of");
  ExpectRefused("{'descr': '|O', 'fortran_order': False, 'shape': ()}", "descr: expected one of");
  ExpectRefused("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': ()}", "structured");
  EXPECT_THAT(ParseNpy(std::string("\x93NUMPY\4\0\0\0\0\0", 12)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 4")));
}

TEST(ParseNpyTest, RefusesHeadersThatAreWrong) {
  ExpectRefused("", "dictionary");
  ExpectRefused("[]", "dictionary");
  ExpectRefused("{}", "expected the keys");
  ExpectRefused("{'descr': '<f4', 'shape': ()}", "expected the keys");
  ExpectRefused("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", "once");
  ExpectRefused("{'x': '<f4'}", "nothing else");
  ExpectRefused("{'descr' '<f4'}", "':'");
  ExpectRefused("{'descr: '<f4'}", "header");
  ExpectRefused("{'descr': '<f4' 'shape'", "',' or '}'");
  ExpectRefused("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "True or False");
  ExpectRefused("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "nothing after");
  ExpectRefused("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "tuple");
  ExpectRefused("{'descr': '<f4', 'fortran_order': False, 'shape': (3", "',' or ')'");
}

TEST(ParseNpyTest, RefusesShapesThatAreWrong) {
  const auto shape = [](const std::string& text) {
    return "{'descr': '<f4', 'fortran_order': False, 'shape': (" + text + ")}";
  };
  ExpectRefused(shape("-1,"), "whole number");
  ExpectRefused(shape("1.5,"), "',' or ')'");
  ExpectRefused(shape("99999999999999999999,"), "fits 64 bits");
  ExpectRefused(shape("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"), "at most 16");
  EXPECT_THAT(ParseNpy(File(shape("4294967296, 4294967296"))), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ParseNpyTest, AHeaderMayNotClaimMemoryThatTheFileHasNot) {
  ExpectRefused("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}", "expected 4000000000 bytes");
  std::string file("\x93NUMPY\2\0\xff\xff\xff\xff", 12);
  EXPECT_THAT(ParseNpy(file), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("header of at most")));
}

TEST(ParseNpyTest, BoolsAreZeroOrOne) {
  const std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}";
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, ParseNpy(File(header, std::string("\0\1", 2))));
  EXPECT_THAT(tensor.values<bool>(), ElementsAre(false, true));
  EXPECT_THAT(ParseNpy(File(header, "\1\2")), StatusIs(absl::StatusCode::kInvalidArgument, EndsWith("got 2")));
}

}  // namespace
}  // namespace beak
