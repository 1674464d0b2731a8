#include "server/frontend/describe.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/open_inference.pb.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

void Fill(const Signature& signature, const TensorSignature& tensor,
          inference::ModelMetadataResponse::TensorMetadata* message) {
  message->set_name(tensor.name);
  message->set_datatype(ProtocolName(tensor.dtype));
  if (signature.batched()) message->add_shape(kFreeDim);
  message->mutable_shape()->Add(tensor.dims.begin(), tensor.dims.end());
}

void Fill(const DurationSum& sum, inference::StatisticDuration* message) {
  message->set_count(sum.count);
  message->set_ns(sum.ns);
}

void Fill(const ModelVersion& version, inference::ModelStatistics* message) {
  message->set_name(version.model());
  message->set_version(absl::StrCat(version.version()));
  Describe(version.observer().statistics(), message);
  inference::MemoryUsage& memory = *message->add_memory_usage();
  memory.set_type("CPU");
  memory.set_byte_size(static_cast<uint64_t>(version.weight_bytes()));
}

// The protocol's words for where a version stands.
const char* IndexState(VersionState state) {
  switch (state) {
    case VersionState::kLoading:
      return "LOADING";
    case VersionState::kReady:
      return "READY";
    case VersionState::kDraining:
      return "UNLOADING";
    case VersionState::kUnloaded:
    case VersionState::kFailed:
      break;
  }
  return "UNAVAILABLE";
}

}  // namespace

absl::Status Describe(const ModelSnapshot& models, const std::string& model, const std::string& version,
                      inference::ModelMetadataResponse* message) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const ModelVersion> found, models.Find(model, version));
  const inference::ModelConfig& config = found->config();
  message->set_name(model);
  message->set_platform(config.platform().empty() ? config.backend() : config.platform());
  for (const auto& [number, entry] : models.models.at(model).versions) {
    const bool asked = version.empty() || number == found->version();
    if (asked && entry.state == VersionState::kReady) message->add_versions(absl::StrCat(number));
  }
  const Signature& signature = found->signature();
  for (const TensorSignature& input : signature.inputs) Fill(signature, input, message->add_inputs());
  for (const TensorSignature& output : signature.outputs) Fill(signature, output, message->add_outputs());
  return absl::OkStatus();
}

void Describe(const VersionStatistics& statistics, inference::ModelStatistics* message) {
  message->set_last_inference(statistics.last_inference_ms);
  message->set_inference_count(statistics.inference_count);
  message->set_execution_count(statistics.execution_count);
  inference::InferStatistics& parts = *message->mutable_inference_stats();
  Fill(statistics.success, parts.mutable_success());
  Fill(statistics.fail, parts.mutable_fail());
  Fill(statistics.queue, parts.mutable_queue());
  Fill(statistics.compute_input, parts.mutable_compute_input());
  Fill(statistics.compute_infer, parts.mutable_compute_infer());
  Fill(statistics.compute_output, parts.mutable_compute_output());
  Fill(statistics.cache_hit, parts.mutable_cache_hit());
  Fill(statistics.cache_miss, parts.mutable_cache_miss());
  for (const auto& [rows, batch] : statistics.batches) {
    inference::InferBatchStatistics& entry = *message->add_batch_stats();
    entry.set_batch_size(static_cast<uint64_t>(rows));
    Fill(batch.compute_input, entry.mutable_compute_input());
    Fill(batch.compute_infer, entry.mutable_compute_infer());
    Fill(batch.compute_output, entry.mutable_compute_output());
  }
}

absl::Status DescribeStatistics(const ModelSnapshot& models, const std::string& model, const std::string& version,
                                inference::ModelStatisticsResponse* message) {
  if (!model.empty()) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const ModelVersion> found, models.Find(model, version));
    if (!version.empty()) {
      Fill(*found, message->add_model_stats());
      return absl::OkStatus();
    }
  }
  for (const auto& [name, entry] : models.models) {
    if (!model.empty() && name != model) continue;
    for (const auto& [number, one] : entry.versions) {
      if (one.version) Fill(*one.version, message->add_model_stats());
    }
  }
  return absl::OkStatus();
}

void DescribeIndex(const ModelSnapshot& models, bool ready_only, inference::RepositoryIndexResponse* message) {
  const auto add = [&](const std::string& name, const std::string& version, const char* state,
                       const std::string& reason) {
    inference::RepositoryIndexResponse::ModelIndex& index = *message->add_models();
    index.set_name(name);
    index.set_version(version);
    index.set_state(state);
    index.set_reason(reason);
  };
  for (const auto& [name, entry] : models.models) {
    // What nobody has asked for has a name only.
    if (entry.versions.empty() && !ready_only) add(name, "", entry.reason.empty() ? "" : "UNAVAILABLE", entry.reason);
    for (const auto& [number, version] : entry.versions) {
      if (ready_only && version.state != VersionState::kReady) continue;
      add(name, absl::StrCat(number), IndexState(version.state), version.reason);
    }
  }
}

}  // namespace beak
