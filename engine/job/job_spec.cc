#include "engine/job/job_spec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/formats/beak/parse_text.h"
#include "engine/job/check_spec.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr size_t kMaxModelName = 255;  // a folder's name
constexpr size_t kMaxLines = 100;      // that are told

}  // namespace

absl::StatusOr<v1::TrainJobSpec> ParseJob(const std::string& text) {
  v1::TrainJobSpec spec;
  RETURN_IF_ERROR(ParseText(text, kMaxJobTextBytes, spec));
  return spec;
}

absl::StatusOr<v1::TrainJobSpec> ReadJobFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxJobTextBytes));
  absl::StatusOr<v1::TrainJobSpec> spec = ParseJob(text);
  if (!spec.ok()) return Annotate(spec.status(), absl::StrCat("'", path, "'"));
  return spec;
}

std::vector<std::string> CheckSpec(const v1::TrainJobSpec& spec) {
  std::vector<std::string> lines;
  if (!IsModelName(spec.model())) lines.push_back(BadModelName("model", spec.model()));
  CheckNetwork(spec, lines);
  AddLines("", CheckDataSet(spec.data()), lines);
  CheckInputs(spec, lines);
  CheckTraining(spec, lines);
  CheckPublish(spec, lines);
  if (lines.size() > kMaxLines) {
    const size_t more = lines.size() - kMaxLines;
    lines.resize(kMaxLines);
    lines.push_back(absl::StrCat("job: expected no more fields that are wrong, got ", more));
  }
  return lines;
}

bool IsModelName(const std::string& name) {
  const auto legal = [](char c) { return c > ' ' && c <= '~' && c != '/'; };
  return !name.empty() && name.size() <= kMaxModelName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), legal);
}

std::string BadModelName(const std::string& place, const std::string& name) {
  return absl::StrCat(place, ": expected 1 to ", kMaxModelName,
                      " printable characters without blanks and slashes, the first no '.', got ",
                      network_format::Quoted(name));
}

void NeedHeldOutData(const v1::TrainJobSpec& spec, const std::string& place, std::vector<std::string>& lines) {
  if (spec.data().held_out_data_case() != v1::DataSet::HELD_OUT_DATA_NOT_SET) return;
  lines.push_back(absl::StrCat(place, ": expected data.held_out or data.hold_out with it, got neither"));
}

void AddLines(const std::string& place, const std::vector<std::string>& from, std::vector<std::string>& lines) {
  for (const std::string& line : from) lines.push_back(absl::StrCat(place, line));
}

}  // namespace beak
