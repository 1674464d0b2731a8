#include "engine/job/result_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/job/evaluate.h"
#include "engine/job/model_config_text.h"

namespace beak {
namespace {

constexpr int64_t kMaxResultBytes = int64_t{64} << 20;

const char* ResizeName(v1::Resize::Mode mode) {
  switch (mode) {
    case v1::Resize::CROP:
      return "crop";
    case v1::Resize::STRETCH:
      return "stretch";
    default:
      return "fit";
  }
}

bool Changes(const v1::Transform& transform, const std::string& field) {
  if (transform.field().empty()) return field == "image";
  return std::ranges::find(transform.field(), field) != transform.field().end();
}

}  // namespace

ResultFolder::ResultFolder(const std::string& job_folder) : path_(absl::StrCat(job_folder, "/result")) {}

std::string ResultFolder::PathOf(const char* file) const { return absl::StrCat(path_, "/", file); }

bool ResultFolder::exists() const { return IsDirectory(path_); }

absl::Status ResultFolder::Write(const std::map<std::string, std::string>& files) const {
  const std::string aside = absl::StrCat(path_, ".tmp");
  std::error_code error;
  std::filesystem::remove_all(aside, error);  // of a process that did not come to its end
  if (!error) std::filesystem::create_directory(aside, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create '", aside, "'"));
  for (const auto& [name, contents] : files) {
    RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(aside, "/", name), contents));
  }
  return RenameDurably(aside, path_);
}

absl::StatusOr<v1::TrainResult> ResultFolder::ReadResult() const {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(PathOf(kResultFile), kMaxResultBytes));
  v1::TrainResult result;
  if (result.ParseFromString(bytes)) return result;
  return absl::DataLossError(absl::StrCat("'", PathOf(kResultFile), "': expected a serialized TrainResult"));
}

absl::Status ResultFolder::ReplaceResult(const v1::TrainResult& result) const {
  return WriteFileAtomically(PathOf(kResultFile), result.SerializeAsString());
}

std::string LabelsText(const ClassTarget& target) {
  std::string text;
  for (int64_t c = 0; c < target.classes; ++c) {
    std::string name = ClassName(target, c);
    std::ranges::replace_if(
        name, [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
    absl::StrAppend(&text, name, "\n");
  }
  return text;
}

std::string ConfigText(const v1::TrainJobSpec& spec, const JobPlan& plan, const data::Schema& schema,
                       const Graph& network) {
  ModelConfigFacts facts;
  facts.model = spec.model();
  if (plan.classes) facts.labels_output = plan.trainer.training.losses[plan.classes->loss].output;
  for (const size_t field : plan.input_fields) {
    for (const v1::Transform& transform : spec.data().prepare()) {
      if (!transform.has_resize() || !Changes(transform, schema.fields[field].name)) continue;
      facts.parameters["image_resize"] = ResizeName(transform.resize().mode());
    }
  }
  return ModelConfigText(network, facts);
}

}  // namespace beak
