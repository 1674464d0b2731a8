#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
class ModelMetadataResponse;
class ModelStatisticsResponse;
class RepositoryIndexResponse;
class ServerMetadataResponse;
}  // namespace inference

// The client's types to and from the messages of the protocol. Pure.
namespace beak::client {

// INVALID_ARGUMENT for a request without a model, or with two inputs or outputs of one name.
absl::StatusOr<inference::ModelInferRequest> ToProto(PredictRequest request);

// INTERNAL for a response whose parts do not agree: the server is wrong.
absl::StatusOr<PredictResponse> FromProto(const inference::ModelInferResponse& response);

ServerMetadata FromProto(const inference::ServerMetadataResponse& response);
ModelMetadata FromProto(const inference::ModelMetadataResponse& response);
std::vector<ModelIndex> FromProto(const inference::RepositoryIndexResponse& response);
std::vector<ModelStatistics> FromProto(const inference::ModelStatisticsResponse& response);

}  // namespace beak::client
