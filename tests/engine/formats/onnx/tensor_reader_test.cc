#include "engine/formats/onnx/tensor_reader.h"

#include <gtest/gtest.h>

#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::TensorProto;
using ::testing::ElementsAre;
using testing::FloatTensor;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kDataLoss = absl::StatusCode::kDataLoss;

absl::StatusOr<Tensor> Read(TensorProto proto, const std::string& folder = "") {
  return TensorReader(folder).Read(proto);
}

TensorProto Proto(int type, std::vector<int64_t> dims) {
  TensorProto proto;
  proto.set_data_type(type);
  proto.mutable_dims()->Add(dims.begin(), dims.end());
  return proto;
}

TensorProto Raw(int type, std::vector<int64_t> dims, const std::string& bytes) {
  TensorProto proto = Proto(type, std::move(dims));
  proto.set_raw_data(bytes);
  return proto;
}

// A tensor of bytes in a file.
TensorProto External(std::vector<std::pair<std::string, std::string>> entries, int64_t size) {
  TensorProto proto = Proto(2, {size});
  proto.set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  return proto;
}

TEST(TensorReaderTest, ReadsEveryTypeFromItsTypedField) {
  const auto int32s = [](int type, std::vector<int32_t> values) {
    TensorProto proto = Proto(type, {static_cast<int64_t>(values.size())});
    proto.mutable_int32_data()->Add(values.begin(), values.end());
    return Read(proto).value();
  };
  EXPECT_THAT(Read(FloatTensor({2}, {1, -2}))->values<float>(), ElementsAre(1, -2));
  EXPECT_THAT(int32s(2, {0, 255}).values<uint8_t>(), ElementsAre(0, 255));
  EXPECT_THAT(int32s(3, {-128, 127}).values<int8_t>(), ElementsAre(-128, 127));
  EXPECT_THAT(int32s(4, {0, 65535}).values<uint16_t>(), ElementsAre(0, 65535));
  EXPECT_THAT(int32s(5, {-32768}).values<int16_t>(), ElementsAre(-32768));
  EXPECT_THAT(int32s(6, {-7}).values<int32_t>(), ElementsAre(-7));
  EXPECT_THAT(int32s(9, {0, 1, 7}).values<bool>(), ElementsAre(false, true, true));
  EXPECT_EQ(HalfToFloat(int32s(10, {0x3e00}).values<uint16_t>()[0]), 1.5f);

  TensorProto doubles = Proto(11, {});
  doubles.add_double_data(0.1);
  EXPECT_THAT(Read(doubles)->values<double>(), ElementsAre(0.1));
  TensorProto unsigned32 = Proto(12, {1});
  unsigned32.add_uint64_data(0xffffffff);
  EXPECT_THAT(Read(unsigned32)->values<uint32_t>(), ElementsAre(0xffffffff));
  TensorProto unsigned64 = Proto(13, {1});
  unsigned64.add_uint64_data(~uint64_t{0});
  EXPECT_THAT(Read(unsigned64)->values<uint64_t>(), ElementsAre(~uint64_t{0}));
}

TEST(TensorReaderTest, ReadsRawData) {
  EXPECT_THAT(Read(Raw(5, {2}, std::string("\x01\x00\xff\xff", 4)))->values<int16_t>(), ElementsAre(1, -1));
  EXPECT_THAT(Read(Raw(9, {3}, std::string("\x00\x01\x80", 3)))->values<uint8_t>(), ElementsAre(0, 1, 1));
  ASSERT_OK_AND_ASSIGN(const Tensor large, Read(Raw(2, {100, 100}, std::string(10000, 'b'))));
  EXPECT_EQ(large.byte_size(), 10000u);
  EXPECT_EQ(large.values<uint8_t>()[9999], 'b');
}

TEST(TensorReaderTest, ATensorWithoutElementsStoresNothing) {
  EXPECT_EQ(Read(Proto(1, {0, 3}))->num_elements(), 0);
  EXPECT_EQ(Read(Raw(1, {3, 0}, ""))->num_elements(), 0);
}

TEST(TensorReaderTest, MoreOrFewerValuesThanElementsAreDataLoss) {
  EXPECT_THAT(Read(FloatTensor({3}, {1, 2})), StatusIs(kDataLoss, HasSubstr("values: expected 3, got 2")));
  EXPECT_THAT(Read(FloatTensor({1}, {1, 2})), StatusIs(kDataLoss));
  EXPECT_THAT(Read(Proto(1, {})), StatusIs(kDataLoss));
  EXPECT_THAT(Read(Raw(1, {2}, "1234567")), StatusIs(kDataLoss, HasSubstr("raw data: expected 8 bytes, got 7")));
  TensorProto wrong_field = Proto(7, {1});
  wrong_field.add_int32_data(1);
  EXPECT_THAT(Read(wrong_field), StatusIs(kDataLoss));
}

