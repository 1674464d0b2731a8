// Tensors as requests and responses carry them, typed or raw, to and from checked views. Nothing is read from a
// message before its sizes agree. Functions are free of state and may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/wire/datatype.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
}  // namespace inference

namespace beak::wire {

// More dimensions than this are refused; no network has a tenth of them.
inline constexpr int kMaxRank = 64;

// A tensor whose shape and bytes agree: the bytes of shape's elements in row-major order, little-endian; BYTES elements
// as a 32-bit length and that many bytes. Move-only. Points into the message it was decoded from, which must outlive
// it, except where the elements had to be rewritten (`storage` is set then). Bytes may be unaligned for their type.
struct TensorView {
  Datatype datatype = Datatype::kFp32;
  std::vector<int64_t> shape;
  std::string_view bytes;
  std::unique_ptr<char[]> storage;
};

// The number of elements of a shape, 1 for []. INVALID_ARGUMENT for more than kMaxRank dimensions, for a negative one,
// and where the product leaves int64.
absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape);

// Views of a request's inputs, in its order. Errors name the input: INVALID_ARGUMENT for an unknown datatype, a shape
// that ElementCount refuses, contents that are both raw and typed, a number of bytes or elements that is not the
// shape's, typed contents in another field than the datatype's, a value out of the datatype's range, BYTES whose
// lengths do not add up; UNIMPLEMENTED for a tensor in shared memory.
absl::StatusOr<std::vector<TensorView>> DecodeInputs(const inference::ModelInferRequest& request);

// Views of a response's outputs, in its order. A response that does not hold together is INTERNAL: the server is wrong.
absl::StatusOr<std::vector<TensorView>> DecodeOutputs(const inference::ModelInferResponse& response);

// Add a tensor with raw contents and return the string to put its bytes in; the message owns it. The caller sees to it
// that they are as many as the shape says, and that all inputs of a request are added this way.
std::string* AddInput(std::string_view name, Datatype datatype, absl::Span<const int64_t> shape,
                      inference::ModelInferRequest* request);
std::string* AddOutput(std::string_view name, Datatype datatype, absl::Span<const int64_t> shape,
                       inference::ModelInferResponse* response);

// Raw contents of a BYTES tensor: a 32-bit length before each element. INVALID_ARGUMENT for an element of 4 GiB or
// more.
absl::StatusOr<std::string> EncodeBytes(absl::Span<const std::string> elements);

// The `count` elements of such contents, as views into them. INVALID_ARGUMENT where they are not exactly `count`.
absl::StatusOr<std::vector<std::string_view>> DecodeBytes(std::string_view contents, int64_t count);

}  // namespace beak::wire
