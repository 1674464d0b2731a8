#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/shape.h"
#include "server/models/signature.h"
#include "server/predict/request.h"

namespace beak {

// A request that a model can run: what belongs to whom is settled. Inputs are in the network's order.
struct ValidRequest {
  int64_t rows = 1;               // 1 where the model has no batch dimension
  std::vector<Shape> row_shapes;  // as the network sees them, without the batch dimension
  std::vector<std::span<const std::byte>> data;

  struct Output {
    int index = 0;  // in the signature
    int64_t classes = 0;
  };
  std::vector<Output> outputs;
};

// Rows of one request at most, whatever the model.
inline constexpr int64_t kMaxRequestRows = 65'536;

// Checks a request against a model: names, element types, ranks, sizes, rows and bytes; every input once, every wanted
// output at most once. INVALID_ARGUMENT naming the tensor, RESOURCE_EXHAUSTED for one that no machine could hold. What
// the bytes say is not looked at: NaN and infinity are data.
absl::StatusOr<ValidRequest> Validate(const Signature& signature, bool split, const std::vector<InputTensor>& inputs,
                                      const std::vector<RequestedOutput>& outputs);

}  // namespace beak
