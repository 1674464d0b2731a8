#include "engine/job/job_data.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_join.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/data/digest.h"
#include "engine/data/split.h"
#include "engine/job/data_transforms.h"
#include "engine/job/open_source.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(what); }

// True where `path` names something outside the folder, whatever there is: nobody learns what is there.
bool ClimbsOut(const std::string& folder, const std::string& path) {
  std::error_code error;
  const fs::path root = fs::absolute(folder, error).lexically_normal();
  if (error) return true;
  const fs::path below = (root / path).lexically_normal().lexically_relative(root);
  return below.empty() || *below.begin() == "..";
}

// The data of a job before anything is done to it.
struct Sources {
  data::SourcePtr training;
  data::SourcePtr held_out;  // null where there is none
};

void AddNotice(const char* name, const data::SkippedSamples& skipped, std::vector<std::string>& notices) {
  constexpr size_t kMaxReasons = 5;
  if (skipped.count == 0) return;
  std::vector<std::string> reasons;
  for (const absl::Status& reason : skipped.reasons) {
    if (reasons.size() < kMaxReasons) reasons.emplace_back(reason.message());
  }
  if (skipped.count > static_cast<int64_t>(reasons.size())) reasons.emplace_back("...");
  notices.push_back(absl::StrCat(name, ": ", skipped.count, skipped.count == 1 ? " sample" : " samples",
                                 " left out: ", absl::StrJoin(reasons, "; ")));
}

// The field of classes whose shares are kept in both parts; "" where there is none, or it is not wanted.
absl::StatusOr<std::string> StratifyBy(const v1::HoldOut& hold_out, const data::Schema& schema) {
  std::vector<std::string> fields;
  for (const data::Field& field : schema.fields) {
    if (field.num_classes > 0) fields.push_back(field.name);
  }
  if (fields.size() > 1 && hold_out.has_stratified() && hold_out.stratified()) {
    return Bad(
        absl::StrCat("data.hold_out.stratified: expected one field of classes, got ", absl::StrJoin(fields, ", ")));
  }
  const bool wanted = !hold_out.has_stratified() || hold_out.stratified();
  return wanted && fields.size() == 1 ? fields[0] : "";
}

absl::StatusOr<Sources> Split(const v1::HoldOut& hold_out, const data::SourcePtr& source) {
  ASSIGN_OR_RETURN(const std::string stratify_by, StratifyBy(hold_out, source->schema()));
  absl::StatusOr<data::Split> split = data::SplitByFraction(source, hold_out.fraction(), hold_out.seed(), stratify_by);
  if (!split.ok()) return Annotate(split.status(), "data.hold_out");
  return Sources{std::move(split->training), std::move(split->held_out)};
}

absl::StatusOr<Sources> OpenSources(const v1::DataSet& description, const JobDataOptions& options,
                                    std::vector<std::string>& notices) {
  SourceOptions source;
  source.place = "data.training";
  source.folder = options.folder;
  source.on_bad = description.on_bad_sample() == v1::SKIP ? data::OnBadSample::kSkip : data::OnBadSample::kFail;
  source.progress = options.progress;
  Sources sources;
  ASSIGN_OR_RETURN(sources.training, OpenSource(description.training(), source));
  AddNotice("training", sources.training->skipped(), notices);
  if (description.has_hold_out()) return Split(description.hold_out(), sources.training);
  if (!description.has_held_out()) return sources;
  source.place = "data.held_out";
  source.training = &sources.training->schema();
  ASSIGN_OR_RETURN(sources.held_out, OpenSource(description.held_out(), source));
  AddNotice("held_out", sources.held_out->skipped(), notices);
  return sources;
}

std::string Describe(const data::Field& field) { return data::Describe({{field}}); }

// All samples of a batch have to have one shape, and there is no batch that leaves sizes open.
absl::Status CheckOneShape(const data::Schema& schema) {
  for (const data::Field& field : schema.fields) {
    if (IsStatic(field.shape)) continue;
    return Bad(absl::StrCat("field '", field.name, "': expected samples of one size, got several (", Describe(field),
                            "); add a resize to data.prepare"));
  }
  return absl::OkStatus();
}

// Values of the same kind and meaning.
bool Same(const data::Field& a, const data::Field& b) {
  return a.name == b.name && a.dtype == b.dtype && ToString(a.shape) == ToString(b.shape) &&
         a.num_classes == b.num_classes;
}

// `source` says where the fields that are expected come from.
absl::Status CheckSameFields(const data::Schema& expected, const data::Schema& got, const std::string& source) {
  for (size_t i = 0; i < expected.fields.size() && i < got.fields.size(); ++i) {
    const data::Field& wanted = expected.fields[i];
    const data::Field& field = got.fields[i];
    if (!Same(wanted, field)) {
      return Bad(absl::StrCat("expected ", Describe(wanted), " as ", source, " gives, got ", Describe(field)));
    }
    if (wanted.class_names != field.class_names) {
      return Bad(absl::StrCat("field '", field.name, "': expected the classes' names and order of ", source));
    }
    if (wanted.value_names != field.value_names && !wanted.value_names.empty() && !field.value_names.empty()) {
      return Bad(absl::StrCat("field '", field.name, "': expected the columns ",
                              absl::StrJoin(wanted.value_names, ", "), " as ", source, " has, got ",
                              absl::StrJoin(field.value_names, ", ")));
    }
  }
  if (expected.fields.size() == got.fields.size()) return absl::OkStatus();
  return Bad(absl::StrCat("expected ", data::Describe(expected), " as ", source, " gives, got ", data::Describe(got)));
}

