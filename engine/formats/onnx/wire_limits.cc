#include "engine/formats/onnx/wire_limits.h"

#include <climits>
#include <cstdint>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace beak::onnx_format {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Messages and strings; a hundred thousand nodes with twenty names and attributes each.
constexpr int64_t kMaxRecords = 2'000'000;
// An integer takes at least one byte in the file and eight in memory.
constexpr int64_t kMaxIntegerBytes = limits::kMaxTensorBytes / 8;

enum Kind {
  kModel,
  kOpset,
  kFunction,
  kGraph,
  kNode,
  kAttribute,
  kValueInfo,
  kType,
  kTensorType,
  kShape,
  kDim,
  kTensor,
  kEntry,
  kIntegers
};

// Which fields of onnx_schema.proto are messages of their own, or lists of integers.
struct Child {
  Kind parent;
  int field;
  Kind kind;
};

constexpr Child kChildren[] = {
    {kModel, 7, kGraph},     {kModel, 8, kOpset},      {kModel, 14, kEntry},       {kModel, 25, kFunction},
    {kGraph, 1, kNode},      {kGraph, 5, kTensor},     {kGraph, 11, kValueInfo},   {kGraph, 12, kValueInfo},
    {kNode, 5, kAttribute},  {kAttribute, 5, kTensor}, {kAttribute, 8, kIntegers}, {kValueInfo, 2, kType},
    {kType, 1, kTensorType}, {kTensorType, 2, kShape}, {kShape, 1, kDim},          {kTensor, 1, kIntegers},
    {kTensor, 5, kIntegers}, {kTensor, 7, kIntegers},  {kTensor, 11, kIntegers},   {kTensor, 13, kEntry},
};

const Child* FindChild(Kind parent, int field) {
  for (const Child& child : kChildren) {
    if (child.parent == parent && child.field == field) return &child;
  }
  return nullptr;
}

class Walker {
 public:
  absl::Status Walk(CodedInputStream& stream, Kind kind) {
    while (const uint32_t tag = stream.ReadTag()) {
      const Child* child = FindChild(kind, WireFormatLite::GetTagFieldNumber(tag));
      if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        RETURN_IF_ERROR(WalkDelimited(stream, child));
      } else {
        const int before = stream.CurrentPosition();
        if (!WireFormatLite::SkipField(&stream, tag)) return Broken();
        if (child != nullptr && child->kind == kIntegers) integer_bytes_ += stream.CurrentPosition() - before;
      }
      RETURN_IF_ERROR(CheckLimits());
    }
    return stream.ConsumedEntireMessage() ? absl::OkStatus() : Broken();
  }

 private:
  static absl::Status Broken() { return absl::DataLossError("protobuf: truncated or corrupt"); }

  absl::Status WalkDelimited(CodedInputStream& stream, const Child* child) {
    ++records_;
    int length;
    if (!stream.ReadVarintSizeAsInt(&length) || length > stream.BytesUntilLimit()) return Broken();
    if (child == nullptr || child->kind == kIntegers) {
      if (child != nullptr) integer_bytes_ += length;
      return stream.Skip(length) ? absl::OkStatus() : Broken();
    }
    const CodedInputStream::Limit limit = stream.PushLimit(length);
    RETURN_IF_ERROR(Walk(stream, child->kind));
    stream.PopLimit(limit);
    return absl::OkStatus();
  }

  absl::Status CheckLimits() const {
    if (records_ > kMaxRecords) {
      return absl::ResourceExhaustedError(
          absl::StrCat("file: expected at most ", kMaxRecords, " messages and strings"));
    }
    if (integer_bytes_ > kMaxIntegerBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("file: expected at most ", kMaxIntegerBytes, " bytes of integers"));
    }
    return absl::OkStatus();
  }

  int64_t records_ = 0;
  int64_t integer_bytes_ = 0;
};

absl::Status CheckWire(const std::string& bytes, Kind kind) {
  if (bytes.size() > INT_MAX) {
    return absl::ResourceExhaustedError(absl::StrCat("file: expected at most ", INT_MAX, " bytes, got ", bytes.size()));
  }
  CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  // A limit around everything, so that BytesUntilLimit always has an answer.
  stream.PushLimit(static_cast<int>(bytes.size()));
  return Walker().Walk(stream, kind);
}

}  // namespace

absl::Status CheckModelWire(const std::string& bytes) { return CheckWire(bytes, kModel); }
absl::Status CheckTensorWire(const std::string& bytes) { return CheckWire(bytes, kTensor); }

}  // namespace beak::onnx_format
