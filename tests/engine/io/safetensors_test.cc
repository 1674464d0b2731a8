#include "engine/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

// A file with this header and so many bytes of data, which count up from 0.
std::string File(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += header;
  for (size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i);
  return bytes;
}

constexpr char kTwo[] = R"({"__metadata__":{"step":"7"},"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},)"
                        R"("a":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]}}  )";

TEST(SafeTensorsTest, ReadsWhatOthersWrite) {
  ASSERT_OK_AND_ASSIGN(const SafeTensors contents, ParseSafeTensors(File(kTwo, 10)));
  EXPECT_THAT(contents.metadata, ElementsAre(std::pair("step", "7")));
  ASSERT_EQ(contents.tensors.size(), 2u);
  EXPECT_EQ(contents.tensors.at("a").shape(), (Shape{1, 2}));
  EXPECT_THAT(contents.tensors.at("a").values<int32_t>(), ElementsAre(0x03020100, 0x07060504));
  EXPECT_THAT(contents.tensors.at("b").values<uint8_t>(), ElementsAre(8, 9));
}

TEST(SafeTensorsTest, ReadsWhatItWrites) {
  SafeTensors contents;
  contents.metadata["note"] = "a \"quoted\" text";
  contents.tensors["weights/1"] = Tensor::Of<float>({2, 3}, {1, 2, 3, -4, 5.5, 6});
  contents.tensors["count"] = Tensor::Scalar<int64_t>(-1);
  contents.tensors["none"] = Tensor::Of<float>({0, 3}, {});
  contents.tensors["flags"] = Tensor::Of<bool>({3}, {true, false, true});
  const std::string bytes = FormatSafeTensors(contents);
  EXPECT_EQ(FormatSafeTensors(contents), bytes) << "always the same bytes";
  ASSERT_OK_AND_ASSIGN(const SafeTensors read, ParseSafeTensors(bytes));
  EXPECT_EQ(read.metadata, contents.metadata);
  ASSERT_EQ(read.tensors.size(), contents.tensors.size());
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor& other = read.tensors.at(name);
    EXPECT_EQ(other.dtype(), tensor.dtype()) << name;
    EXPECT_EQ(other.shape(), tensor.shape()) << name;
    const size_t size = tensor.byte_size();
    EXPECT_TRUE(size == 0 || std::memcmp(other.bytes(), tensor.bytes(), size) == 0) << name;
  }
}

TEST(SafeTensorsTest, BoolsAreZeroOrOne) {
  constexpr char kBools[] = R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]},)"
                            R"("b":{"dtype":"BOOL","shape":[1],"data_offsets":[2,3]}})";
  EXPECT_THAT(ParseSafeTensors(File(kBools, 3)),
              StatusIs(absl::StatusCode::kInvalidArgument, "tensor 'b': safetensors: bool: expected 0 or 1, got 2"));
}

TEST(SafeTensorsTest, WhatIsWrongIsSaid) {
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  const struct {
    std::string bytes;
    const char* expected;
  } cases[] = {
      {"", "expected 8 bytes and more, got 0"},
      {File(kTwo, 10).substr(0, 7), "expected 8 bytes"},
      {File(kTwo, 10).substr(0, 40), "header: expected at most 32 bytes"},
      {File(kTwo, 9), "expected 10 bytes behind the header, got 9"},
      {File(kTwo, 11), "expected 10 bytes behind the header, got 11"},
      {File("[]", 0), "expected a JSON object"},
      {File("{", 0), "expected a JSON object"},
      {File(R"({"a":1})", 0), "tensor 'a': safetensors: expected dtype, shape and data_offsets"},
      {File(R"({"__metadata__":{"a":1}})", 0), "metadata: expected an object of strings"},
      {File(entry("BF16", "[1]", "[0,2]"), 2), "dtype: expected an element type of the engine, got \"BF16\""},
      {File(entry("U8", "[-1]", "[0,1]"), 1), "shape: expected whole numbers"},
      {File(entry("U8", "[1.5]", "[0,1]"), 1), "shape: expected whole numbers"},
      {File(entry("U8", "2", "[0,2]"), 2), "shape: expected a list"},
      {File(entry("U8", "[2]", "[0,1]"), 1), "expected 2 bytes for shape [2], got 0 to 1"},
      {File(entry("U8", "[1]", "[1,0]"), 1), "expected 1 bytes for shape [1], got 1 to 0"},
      {File(entry("U8", "[1]", "[1,2]"), 2), "expected to begin at 0"},
      {File(entry("U8", "[1]", "[0]"), 1), "data_offsets: expected two numbers"},
      {File(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],)"
            R"("data_offsets":[0,1]}})",
            1),
       "expected each name once"},
      {File(std::string(100, '[') + std::string(100, ']'), 0), "expected a JSON object"},
      {File("{\"a\":" + std::string(1000, '[') + std::string(1000, ']') + "}", 0), "expected a JSON object"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(ParseSafeTensors(one.bytes).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(one.expected)))
        << one.bytes.substr(0, 100);
  }
}

TEST(SafeTensorsTest, NothingIsAllocatedForSizesThatAreNotThere) {
  const std::string header = R"({"a":{"dtype":"F64","shape":[4294967295,4294967295,4294967295],"data_offsets":[0,8]}})";
  EXPECT_THAT(ParseSafeTensors(File(header, 8)).status(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(ParseSafeTensors(File(R"({"a":{"dtype":"F64","shape":[1000000],"data_offsets":[0,8000000]}})", 8)).ok());
}

}  // namespace
}  // namespace beak
