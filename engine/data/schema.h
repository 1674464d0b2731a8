#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak::data {

// The most classes that a field's values may be of.
inline constexpr int64_t kMaxClasses = 1'000'000;

// One tensor of every sample: its name, and what is known of it before a sample is read. A value type.
struct Field {
  std::string name;
  DType dtype = DType::kFloat32;
  PartialShape shape;  // of one sample; a dimension that differs from sample to sample is unknown

  // Where the values are classes 0 .. num_classes-1; 0: they are something else.
  int64_t num_classes = 0;
  std::vector<std::string> class_names;  // one a class, or empty where they have no names

  // Of a field that is a vector, what its values are called: a table's columns. Empty where they have no names.
  std::vector<std::string> value_names;
};

// What every sample of a data set holds: nothing is assumed but that each is the same set of named tensors. A value
// type.
struct Schema {
  std::vector<Field> fields;
};

// One tensor a field, in the schema's order.
using Sample = std::vector<Tensor>;

// The number of the field called `name`; INVALID_ARGUMENT, which says what fields there are, where there is none.
absl::StatusOr<size_t> FindField(const Schema& schema, const std::string& name);

// "image uint8 [28, 28], label int64 [] of 10 classes"
std::string Describe(const Schema& schema);

// INVALID_ARGUMENT unless `tensor` has the field's type and a shape that agrees with what is known of its.
absl::Status CheckFits(const Field& field, const Tensor& tensor);

}  // namespace beak::data