TEST(TensorReaderTest, ShapesAreCheckedBeforeAnythingIsAllocated) {
  EXPECT_THAT(Read(Proto(1, {-1})), StatusIs(kInvalid));
  EXPECT_THAT(Read(Proto(1, {int64_t{1} << 40})), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(Read(Proto(1, {int64_t{1} << 32, int64_t{1} << 32, 0, 7})).ok());
  EXPECT_FALSE(Read(Proto(1, {int64_t{1} << 62, 4, 4})).ok());
  EXPECT_FALSE(Read(Proto(1, std::vector<int64_t>(100, 1))).ok());
  // A claim of 4 GiB with nothing behind it.
  EXPECT_THAT(Read(Proto(1, {1 << 30})), StatusIs(kDataLoss));
}

TEST(TensorReaderTest, TypesThatWeLackAreNamed) {
  EXPECT_THAT(Read(Proto(8, {})), StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("element type string")));
  EXPECT_THAT(Read(Proto(16, {})), StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("bfloat16")));
  EXPECT_THAT(Read(Proto(0, {})), StatusIs(kInvalid));
  EXPECT_THAT(Read(Proto(27, {})), StatusIs(kInvalid));
  EXPECT_THAT(Read(Proto(-1, {})), StatusIs(kInvalid));
}

TEST(TensorReaderTest, ValuesLieInOneField) {
  TensorProto two = FloatTensor({1}, {1});
  two.set_raw_data("1234");
  EXPECT_THAT(Read(two), StatusIs(kInvalid, HasSubstr("expected in one field")));
  TensorProto segmented = FloatTensor({1}, {1});
  segmented.set_segment("");
  EXPECT_THAT(Read(segmented), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(TensorReaderTest, ReadsExternalData) {
  const testing::TempDir folder;
  folder.Write("sub/weights.bin", "0123456789");
  const auto read = [&](std::vector<std::pair<std::string, std::string>> entries, int64_t size) {
    return Read(External(std::move(entries), size), folder.path());
  };
  ASSERT_OK_AND_ASSIGN(const Tensor part,
                       read({{"location", "sub/weights.bin"}, {"offset", "2"}, {"length", "3"}, {"checksum", "?"}}, 3));
  EXPECT_THAT(part.values<uint8_t>(), ElementsAre('2', '3', '4'));
  EXPECT_THAT(read({{"location", "sub/weights.bin"}}, 10), IsOk());
  EXPECT_THAT(read({{"location", "sub/weights.bin"}}, 11), StatusIs(kDataLoss, HasSubstr("got a file of 10")));
  EXPECT_THAT(read({{"location", "sub/weights.bin"}, {"offset", "9223372036854775807"}}, 3), StatusIs(kDataLoss));
  EXPECT_THAT(read({{"location", "sub/weights.bin"}, {"offset", "-1"}}, 3), StatusIs(kInvalid));
  EXPECT_THAT(read({{"location", "sub/weights.bin"}, {"length", "4"}}, 3), StatusIs(kInvalid));
  EXPECT_THAT(read({{"offset", "0"}}, 3), StatusIs(kInvalid, HasSubstr("expected a path as 'location'")));
  EXPECT_THAT(Read(External({{"location", "sub/weights.bin"}}, 3)), StatusIs(kInvalid, HasSubstr("not allowed")));
}

TEST(TensorReaderTest, AllTensorsTogetherHaveALimit) {
  const testing::TempDir folder;
  folder.Write("w", "");
  std::filesystem::resize_file(folder / "w", int64_t{4} << 30);  // sparse: takes no room
  TensorReader reader(folder.path());
  // Three tensors of which only the sum is too much; none is read, for the file is said to be shorter.
  TensorProto proto = External({{"location", "w"}, {"length", "1"}}, int64_t{3} << 30);
  TensorProto second = proto;
  TensorProto third = proto;
  EXPECT_THAT(reader.Read(proto), StatusIs(kInvalid));
  EXPECT_THAT(reader.Read(second), StatusIs(kInvalid));
  EXPECT_THAT(reader.Read(third), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace beak::onnx_format
