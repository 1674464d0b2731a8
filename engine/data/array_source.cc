#include "engine/data/array_source.h"

#include <cstring>
#include <memory>
#include <utility>

#include "engine/base/status.h"

namespace beak::data {
namespace {

Shape ShapeOfSample(const Tensor& values) { return Shape(values.shape().begin() + 1, values.shape().end()); }

class ArraySource final : public Source {
 public:
  ArraySource(std::vector<Column> columns, SkippedSamples skipped)
      : columns_(std::move(columns)), skipped_(std::move(skipped)) {
    for (const Column& column : columns_) {
      schema_.fields.push_back({column.name, column.values.dtype(), ToPartial(ShapeOfSample(column.values))});
      schema_.fields.back().value_names = column.value_names;
    }
  }

  const Schema& schema() const override { return schema_; }
  int64_t size() const override { return columns_[0].values.shape()[0]; }
  const SkippedSamples& skipped() const override { return skipped_; }

  absl::StatusOr<Tensor> ReadField(int64_t index, size_t field) const override {
    const Tensor& values = columns_[field].values;
    ASSIGN_OR_RETURN(Tensor row, Tensor::Create(values.dtype(), ShapeOfSample(values)));
    const size_t bytes = row.byte_size();
    if (bytes > 0) std::memcpy(row.mutable_bytes(), values.bytes() + static_cast<size_t>(index) * bytes, bytes);
    return row;
  }

 private:
  const std::vector<Column> columns_;
  Schema schema_;
  const SkippedSamples skipped_;
};

absl::Status CheckColumn(const std::vector<Column>& columns, size_t i) {
  const Shape& shape = columns[i].values.shape();
  const std::string place = absl::StrCat("field '", columns[i].name, "'");
  if (shape.empty())
    return absl::InvalidArgumentError(absl::StrCat(place, ": expected one value a sample, got a scalar"));
  if (shape[0] == 0) return absl::InvalidArgumentError(absl::StrCat(place, ": expected at least one sample, got none"));
  const int64_t samples = columns[0].values.shape()[0];
  if (shape[0] != samples) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected ", samples, " samples as field '", columns[0].name, "' has, got ", shape[0]));
  }
  for (size_t j = 0; j < i; ++j) {
    if (columns[j].name == columns[i].name) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected each field once"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourcePtr> MakeArraySource(std::vector<Column> columns, SkippedSamples skipped) {
  if (columns.empty()) return absl::InvalidArgumentError("data set: expected at least one field, got none");
  for (size_t i = 0; i < columns.size(); ++i) RETURN_IF_ERROR(CheckColumn(columns, i));
  return std::make_shared<ArraySource>(std::move(columns), std::move(skipped));
}

}  // namespace beak::data
