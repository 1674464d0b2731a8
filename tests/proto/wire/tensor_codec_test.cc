#include "proto/wire/tensor_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "proto/inference/open_inference.pb.h"

namespace beak::wire {
namespace {

using ::inference::ModelInferRequest;
using ::inference::ModelInferResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kHuge = int64_t{1} << 62;

// A request with one input 'x' without contents.
ModelInferRequest RequestFor(const std::string& datatype, const std::vector<int64_t>& shape) {
  ModelInferRequest request;
  auto* input = request.add_inputs();
  input->set_name("x");
  input->set_datatype(datatype);
  input->mutable_shape()->Assign(shape.begin(), shape.end());
  return request;
}

ModelInferRequest RawRequest(const std::string& datatype, const std::vector<int64_t>& shape, const std::string& raw) {
  ModelInferRequest request = RequestFor(datatype, shape);
  request.add_raw_input_contents(raw);
  return request;
}

template <typename T>
std::vector<T> ElementsOf(const TensorView& view) {
  std::vector<T> elements(view.bytes.size() / sizeof(T));
  std::memcpy(elements.data(), view.bytes.data(), view.bytes.size());
  return elements;
}

template <typename T>
std::string BytesOf(const std::vector<T>& elements) {
  return std::string(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
}

TensorView DecodeOne(const ModelInferRequest& request) {
  auto views = DecodeInputs(request);
  EXPECT_TRUE(views.ok()) << views.status();
  if (!views.ok() || views->size() != 1) return {};
  return std::move(views->front());
}

void ExpectRefused(const ModelInferRequest& request, const std::string& text,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  absl::Status status = DecodeInputs(request).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(text));
}

// ---------------------------------------------------------------- shapes

TEST(ElementCountTest, IsTheProduct) {
  EXPECT_EQ(ElementCount({}).value(), 1);
  EXPECT_EQ(ElementCount({2, 3, 4}).value(), 24);
  EXPECT_EQ(ElementCount({2, 0, 4}).value(), 0);
}

TEST(ElementCountTest, RefusesWhatIsNotAShape) {
  EXPECT_EQ(ElementCount({2, -1}).status().message(), "shape: expected dimensions of 0 or more, got [2, -1]");
  EXPECT_FALSE(ElementCount({kHuge, 2}).ok());
  EXPECT_FALSE(ElementCount({kHuge, kHuge, 0}).ok());
  EXPECT_FALSE(ElementCount(std::vector<int64_t>(kMaxRank + 1, 1)).ok());
  EXPECT_TRUE(ElementCount(std::vector<int64_t>(kMaxRank, 1)).ok());
}

// ---------------------------------------------------------------- raw contents

TEST(DecodeInputsTest, RawContentsAreViewedInPlace) {
  const ModelInferRequest request = RawRequest("FP32", {1, 2}, BytesOf<float>({1.5f, -2.0f}));
  const TensorView view = DecodeOne(request);
  EXPECT_EQ(view.datatype, Datatype::kFp32);
  EXPECT_THAT(view.shape, ElementsAre(1, 2));
  EXPECT_THAT(ElementsOf<float>(view), ElementsAre(1.5f, -2.0f));
  EXPECT_EQ(view.bytes.data(), request.raw_input_contents(0).data()) << "copied";
}

TEST(DecodeInputsTest, RawContentsOfEveryFixedSizeType) {
  for (const DatatypeInfo& info : AllDatatypes()) {
    if (info.byte_size == 0) continue;
    EXPECT_EQ(DecodeOne(RawRequest(info.name, {3}, std::string(3 * info.byte_size, '\1'))).bytes.size(),
              3 * info.byte_size);
    ExpectRefused(RawRequest(info.name, {3}, std::string(3 * info.byte_size + 1, '\1')), "input 'x': expected ");
  }
}

TEST(DecodeInputsTest, RawByteCountMustBeTheShapes) {
  ExpectRefused(RawRequest("FP32", {2, 3}, std::string(23, 'a')),
                "input 'x': expected 24 bytes for shape [2, 3] of FP32, got 23");
  ExpectRefused(RawRequest("FP64", {kHuge}, "12345678"), "input 'x': expected a tensor that can be addressed");
  ExpectRefused(RawRequest("UINT8", {kHuge, 4}, ""), "input 'x': shape: expected fewer than 2^63 elements");
  ExpectRefused(RawRequest("UINT8", {-1}, "a"), "input 'x': shape: expected dimensions of 0 or more, got [-1]");
}

TEST(DecodeInputsTest, EmptyTensorsAndScalars) {
  EXPECT_EQ(DecodeOne(RawRequest("FP32", {0, 3}, "")).bytes.size(), 0u);
  EXPECT_EQ(DecodeOne(RequestFor("FP16", {0})).bytes.size(), 0u);
  EXPECT_EQ(DecodeOne(RawRequest("INT32", {}, "abcd")).bytes, "abcd");
}

TEST(DecodeInputsTest, RawBoolsAreZeroOrOne) {
  EXPECT_EQ(DecodeOne(RawRequest("BOOL", {2}, std::string("\0\1", 2))).bytes.size(), 2u);
  ExpectRefused(RawRequest("BOOL", {2}, std::string("\0\2", 2)),
                "input 'x': element 1: expected a value of BOOL, got 2");
}

TEST(DecodeInputsTest, RawBytesElementsMustFillTheContents) {
  const std::string two = EncodeBytes({"ab", ""}).value();
  EXPECT_EQ(DecodeOne(RawRequest("BYTES", {2}, two)).bytes, two);
  ExpectRefused(RawRequest("BYTES", {3}, two), "input 'x': element 2 of 3: expected a length of 4 bytes, got 0");
  ExpectRefused(RawRequest("BYTES", {1}, two), "input 'x': expected 6 bytes for 1 elements, got 10");
  ExpectRefused(RawRequest("BYTES", {1}, "\xff\xff\xff\xff"), "element 0 of 1: expected 4294967295 bytes, got 0");
  ExpectRefused(RawRequest("BYTES", {kHuge}, ""), "element 0 of");
}

// ---------------------------------------------------------------- typed contents

TEST(DecodeInputsTest, TypedContentsOfTheirOwnWidthAreViewedInPlace) {
  ModelInferRequest request = RequestFor("INT64", {2});
  request.mutable_inputs(0)->mutable_contents()->add_int64_contents(7);
  request.mutable_inputs(0)->mutable_contents()->add_int64_contents(std::numeric_limits<int64_t>::min());
  const TensorView view = DecodeOne(request);
  EXPECT_THAT(ElementsOf<int64_t>(view), ElementsAre(7, std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(view.storage, nullptr) << "copied";
}

TEST(DecodeInputsTest, EveryTypedField) {
  ModelInferRequest request = RequestFor("BOOL", {1});
  request.mutable_inputs(0)->mutable_contents()->add_bool_contents(true);
  EXPECT_EQ(DecodeOne(request).bytes, "\1");

  request = RequestFor("INT32", {1});
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(-70000);
  EXPECT_THAT(ElementsOf<int32_t>(DecodeOne(request)), ElementsAre(-70000));

  request = RequestFor("UINT32", {1});
  request.mutable_inputs(0)->mutable_contents()->add_uint_contents(70000);
  EXPECT_THAT(ElementsOf<uint32_t>(DecodeOne(request)), ElementsAre(70000));

  request = RequestFor("UINT64", {1});
  request.mutable_inputs(0)->mutable_contents()->add_uint64_contents(uint64_t{1} << 63);
  EXPECT_THAT(ElementsOf<uint64_t>(DecodeOne(request)), ElementsAre(uint64_t{1} << 63));

  request = RequestFor("FP32", {1});
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(0.5f);
  EXPECT_THAT(ElementsOf<float>(DecodeOne(request)), ElementsAre(0.5f));

  request = RequestFor("FP64", {1});
  request.mutable_inputs(0)->mutable_contents()->add_fp64_contents(0.25);
  EXPECT_THAT(ElementsOf<double>(DecodeOne(request)), ElementsAre(0.25));

  request = RequestFor("BYTES", {2});
  request.mutable_inputs(0)->mutable_contents()->add_bytes_contents("ab");
  request.mutable_inputs(0)->mutable_contents()->add_bytes_contents("");
  EXPECT_EQ(DecodeOne(request).bytes, EncodeBytes({"ab", ""}).value());
}

TEST(DecodeInputsTest, SmallIntegersAreNarrowed) {
  ModelInferRequest request = RequestFor("INT8", {2});
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(-128);
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(127);
  EXPECT_THAT(ElementsOf<int8_t>(DecodeOne(request)), ElementsAre(-128, 127));

  request = RequestFor("UINT16", {1});
  request.mutable_inputs(0)->mutable_contents()->add_uint_contents(65535);
  EXPECT_THAT(ElementsOf<uint16_t>(DecodeOne(request)), ElementsAre(65535));
}

TEST(DecodeInputsTest, SmallIntegersOutOfRangeAreRefused) {
  for (int value : {128, -129}) {
    ModelInferRequest request = RequestFor("INT8", {1});
    request.mutable_inputs(0)->mutable_contents()->add_int_contents(value);
    ExpectRefused(request, "input 'x': element 0: expected a value of INT8, got " + std::to_string(value));
  }
  ModelInferRequest request = RequestFor("UINT8", {2});
  request.mutable_inputs(0)->mutable_contents()->add_uint_contents(255);
  request.mutable_inputs(0)->mutable_contents()->add_uint_contents(256);
  ExpectRefused(request, "input 'x': element 1: expected a value of UINT8, got 256");
}

TEST(DecodeInputsTest, TypedElementCountMustBeTheShapes) {
  ModelInferRequest request = RequestFor("FP32", {2, 2});
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  ExpectRefused(request, "input 'x': expected 4 elements for shape [2, 2] of FP32, got 1");
  ExpectRefused(RequestFor("FP32", {1}), "input 'x': expected 1 elements for shape [1] of FP32, got 0");
  ExpectRefused(RequestFor("INT8", {kHuge}), "got 0");
}

TEST(DecodeInputsTest, TypedContentsInAnotherFieldAreRefused) {
  ModelInferRequest request = RequestFor("FP32", {1});
  request.mutable_inputs(0)->mutable_contents()->add_fp64_contents(1);
  ExpectRefused(request, "input 'x': expected fp32_contents for FP32, got fp64_contents");
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  ExpectRefused(request, "input 'x': expected fp32_contents for FP32, got fp64_contents");
}

TEST(DecodeInputsTest, HalfPrecisionTravelsRawOnly) {
  for (const char* datatype : {"FP16", "BF16"}) {
    ModelInferRequest request = RequestFor(datatype, {1});
    request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
    ExpectRefused(request, "expected raw contents for " + std::string(datatype) + ", got fp32_contents");
    EXPECT_EQ(DecodeOne(RawRequest(datatype, {1}, "ab")).bytes, "ab");
  }
}

// ---------------------------------------------------------------- whole messages

TEST(DecodeInputsTest, RawAndTypedTogetherAreRefused) {
  ModelInferRequest request = RawRequest("INT32", {1}, "abcd");
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
  ExpectRefused(request, "input 'x': expected contents either typed or raw, got both");
}

TEST(DecodeInputsTest, EmptyTypedContentsBesideRawOnesAreNone) {
  ModelInferRequest request = RawRequest("INT32", {1}, "abcd");
  request.mutable_inputs(0)->mutable_contents();
  EXPECT_EQ(DecodeOne(request).bytes, "abcd");
}

TEST(DecodeInputsTest, RawEntriesPairWithInputs) {
  ModelInferRequest request = RawRequest("UINT8", {1}, "a");
  *request.add_inputs() = request.inputs(0);
  ExpectRefused(request, "raw_input_contents: expected 2 entries, one for each input, got 1");
  request.add_raw_input_contents("b");
  auto views = DecodeInputs(request);
  ASSERT_TRUE(views.ok()) << views.status();
  EXPECT_EQ((*views)[0].bytes, "a");
  EXPECT_EQ((*views)[1].bytes, "b");
}

TEST(DecodeInputsTest, NoInputsAreNoViews) { EXPECT_TRUE(DecodeInputs(ModelInferRequest())->empty()); }

TEST(DecodeInputsTest, UnknownDatatypeIsRefused) {
  ExpectRefused(RawRequest("FLOAT", {1}, "abcd"), "input 'x': datatype: expected one of");
}

TEST(DecodeInputsTest, SharedMemoryIsNotServed) {
  ModelInferRequest request = RequestFor("FP32", {1});
  (*request.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("region");
  ExpectRefused(request, "input 'x': expected contents in the message, got a shared_memory_region",
                absl::StatusCode::kUnimplemented);
}

TEST(DecodeOutputsTest, ReadsWhatAddOutputWrote) {
  ModelInferResponse response;
  *AddOutput("y", Datatype::kFp32, {1, 1}, &response) = BytesOf<float>({3.0f});
  *AddOutput("label", Datatype::kBytes, {1}, &response) = EncodeBytes({"cat"}).value();
  auto views = DecodeOutputs(response);
  ASSERT_TRUE(views.ok()) << views.status();
  EXPECT_EQ(response.outputs(0).name(), "y");
  EXPECT_THAT((*views)[0].shape, ElementsAre(1, 1));
  EXPECT_THAT(ElementsOf<float>((*views)[0]), ElementsAre(3.0f));
  EXPECT_THAT(DecodeBytes((*views)[1].bytes, 1).value(), ElementsAre("cat"));
}

TEST(DecodeOutputsTest, ABrokenResponseIsTheServersFault) {
  ModelInferResponse response;
  AddOutput("y", Datatype::kFp32, {2}, &response)->assign("abcd");
  absl::Status status = DecodeOutputs(response).status();
  EXPECT_EQ(status, absl::InternalError("response: output 'y': expected 8 bytes for shape [2] of FP32, got 4"));
}

TEST(AddInputTest, ReadsBack) {
  ModelInferRequest request;
  *AddInput("x", Datatype::kUint8, {2}, &request) = "ab";
  EXPECT_EQ(DecodeOne(request).bytes, "ab");
}

// ---------------------------------------------------------------- BYTES

TEST(BytesTest, RoundTrip) {
  const std::vector<std::string> elements = {"", "a", std::string("\0\xff", 2), std::string(1000, 'z')};
  const std::string contents = EncodeBytes(elements).value();
  auto decoded = DecodeBytes(contents, 4);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(std::vector<std::string>(decoded->begin(), decoded->end()), elements);
}

TEST(BytesTest, EveryCutIsRefused) {
  const std::string contents = EncodeBytes({"ab", "c"}).value();
  for (size_t size = 0; size < contents.size(); ++size) {
    EXPECT_FALSE(DecodeBytes(std::string_view(contents).substr(0, size), 2).ok()) << size;
  }
}

}  // namespace
}  // namespace beak::wire
