#include "server/predict/average.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tensor/shape.h"

namespace beak {
namespace {

template <typename T>
double Load(const char* data, size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

double LoadElement(DType dtype, const std::string& data, size_t i) {
  if (dtype == DType::kFloat32) return Load<float>(data.data(), i);
  if (dtype == DType::kFloat64) return Load<double>(data.data(), i);
  uint16_t half;
  std::memcpy(&half, data.data() + i * sizeof(half), sizeof(half));
  return HalfToFloat(half);
}

template <typename T>
void Store(T value, size_t i, std::string& data) {
  std::memcpy(data.data() + i * sizeof(T), &value, sizeof(T));
}

void StoreElement(DType dtype, double value, size_t i, std::string& data) {
  if (dtype == DType::kFloat32) return Store(static_cast<float>(value), i, data);
  if (dtype == DType::kFloat64) return Store(value, i, data);
  Store(FloatToHalf(static_cast<float>(value)), i, data);
}

}  // namespace

absl::Status Average(const std::vector<const OutputTensor*>& tensors, const std::vector<double>& weights,
                     OutputTensor* mean) {
  const OutputTensor& first = *tensors[0];
  if (!first.dtype || !IsFloat(*first.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("output '", first.name, "': expected floating-point numbers"));
  }
  for (const OutputTensor* tensor : tensors) {
    if (tensor->dtype == first.dtype && tensor->shape == first.shape) continue;
    return absl::InvalidArgumentError(absl::StrCat("output '", first.name, "': expected all members to give shape ",
                                                   ToString(first.shape), " of one type, got ",
                                                   ToString(tensor->shape)));
  }
  *mean = {first.name, first.dtype, first.shape, std::string(first.data.size(), '\0'), {}};
  const size_t elements = first.data.size() / SizeOf(*first.dtype);
  for (size_t i = 0; i < elements; ++i) {
    double sum = 0;
    for (size_t t = 0; t < tensors.size(); ++t) sum += weights[t] * LoadElement(*first.dtype, tensors[t]->data, i);
    StoreElement(*first.dtype, sum, i, mean->data);
  }
  return absl::OkStatus();
}

}  // namespace beak
