#include "engine/train/state.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace beak {

void PutPart(const std::string& prefix, const NamedState& part, NamedState& whole) {
  for (const auto& [name, tensor] : part.tensors) whole.tensors.emplace(prefix + name, tensor);
  for (const auto& [name, number] : part.numbers) whole.numbers.emplace(prefix + name, number);
}

NamedState TakePart(const std::string& prefix, NamedState& whole) {
  NamedState part;
  const auto move = [&](auto& from, auto& to) {
    for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix);) {
      to.emplace(it->first.substr(prefix.size()), it->second);
      it = from.erase(it);
    }
  };
  move(whole.tensors, part.tensors);
  move(whole.numbers, part.numbers);
  return part;
}

absl::StatusOr<Tensor> FilledTensor(const Shape& shape, float value) {
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, shape));
  std::ranges::fill(tensor.mutable_values<float>(), value);
  return tensor;
}

Tensor CopyOf(const Tensor& tensor) {
  Tensor copy = *Tensor::Create(DType::kFloat32, tensor.shape());
  std::ranges::copy(tensor.values<float>(), copy.mutable_values<float>().begin());
  return copy;
}

Tensor StateReader::TakeTensor(const std::string& name, const Shape& shape) {
  const auto found = state_.tensors.find(name);
  if (found == state_.tensors.end()) {
    wrong_.push_back(absl::StrCat("'", name, "': expected a tensor, got none"));
    return Tensor();
  }
  ++tensors_taken_;
  const Tensor& tensor = found->second;
  if (tensor.dtype() == DType::kFloat32 && tensor.shape() == shape) return tensor;
  wrong_.push_back(absl::StrCat("'", name, "': expected float32 ", ToString(shape), ", got ", NameOf(tensor.dtype()),
                                " ", ToString(tensor.shape())));
  return Tensor();
}

double StateReader::TakeNumber(const std::string& name, double low, double high) {
  const auto found = state_.numbers.find(name);
  if (found == state_.numbers.end()) {
    wrong_.push_back(absl::StrCat("'", name, "': expected a number, got none"));
    return low;
  }
  ++numbers_taken_;
  const double number = found->second;
  if (std::isfinite(number) && number >= low && number <= high) return number;
  wrong_.push_back(absl::StrCat("'", name, "': expected a number in [", low, ", ", high, "], got ", number));
  return low;
}

int64_t StateReader::TakeCount(const std::string& name, int64_t low) {
  const double number = TakeNumber(name, static_cast<double>(low), 0x1p53);
  if (std::floor(number) != number) {
    wrong_.push_back(absl::StrCat("'", name, "': expected a whole number, got ", number));
    return low;
  }
  return static_cast<int64_t>(number);
}

absl::Status StateReader::Finish() {
  const size_t left = state_.tensors.size() - tensors_taken_ + state_.numbers.size() - numbers_taken_;
  if (wrong_.empty() && left > 0) wrong_.push_back(absl::StrCat("expected no other entries, got ", left));
  if (wrong_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(wrong_, "; "));
}

}  // namespace beak
