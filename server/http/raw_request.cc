#include "server/http/raw_request.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/wire/datatype.h"
#include "proto/wire/tensor_codec.h"

namespace beak {
namespace {

// Puts the dimension in that the model leaves free.
absl::Status FillFreeDimension(int64_t elements, std::vector<int64_t>* shape) {
  int64_t* free = nullptr;
  int64_t known = 1;
  for (int64_t& dimension : *shape) {
    if (dimension >= 0) {
      known *= dimension;
    } else if (free == nullptr) {
      free = &dimension;
    } else {
      return absl::InvalidArgumentError("raw request: expected a model with one free dimension at most, got more");
    }
  }
  if (free == nullptr) return absl::OkStatus();
  if (known == 0 || elements % known != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("raw request: expected a multiple of ", known, " elements, got ", elements));
  }
  *free = elements / known;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InferBody> RawRequest(const Operations& operations, const std::string& model, const std::string& version,
                                     std::string body) {
  inference::ModelMetadataRequest question;
  question.set_name(model);
  question.set_version(version);
  inference::ModelMetadataResponse metadata;
  RETURN_IF_ERROR(operations.ModelMetadata(question, &metadata));
  inference::ModelConfigRequest config_question;
  config_question.set_name(model);
  config_question.set_version(version);
  inference::ModelConfigResponse config;
  RETURN_IF_ERROR(operations.ModelConfig(config_question, &config));
  if (metadata.inputs_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("raw request: expected a model with one input, got ", metadata.inputs_size()));
  }
  const auto& input = metadata.inputs(0);
  ASSIGN_OR_RETURN(const wire::Datatype datatype, wire::ParseDatatype(input.datatype()));
  const size_t element_bytes = wire::Describe(datatype).byte_size;
  if (element_bytes == 0 || body.size() % element_bytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("raw request: expected whole elements of ", input.datatype(), ", got ", body.size(), " bytes"));
  }
  std::vector<int64_t> shape(input.shape().begin(), input.shape().end());
  if (config.config().max_batch_size() > 0 && !shape.empty()) shape[0] = 1;
  RETURN_IF_ERROR(FillFreeDimension(static_cast<int64_t>(body.size() / element_bytes), &shape));
  InferBody request;
  request.message.set_model_name(model);
  request.message.set_model_version(version);
  *wire::AddInput(input.name(), datatype, shape, &request.message) = std::move(body);
  request.binary_outputs = true;
  return request;
}

}  // namespace beak
