#include "client/cli/class_scores.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "engine/base/status.h"

namespace beak::cli {
namespace {

constexpr int64_t kMaxClasses = 100'000;

absl::StatusOr<ClassScore> ParseClass(const std::string& text) {
  ClassScore result;
  // A label may have colons of its own.
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 2));
  if (parts.size() < 2 || !absl::SimpleAtod(parts[0], &result.score) || !absl::SimpleAtoi(parts[1], &result.index)) {
    return absl::InvalidArgumentError(absl::StrCat("class: expected 'value:index:label', got '", text, "'"));
  }
  if (parts.size() == 3) result.label = parts[2];
  return result;
}

}  // namespace

int64_t CountClasses(const client::TensorMetadata& output, int max_batch_size) {
  const std::vector<std::string> floats = {"FP16", "FP32", "FP64"};
  if (std::find(floats.begin(), floats.end(), output.datatype) == floats.end()) return 0;
  std::vector<int64_t> item = output.shape;
  const bool has_batch = max_batch_size > 0 || (item.size() > 1 && (item[0] == 1 || item[0] == -1));
  if (has_batch && !item.empty()) item.erase(item.begin());
  item.erase(std::remove(item.begin(), item.end(), 1), item.end());
  if (item.size() != 1 || item[0] < 2 || item[0] > kMaxClasses) return 0;
  return item[0];
}

absl::StatusOr<std::vector<std::vector<ClassScore>>> ParseClasses(const client::TensorValue& output) {
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, output.Strings());
  const std::vector<int64_t>& shape = output.shape();
  const size_t per_row = shape.empty() ? 1 : static_cast<size_t>(shape.back());
  std::vector<std::vector<ClassScore>> rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i % per_row == 0) rows.emplace_back();
    ASSIGN_OR_RETURN(rows.back().emplace_back(), ParseClass(texts[i]));
  }
  return rows;
}

}  // namespace beak::cli
