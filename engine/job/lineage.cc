#include "engine/job/lineage.h"

#include <google/protobuf/text_format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace beak {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const v1::Scores& scores) {
  Json json = {{"samples", scores.samples()}, {"loss", scores.loss()}};
  if (scores.has_accuracy()) json["accuracy"] = scores.accuracy();
  if (scores.has_top5_accuracy()) json["top5_accuracy"] = scores.top5_accuracy();
  return json;
}

Json ToJson(const v1::EpochReport& epoch) {
  Json json = {{"epoch", epoch.epoch()}, {"steps", epoch.steps()}, {"training", ToJson(epoch.training())}};
  if (epoch.has_held_out()) json["held_out"] = ToJson(epoch.held_out());
  json["learning_rate"] = epoch.learning_rate();
  json["seconds"] = epoch.seconds();
  json["best"] = epoch.best();
  return json;
}

Json ToJson(const v1::ClassScore& score) {
  return {{"name", score.name()},
          {"support", score.support()},
          {"precision", score.precision()},
          {"recall", score.recall()},
          {"f1", score.f1()}};
}

template <typename Messages>
Json ListOf(const Messages& messages) {
  Json list = Json::array();
  for (const auto& message : messages) list.push_back(ToJson(message));
  return list;
}

Json DataOf(const Lineage& lineage) {
  const v1::TrainResult& result = lineage.result;
  Json json = {{"training_sha256", result.data_digest()}, {"training_samples", lineage.training_samples}};
  if (!result.has_held_out()) return json;
  json["held_out_sha256"] = result.held_out_digest();
  json["held_out_samples"] = result.held_out().samples();
  return json;
}

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 digest;
  std::vector<char> part(size_t{1} << 20);
  do {
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    digest.Update(part.data(), static_cast<size_t>(file.gcount()));
  } while (file);
  if (!file.eof()) return absl::UnavailableError(absl::StrCat("cannot read '", path, "'"));
  return ToHex(digest.Finish());
}

}  // namespace

absl::Status FindParent(const v1::NetworkSource& source, const JobFolder& folder, const std::string& served_file,
                        Lineage& lineage) {
  std::string path = source.has_served() ? served_file : "";
  lineage.parent_file = path;
  for (const std::string& file : {source.onnx_file(), source.description_file()}) {
    if (file.empty()) continue;
    lineage.parent_file = file;
    ASSIGN_OR_RETURN(path, ResolvePath(folder, file));
  }
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(lineage.parent_sha256, Sha256OfFile(path));
  return absl::OkStatus();
}

std::string LineageText(const Lineage& lineage) {
  const v1::TrainResult& result = lineage.result;
  std::string job;
  google::protobuf::TextFormat::PrintToString(lineage.spec, &job);
  Json json = {{"model", lineage.spec.model()}, {"model_sha256", lineage.model_sha256}, {"job", job}};
  if (!lineage.parent_file.empty()) {
    json["parent"] = {{"file", lineage.parent_file}, {"sha256", lineage.parent_sha256}};
  }
  json["data"] = DataOf(lineage);
  json["code"] = lineage.code;
  json["seed"] = lineage.spec.training().seed();
  json["threads"] = lineage.threads;
  json["parameters"] = result.parameters();
  json["exported_epoch"] = result.exported_epoch();
  json["stopped_early"] = result.stopped_early();
  json["seconds"] = result.seconds();
  json["peak_bytes"] = result.peak_bytes();
  if (result.has_held_out()) json["held_out"] = ToJson(result.held_out());
  if (result.class_score_size() > 0) json["classes"] = ListOf(result.class_score());
  json["epochs"] = ListOf(lineage.epochs);
  json["notices"] = Json(std::vector<std::string>(result.notice().begin(), result.notice().end()));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace beak
