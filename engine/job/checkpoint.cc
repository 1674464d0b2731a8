#include "engine/job/checkpoint.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/io/safetensors.h"

namespace beak {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr int64_t kMaxJsonBytes = int64_t{64} << 20;
constexpr size_t kKept = 2;
constexpr size_t kDigits = 12;
constexpr char kTensors[] = ".safetensors";
constexpr char kRest[] = ".json";

std::string DigestOf(const std::vector<std::string_view>& pieces) {
  Sha256 digest;
  for (const std::string_view piece : pieces) digest.Update(piece.data(), piece.size());
  return ToHex(digest.Finish());
}

// Names may have come from anywhere: what is no UTF-8 is replaced, the same each time.
std::string TextOf(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string FileName(int64_t step, const char* suffix) { return absl::StrFormat("%012d%s", step, suffix); }

// The step that a file's name says, where it is one of the form that FileName gives.
std::optional<int64_t> StepOf(const std::string& name, const char* suffix) {
  int64_t step = 0;
  if (name.size() < kDigits || !absl::SimpleAtoi(name.substr(0, name.find('.')), &step)) return std::nullopt;
  return step >= 0 && name == FileName(step, suffix) ? std::optional(step) : std::nullopt;
}

absl::StatusOr<Json> ToJson(const v1::EpochReport& epoch) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto status = google::protobuf::util::MessageToJsonString(epoch, &text, options);
  if (!status.ok()) return absl::InternalError(absl::StrCat("epoch report: ", std::string(status.message())));
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<v1::EpochReport> EpochFrom(const Json& json) {
  v1::EpochReport epoch;
  const auto status = google::protobuf::util::JsonStringToMessage(TextOf(json), &epoch);
  if (!status.ok()) return absl::DataLossError(absl::StrCat("epoch: ", std::string(status.message())));
  return epoch;
}

absl::StatusOr<Json> ToJson(const Checkpoint& checkpoint) {
  Json json = {
      {"step", checkpoint.step},     {"epoch", checkpoint.position.epoch},  {"batch", checkpoint.position.batch},
      {"origin", checkpoint.origin}, {"numbers", checkpoint.state.numbers}, {"epochs", Json::array()}};
  for (const v1::EpochReport& epoch : checkpoint.epochs) {
    ASSIGN_OR_RETURN(Json one, ToJson(epoch));
    json["epochs"].push_back(std::move(one));
  }
  return json;
}

// What ToJson gave. nlohmann's accessors throw where a value is of another type: the digest has told that nobody
// changed it, but a newer program may have written it.
absl::StatusOr<Checkpoint> CheckpointFrom(const Json& json) {
  Checkpoint checkpoint;
  try {
    checkpoint.step = json.at("step").get<int64_t>();
    checkpoint.position = {json.at("epoch").get<int64_t>(), json.at("batch").get<int64_t>()};
    checkpoint.origin = json.at("origin").get<std::map<std::string, std::string>>();
    checkpoint.state.numbers = json.at("numbers").get<std::map<std::string, double>>();
    for (const Json& one : json.at("epochs")) {
      ASSIGN_OR_RETURN(checkpoint.epochs.emplace_back(), EpochFrom(one));
    }
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("checkpoint: ", error.what()));
  }
  return checkpoint;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create '", folder, "'"));
  return std::unique_ptr<CheckpointStore>(new CheckpointStore(folder));
}

bool CheckpointStore::HasAny(const std::string& folder) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder);
  return names.ok() &&
         std::ranges::any_of(*names, [](const std::string& name) { return StepOf(name, kRest).has_value(); });
}

std::string CheckpointStore::PathOf(int64_t step, const char* suffix) const {
  return absl::StrCat(folder_, "/", FileName(step, suffix));
}

// ---------------------------------------------------------------- reading

