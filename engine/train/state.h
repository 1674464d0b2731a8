#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// State written down: what a checkpoint keeps of an object, under names that mean something without the object. Numbers
// are finite, and whole up to 2^53 where they count; what is not known yet has no entry. A value type.
struct NamedState {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, double> numbers;
};

// Writes down `part` within `whole`, its names behind `prefix`. REQUIRES: nothing there has such a name.
void PutPart(const std::string& prefix, const NamedState& part, NamedState& whole);
// Takes all that is behind `prefix` out of `whole`.
NamedState TakePart(const std::string& prefix, NamedState& whole);

// A float32 tensor with one value everywhere; an error for shapes beyond the limits.
absl::StatusOr<Tensor> FilledTensor(const Shape& shape, float value);
// The same numbers in bytes of their own. REQUIRES: float32.
Tensor CopyOf(const Tensor& tensor);

// Reads state that may have come from a file. Each call that wants something absent, or something of another shape,
// type or range, notes so and returns a harmless value; Finish() tells all of it, and what nobody asked for, as one
// INVALID_ARGUMENT. So that an import changes its object only where everything was as it should be.
class StateReader {
 public:
  // REQUIRES: `state` outlives the reader.
  explicit StateReader(const NamedState& state) : state_(state) {}

  // float32 of that shape; without bytes where there is none such.
  Tensor TakeTensor(const std::string& name, const Shape& shape);
  // A finite number in [low, high].
  double TakeNumber(const std::string& name, double low, double high);
  // A whole number in [low, 2^53].
  int64_t TakeCount(const std::string& name, int64_t low = 0);
  bool Has(const std::string& number) const { return state_.numbers.contains(number); }

  absl::Status Finish();

 private:
  const NamedState& state_;
  std::vector<std::string> wrong_;
  size_t tensors_taken_ = 0;
  size_t numbers_taken_ = 0;
};

}  // namespace beak
