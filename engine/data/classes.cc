#include "engine/data/classes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/status.h"
#include "engine/data/subset.h"

namespace beak::data {
namespace {

// The number of classes, where it is known or `labels` show it.
absl::StatusOr<int64_t> CountOf(const Classes& classes, const std::vector<int64_t>& labels) {
  const int64_t names = static_cast<int64_t>(classes.names.size());
  if (std::set<std::string>(classes.names.begin(), classes.names.end()).size() != classes.names.size()) {
    return absl::InvalidArgumentError("expected each class name once");
  }
  if (classes.count > 0 && names > 0 && names != classes.count) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", classes.count, " class names, got ", names));
  }
  if (classes.count > 0 || names > 0) return std::max(classes.count, names);
  const int64_t largest = *std::max_element(labels.begin(), labels.end());
  if (largest < 0 || largest >= kMaxClasses) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxClasses, " classes, numbered from 0, got ", largest, " as the largest"));
  }
  return largest + 1;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ReadScalars(const Source& source, const std::string& field) {
  ASSIGN_OR_RETURN(const size_t number, FindField(source.schema(), field));
  const Field& known = source.schema().fields[number];
  if (!IsInteger(known.dtype) || !known.shape.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("field '", field, "': expected one integer a sample, got ",
                                                   NameOf(known.dtype), " ", ToString(known.shape)));
  }
  std::vector<int64_t> values;
  values.reserve(static_cast<size_t>(source.size()));
  for (int64_t i = 0; i < source.size(); ++i) {
    ASSIGN_OR_RETURN(const Tensor value, source.ReadField(i, number));
    ASSIGN_OR_RETURN(const Tensor wide, CastTo(value, DType::kInt64));
    values.push_back(wide.values<int64_t>()[0]);
  }
  return values;
}

absl::StatusOr<SourcePtr> WithClasses(SourcePtr source, const std::string& field, Classes classes, OnBadSample on_bad) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> labels, ReadScalars(*source, field));
  const std::string place = absl::StrCat("field '", field, "'");
  const absl::StatusOr<int64_t> count = CountOf(classes, labels);
  if (!count.ok()) return Annotate(count.status(), place);
  SkippedSamples skipped = source->skipped();
  std::vector<int64_t> kept;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < *count) {
      kept.push_back(static_cast<int64_t>(i));
      continue;
    }
    RETURN_IF_ERROR(
        skipped.Report(absl::InvalidArgumentError(absl::StrCat(place, ": sample ", i, ": expected a class of 0 to ",
                                                               *count - 1, ", got ", labels[i])),
                       on_bad));
  }
  if (kept.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": expected at least one sample of a class, got none"));
  }
  Schema schema = source->schema();
  Field& known = schema.fields[*FindField(schema, field)];
  known.num_classes = *count;
  known.class_names = std::move(classes.names);
  return MakeView(std::move(source), std::move(kept), std::move(schema), std::move(skipped));
}

}  // namespace beak::data