absl::StatusOr<std::optional<Checkpoint>> CheckpointStore::ReadNewest(std::vector<std::string>& notices) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder_));
  std::vector<int64_t> steps;
  for (const std::string& name : names) {
    if (const std::optional<int64_t> step = StepOf(name, kRest)) steps.push_back(*step);
  }
  std::sort(steps.rbegin(), steps.rend());
  for (const int64_t step : steps) {
    absl::StatusOr<Checkpoint> checkpoint = Read(step, last_tensors_);
    if (checkpoint.ok()) {
      good_ = {step};
      return std::optional(*std::move(checkpoint));
    }
    notices.push_back(
        absl::StrCat("the checkpoint of step ", step, " is passed over: ", checkpoint.status().message()));
  }
  return std::optional<Checkpoint>();
}

absl::StatusOr<Checkpoint> CheckpointStore::Read(int64_t step, std::string& digest) const {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(PathOf(step, kRest), kMaxJsonBytes));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  if (json.is_discarded() || !json.is_object() || !json.contains("state") || !is_text("state_sha256") ||
      !is_text("tensors_sha256")) {
    return absl::DataLossError(absl::StrCat("'", PathOf(step, kRest), "': expected a checkpoint"));
  }
  if (json.value("format", Json()) != kFormat) {
    return absl::DataLossError(absl::StrCat("'", PathOf(step, kRest), "': expected format ", kFormat));
  }
  if (DigestOf({TextOf(json["state"])}) != json["state_sha256"].get<std::string>()) {
    return absl::DataLossError(absl::StrCat("'", PathOf(step, kRest), "': expected contents of its SHA-256"));
  }
  ASSIGN_OR_RETURN(Checkpoint checkpoint, CheckpointFrom(json["state"]));
  ASSIGN_OR_RETURN(const std::string tensors, ReadFile(PathOf(step, kTensors), limits::kMaxModelWeightsBytes));
  digest = DigestOf({tensors});
  if (digest != json["tensors_sha256"].get<std::string>()) {
    return absl::DataLossError(absl::StrCat("'", PathOf(step, kTensors), "': expected contents of its SHA-256"));
  }
  ASSIGN_OR_RETURN(SafeTensors contents, ParseSafeTensors(tensors));
  checkpoint.state.tensors = std::move(contents.tensors);
  return checkpoint;
}

// ---------------------------------------------------------------- writing

absl::Status CheckpointStore::Write(const Checkpoint& checkpoint) {
  const int64_t step = checkpoint.step;
  ASSIGN_OR_RETURN(const Json state, ToJson(checkpoint));
  const SafeTensors contents{checkpoint.state.tensors, {}};
  std::string header;
  const std::vector<std::string_view> pieces = SafeTensorsPieces(contents, header);
  const std::string digest = DigestOf(pieces);
  if (HasStep(step) && digest != last_tensors_) return absl::OkStatus();
  const Json json = {
      {"format", kFormat}, {"tensors_sha256", digest}, {"state_sha256", DigestOf({TextOf(state)})}, {"state", state}};
  absl::Status status = HasStep(step) ? absl::OkStatus() : WriteFileAtomically(PathOf(step, kTensors), pieces);
  if (status.ok()) status = WriteFileAtomically(PathOf(step, kRest), absl::StrCat(TextOf(json, 2), "\n"));
  if (!status.ok()) {
    if (!HasStep(step)) unlink(PathOf(step, kTensors).c_str());
    return Annotate(status, absl::StrCat("checkpoint of step ", step));
  }
  if (!HasStep(step)) good_.push_back(step);
  if (good_.size() > kKept) good_.erase(good_.begin());
  last_tensors_ = digest;
  RemoveOthers();
  return absl::OkStatus();
}

// What cannot be removed is left: it takes room, and is older than what is read first, or damaged.
void CheckpointStore::RemoveOthers() const {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder_);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const bool keep = std::ranges::any_of(
        good_, [&](int64_t step) { return name == FileName(step, kTensors) || name == FileName(step, kRest); });
    if (!keep) unlink(absl::StrCat(folder_, "/", name).c_str());
  }
}

}  // namespace beak
