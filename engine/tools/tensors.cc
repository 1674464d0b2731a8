#include "engine/tools/tensors.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "absl/strings/str_format.h"
#include "engine/base/status.h"

namespace beak::tools {
namespace {

absl::StatusOr<std::vector<double>> ToDoubles(const Tensor& tensor) {
  ASSIGN_OR_RETURN(const Tensor wide, CastTo(tensor, DType::kFloat64));
  const std::span<const double> values = wide.values<double>();
  return std::vector<double>(values.begin(), values.end());
}

}  // namespace

absl::StatusOr<Tensor> MakeInput(DType dtype, const Shape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  if (IsFloat(dtype)) {
    ASSIGN_OR_RETURN(Tensor values, Tensor::Create(DType::kFloat32, shape));
    std::uniform_real_distribution<float> uniform(0, 1);
    for (float& value : values.mutable_values<float>()) value = uniform(random);
    return CastTo(values, dtype);
  }
  ASSIGN_OR_RETURN(Tensor values, Tensor::Create(dtype, shape));
  const uint64_t mask = dtype == DType::kUint8 ? 255 : dtype == DType::kBool ? 1 : 0;
  std::generate_n(values.mutable_bytes(), values.byte_size(), [&] { return static_cast<std::byte>(random() & mask); });
  return values;
}

std::string Summary(const Tensor& tensor) {
  const std::string type = absl::StrCat(NameOf(tensor.dtype()), " ", ToString(tensor.shape()));
  const absl::StatusOr<std::vector<double>> values = ToDoubles(tensor);
  if (!values.ok() || values->empty()) return type;
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
  double sum = 0;
  size_t finite = 0;
  for (const double value : *values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
    ++finite;
  }
  std::string summary = type;
  if (finite > 0)
    absl::StrAppendFormat(&summary, ": min %g, max %g, mean %g", low, high, sum / static_cast<double>(finite));
  if (finite < values->size()) absl::StrAppendFormat(&summary, ", %d not finite", values->size() - finite);
  return summary;
}

}  // namespace beak::tools
