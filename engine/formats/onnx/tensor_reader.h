#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak::onnx_schema {
class TensorProto;
}

namespace beak::onnx_format {

// Turns the TensorProtos of one model into tensors. *Thread-compatible.*
class TensorReader {
 public:
  // `folder`: where external data may lie; empty refuses it.
  explicit TensorReader(std::string folder) : folder_(std::move(folder)) {}

  // Takes the bytes out of `proto` where they can be used as they are. Texts begin with what is wrong, not with the
  // tensor's name. DATA_LOSS where there are more or fewer values than the shape has elements; RESOURCE_EXHAUSTED when
  // the tensors read so far pass limits::kMaxModelWeightsBytes together.
  absl::StatusOr<Tensor> Read(onnx_schema::TensorProto& proto);

 private:
  const std::string folder_;
  int64_t total_bytes_ = 0;
};

}  // namespace beak::onnx_format
