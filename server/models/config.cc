#include "server/models/config.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/ensemble.h"

namespace beak {
namespace {

using inference::ModelConfig;
using inference::ModelInstanceGroup;

constexpr int kMaxTextDepth = 32;

// Keeps the first error; those that follow it are mostly its consequences.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(const std::string& source) : source_(source) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(absl::StrCat(source_, ":", line + 1, ":", column + 1, ": ", message));
  }
  const absl::Status& status() const { return status_; }

 private:
  const std::string source_;
  absl::Status status_;
};

bool WantsGpu(const ModelInstanceGroup& group) {
  return group.kind() == ModelInstanceGroup::KIND_GPU || group.gpus_size() > 0 || group.secondary_devices_size() > 0;
}

template <typename Field, typename Predicate>
bool Any(const Field& field, Predicate predicate) {
  return std::any_of(field.begin(), field.end(), predicate);
}

bool HasShapeTensors(const ModelConfig& config) {
  const auto special = [](const auto& tensor) { return tensor.is_shape_tensor() || tensor.is_non_linear_format_io(); };
  return Any(config.input(), special) || Any(config.output(), special);
}

}  // namespace

ConfigFile EmptyConfig() { return {std::make_shared<ModelConfig>(), false}; }

absl::StatusOr<ConfigFile> ParseConfig(const std::string& text, const std::string& source) {
  using google::protobuf::TextFormat;
  const auto config = std::make_shared<ModelConfig>();
  FirstError errors(source);
  TextFormat::ParseInfoTree places;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&places);
  parser.SetRecursionLimit(kMaxTextDepth);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&stream, config.get())) {
    return errors.status().ok() ? absl::InvalidArgumentError(absl::StrCat(source, ": expected text of a ModelConfig"))
                                : errors.status();
  }
  const auto* field = ModelConfig::descriptor()->FindFieldByNumber(ModelConfig::kMaxBatchSizeFieldNumber);
  return ConfigFile{config, places.GetLocation(field, -1).line >= 0};
}

absl::Status CheckSupported(const ModelConfig& config) {
  const std::string& platform = config.platform();
  const bool ensemble = DescribesEnsemble(config);
  const char* expected = ensemble ? "ensemble" : "onnxruntime_onnx";
  if (!platform.empty() && platform != expected) {
    return absl::UnimplementedError(absl::StrCat("platform: expected ", expected, ", got '", platform, "'"));
  }
  const std::string& backend = config.backend();
  if (!backend.empty() && backend != "onnxruntime" && backend != "beak") {
    return absl::UnimplementedError(absl::StrCat("backend: expected onnxruntime or beak, got '", backend, "'"));
  }
  const struct {
    bool asked;
    const char* what;
  } refusals[] = {
      {config.has_sequence_batching(), "sequence_batching"},
      // Its members may change while it stays; they can have a cache each.
      {ensemble && config.response_cache().enable(), "response_cache of an ensemble"},
      {ensemble && config.model_warmup_size() > 0, "model_warmup of an ensemble"},
      {Any(config.instance_group(), WantsGpu), "instance_group on a GPU or another accelerator"},
      {Any(config.instance_group(), [](const auto& group) { return group.passive(); }), "instance_group.passive"},
      {config.model_transaction_policy().decoupled(), "model_transaction_policy.decoupled"},
      {config.model_operations().op_library_filename_size() > 0, "model_operations.op_library_filename"},
      {config.batch_input_size() > 0, "batch_input"},
      {config.batch_output_size() > 0, "batch_output"},
      {config.model_repository_agents().agents_size() > 0, "model_repository_agents"},
      {!config.runtime().empty(), "runtime"},
      {Any(config.input(), [](const auto& input) { return input.optional(); }), "input.optional"},
      {Any(config.input(), [](const auto& input) { return input.allow_ragged_batch(); }), "input.allow_ragged_batch"},
      {HasShapeTensors(config), "is_shape_tensor and is_non_linear_format_io"},
  };
  for (const auto& refusal : refusals) {
    if (refusal.asked) return absl::UnimplementedError(absl::StrCat(refusal.what, ": not supported"));
  }
  return absl::OkStatus();
}

}  // namespace beak
