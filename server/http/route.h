#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace beak {

// What a request of the REST protocol asks for.
enum class RestOperation {
  kServerLive,
  kServerReady,
  kServerMetadata,
  kModelReady,
  kModelMetadata,
  kModelInfer,
  kModelConfig,
  kModelStatistics,
  kRepositoryIndex,
  kModelLoad,
  kModelUnload,
  kTraceSetting,  // these and those below are not served
  kLogSettings,
  kSystemSharedMemory,
  kCudaSharedMemory,
};

struct Route {
  RestOperation operation = RestOperation::kServerLive;
  std::string model;    // "" where there is none, or for all
  std::string version;  // "": the server's choice
  std::string repository;
};

// The paths of the Open Inference Protocol as Triton serves them, without a query. NOT_FOUND for others,
// INVALID_ARGUMENT for a path whose %XX are none.
absl::StatusOr<Route> ParsePath(std::string_view path);

// What there is to know of an operation.
struct RestRule {
  RestOperation operation;
  const char* rpc;         // that does the same: "/inference.GRPCInferenceService/ModelInfer"
  const char* methods;     // that it takes, as the header Allow lists them: "GET, HEAD"
  const char* not_served;  // what it is about, where no server of ours serves it; else null
};
const RestRule& RuleOf(RestOperation operation);

// Whether `method` is one that the rule lists.
bool Allows(const RestRule& rule, std::string_view method);

}  // namespace beak
