#include "engine/data/subset.h"

#include <memory>
#include <utility>

#include "engine/base/status.h"

namespace beak::data {
namespace {

class View final : public Source {
 public:
  View(SourcePtr source, std::vector<int64_t> indices, Schema schema, SkippedSamples skipped)
      : source_(std::move(source)),
        indices_(std::move(indices)),
        schema_(std::move(schema)),
        skipped_(std::move(skipped)) {}

  const Schema& schema() const override { return schema_; }
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  const SkippedSamples& skipped() const override { return skipped_; }

  absl::StatusOr<Tensor> ReadField(int64_t index, size_t field) const override {
    return source_->ReadField(indices_[static_cast<size_t>(index)], field);
  }

 private:
  const SourcePtr source_;
  const std::vector<int64_t> indices_;
  const Schema schema_;
  const SkippedSamples skipped_;
};

}  // namespace

absl::StatusOr<SourcePtr> MakeSubset(SourcePtr source, std::vector<int64_t> indices) {
  if (indices.empty()) return absl::InvalidArgumentError("subset: expected at least one sample, got none");
  std::vector<bool> taken(static_cast<size_t>(source->size()));
  for (const int64_t index : indices) {
    if (index < 0 || index >= source->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("subset: expected samples 0 to ", source->size() - 1, ", got ", index));
    }
    if (taken[static_cast<size_t>(index)]) {
      return absl::InvalidArgumentError(absl::StrCat("subset: expected each sample once, got ", index, " twice"));
    }
    taken[static_cast<size_t>(index)] = true;
  }
  Schema schema = source->schema();
  SkippedSamples skipped = source->skipped();
  return MakeView(std::move(source), std::move(indices), std::move(schema), std::move(skipped));
}

SourcePtr MakeView(SourcePtr source, std::vector<int64_t> indices, Schema schema, SkippedSamples skipped) {
  return std::make_shared<View>(std::move(source), std::move(indices), std::move(schema), std::move(skipped));
}

}  // namespace beak::data