absl::Status MakePipelines(const v1::DataSet& description, const JobDataOptions& options, const Sources& sources,
                           JobData& job) {
  const DataTransforms transforms = MakeTransforms(description, sources.training->schema(), options.index_fields);
  ASSIGN_OR_RETURN(job.plain, data::Pipeline::Create(sources.training, transforms.prepare));
  RETURN_IF_ERROR(Annotate(CheckOneShape(job.plain->schema()), "data.training"));
  ASSIGN_OR_RETURN(job.training, data::Pipeline::Create(sources.training, transforms.augmented, options.seed));
  RETURN_IF_ERROR(
      Annotate(CheckSameFields(job.plain->schema(), job.training->schema(), "data.prepare"), "data.augment"));
  if (sources.held_out == nullptr) return absl::OkStatus();
  const DataTransforms own = MakeTransforms(description, sources.held_out->schema(), options.index_fields);
  absl::StatusOr<data::PipelinePtr> held_out = data::Pipeline::Create(sources.held_out, own.prepare);
  if (!held_out.ok()) return Annotate(held_out.status(), "data.held_out");
  job.held_out = *std::move(held_out);
  RETURN_IF_ERROR(Annotate(CheckOneShape(job.held_out->schema()), "data.held_out"));
  return Annotate(CheckSameFields(job.plain->schema(), job.held_out->schema(), "data.training"), "data.held_out");
}

// The fields that make samples the same: the inputs, as far as that can be told.
std::vector<std::string> FieldsToCompare(const data::Schema& schema) {
  std::vector<std::string> all;
  std::vector<std::string> inputs;
  for (const data::Field& field : schema.fields) {
    all.push_back(field.name);
    if (field.num_classes == 0) inputs.push_back(field.name);
  }
  return inputs.empty() ? all : inputs;
}

absl::StatusOr<data::DataDigest> DigestOf(const data::Source& source, const JobDataOptions& options,
                                          const std::string& place) {
  std::vector<std::string> fields;
  if (options.refuse_overlap) fields = FieldsToCompare(source.schema());
  absl::StatusOr<data::DataDigest> digest = data::DigestOf(source, fields, options.progress);
  if (!digest.ok()) return Annotate(digest.status(), place);
  return digest;
}

absl::Status CheckNoOverlap(const data::DataDigest& training, const data::DataDigest& held_out) {
  const std::vector<std::pair<int64_t, int64_t>> overlap = data::FindOverlap(training, held_out);
  if (overlap.empty()) return absl::OkStatus();
  return Bad(absl::StrCat("data: expected no input in both the training and the held-out data, got ", overlap.size(),
                          " of ", held_out.samples.size(), " held-out ones; the first is held-out sample ",
                          overlap[0].second, ", training sample ", overlap[0].first));
}

absl::Status DigestSources(const Sources& sources, const JobDataOptions& options, JobData& job) {
  ASSIGN_OR_RETURN(const data::DataDigest training, DigestOf(*sources.training, options, "data.training"));
  job.training_digest = ToHex(training.whole);
  if (sources.held_out == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const data::DataDigest held_out, DigestOf(*sources.held_out, options, "data.held_out"));
  job.held_out_digest = ToHex(held_out.whole);
  return options.refuse_overlap ? CheckNoOverlap(training, held_out) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ResolvePath(const JobFolder& folder, const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return Bad("expected a path, got none");
  const std::string root = folder.path.empty() ? "." : folder.path;
  if (folder.confined && ClimbsOut(root, path)) {
    return absl::PermissionDeniedError(absl::StrCat("'", path, "': expected a path within the data folder"));
  }
  std::error_code error;
  const std::string real = fs::canonical(fs::path(root) / path, error).string();
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return absl::NotFoundError(absl::StrCat("'", path, "': no such file or folder"));
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("'", path, "'"));
  if (folder.confined && !CheckWithin(root, real).ok()) {
    return absl::PermissionDeniedError(absl::StrCat("'", path, "': expected a path within the data folder"));
  }
  return real;
}

absl::StatusOr<JobData> OpenJobData(const v1::DataSet& description, const JobDataOptions& options) {
  JobData job;
  ASSIGN_OR_RETURN(const Sources sources, OpenSources(description, options, job.notices));
  RETURN_IF_ERROR(MakePipelines(description, options, sources, job));
  RETURN_IF_ERROR(DigestSources(sources, options, job));
  return job;
}

}  // namespace beak
