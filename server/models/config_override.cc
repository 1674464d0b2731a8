#include "server/models/config_override.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;
using inference::ModelConfig;

constexpr size_t kMaxJsonBytes = size_t{1} << 20;

absl::Status CheckFileName(const std::string& name, const char* field) {
  if (name.find('/') == std::string::npos && name != "..") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": expected the name of a file in the model's folder, got '", name, "'"));
}

}  // namespace

absl::StatusOr<ConfigFile> ParseConfigJson(const std::string& json) {
  if (json.size() > kMaxJsonBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("config: expected at most ", kMaxJsonBytes, " bytes, got ", json.size()));
  }
  const auto config = std::make_shared<ModelConfig>();
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, config.get());
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("config: expected JSON of a ModelConfig: ", std::string(parsed.message())));
  }
  // proto3 does not tell a 0 that was written from none.
  google::protobuf::Struct keys;
  (void)google::protobuf::util::JsonStringToMessage(json, &keys);
  return ConfigFile{config, keys.fields().contains("max_batch_size") || keys.fields().contains("maxBatchSize")};
}

ConfigFile ApplyOverride(const ConfigFile& file, const ConfigFile& override) {
  const auto merged = std::make_shared<ModelConfig>(*file.config);
  const Reflection& reflection = *merged->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*override.config, &fields);
  for (const FieldDescriptor* field : fields) {
    if (const auto* oneof = field->containing_oneof()) reflection.ClearOneof(merged.get(), oneof);
    reflection.ClearField(merged.get(), field);
  }
  merged->MergeFrom(*override.config);
  if (override.has_max_batch_size) merged->set_max_batch_size(override.config->max_batch_size());
  return {merged, file.has_max_batch_size || override.has_max_batch_size};
}

absl::Status CheckFileNames(const ModelConfig& config) {
  RETURN_IF_ERROR(CheckFileName(config.default_model_filename(), "default_model_filename"));
  for (const auto& output : config.output()) RETURN_IF_ERROR(CheckFileName(output.label_filename(), "label_filename"));
  for (const auto& warmup : config.model_warmup()) {
    for (const auto& [name, input] : warmup.inputs()) {
      RETURN_IF_ERROR(CheckFileName(input.input_data_file(), "model_warmup: input_data_file"));
    }
  }
  return absl::OkStatus();
}

}  // namespace beak
