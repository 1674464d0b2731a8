#include "engine/data/schema.h"

#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace beak::data {
namespace {

std::string TypeAndShape(DType dtype, const std::string& shape) { return absl::StrCat(NameOf(dtype), " ", shape); }

bool Agree(const PartialShape& known, const Shape& shape) {
  if (known.size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (known[i].known() && known[i].value() != shape[i]) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<size_t> FindField(const Schema& schema, const std::string& name) {
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    if (schema.fields[i].name == name) return i;
  }
  const auto format = [](std::string* out, const Field& field) { absl::StrAppend(out, "'", field.name, "'"); };
  return absl::InvalidArgumentError(
      absl::StrCat("data set: expected a field '", name, "', got ", absl::StrJoin(schema.fields, ", ", format)));
}

std::string Describe(const Schema& schema) {
  return absl::StrJoin(schema.fields, ", ", [](std::string* out, const Field& field) {
    absl::StrAppend(out, field.name, " ", TypeAndShape(field.dtype, ToString(field.shape)));
    if (field.num_classes > 0) absl::StrAppend(out, " of ", field.num_classes, " classes");
  });
}

absl::Status CheckFits(const Field& field, const Tensor& tensor) {
  if (tensor.dtype() == field.dtype && Agree(field.shape, tensor.shape())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("field '", field.name, "': expected ",
                                                 TypeAndShape(field.dtype, ToString(field.shape)), ", got ",
                                                 TypeAndShape(tensor.dtype(), ToString(tensor.shape()))));
}

}  // namespace beak::data
