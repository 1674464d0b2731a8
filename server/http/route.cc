#include "server/http/route.h"

#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "engine/base/status.h"

namespace beak {
namespace {

using Segments = absl::Span<const std::string>;
using Operation = RestOperation;

absl::StatusOr<std::string> Unescape(std::string_view segment) {
  std::string text;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    const auto digit = [&](size_t at) { return at < segment.size() && absl::ascii_isxdigit(segment[at]); };
    if (!digit(i + 1) || !digit(i + 2)) {
      return absl::InvalidArgumentError("path: expected two hexadecimal digits after each %");
    }
    text += absl::HexStringToBytes(absl::string_view(segment.data() + i + 1, 2));
    i += 2;
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> Split(std::string_view path) {
  std::vector<std::string> segments;
  for (const absl::string_view segment :
       absl::StrSplit(absl::string_view(path.data(), path.size()), '/', absl::SkipEmpty())) {
    ASSIGN_OR_RETURN(segments.emplace_back(), Unescape({segment.data(), segment.size()}));
  }
  return segments;
}

// What follows /v2/models/NAME[/versions/VERSION].
std::optional<Operation> ParseModelVerb(Segments rest) {
  if (rest.empty()) return Operation::kModelMetadata;
  if (rest.size() == 2 && rest[0] == "trace" && rest[1] == "setting") return Operation::kTraceSetting;
  if (rest.size() != 1) return std::nullopt;
  if (rest[0] == "ready") return Operation::kModelReady;
  if (rest[0] == "infer") return Operation::kModelInfer;
  if (rest[0] == "config") return Operation::kModelConfig;
  if (rest[0] == "stats") return Operation::kModelStatistics;
  return std::nullopt;
}

// What follows /v2/models.
std::optional<Route> ParseModel(Segments rest) {
  if (rest.empty()) return std::nullopt;
  if (rest.size() == 1 && rest[0] == "stats") return Route{Operation::kModelStatistics};
  Route route{Operation::kModelMetadata, rest[0]};
  rest.remove_prefix(1);
  if (rest.size() >= 2 && rest[0] == "versions") {
    route.version = rest[1];
    rest.remove_prefix(2);
  }
  const std::optional<Operation> operation = ParseModelVerb(rest);
  if (!operation) return std::nullopt;
  route.operation = *operation;
  return route;
}

// What follows /v2/repository.
std::optional<Route> ParseRepository(Segments rest) {
  Route route{Operation::kRepositoryIndex};
  const bool named = !rest.empty() && rest[0] != "index" && !(rest[0] == "models" && rest.size() == 3);
  if (named) {
    route.repository = rest[0];
    rest.remove_prefix(1);
  }
  if (rest.size() == 1 && rest[0] == "index") return route;
  if (rest.size() != 3 || rest[0] != "models") return std::nullopt;
  route.model = rest[1];
  if (rest[2] != "load" && rest[2] != "unload") return std::nullopt;
  route.operation = rest[2] == "load" ? Operation::kModelLoad : Operation::kModelUnload;
  return route;
}

// What follows /v2.
std::optional<Route> ParseV2(Segments rest) {
  if (rest.empty()) return Route{Operation::kServerMetadata};
  const std::string& first = rest[0];
  rest.remove_prefix(1);
  if (first == "models") return ParseModel(rest);
  if (first == "repository") return ParseRepository(rest);
  if (first == "systemsharedmemory") return Route{Operation::kSystemSharedMemory};
  if (first == "cudasharedmemory") return Route{Operation::kCudaSharedMemory};
  if (first == "logging" && rest.empty()) return Route{Operation::kLogSettings};
  if (first == "trace" && rest.size() == 1 && rest[0] == "setting") return Route{Operation::kTraceSetting};
  if (first == "health" && rest.size() == 1 && rest[0] == "live") return Route{Operation::kServerLive};
  if (first == "health" && rest.size() == 1 && rest[0] == "ready") return Route{Operation::kServerReady};
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Route> ParsePath(std::string_view path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> segments, Split(path));
  if (!segments.empty() && segments[0] == "v2") {
    if (const std::optional<Route> route = ParseV2(Segments(segments).subspan(1))) return *route;
  }
  return absl::NotFoundError("path: expected one of the Open Inference Protocol, below /v2");
}

const char* RpcOf(RestOperation operation) {
  switch (operation) {
    case Operation::kServerLive:
      return "/inference.GRPCInferenceService/ServerLive";
    case Operation::kServerReady:
      return "/inference.GRPCInferenceService/ServerReady";
    case Operation::kServerMetadata:
      return "/inference.GRPCInferenceService/ServerMetadata";
    case Operation::kModelReady:
      return "/inference.GRPCInferenceService/ModelReady";
    case Operation::kModelMetadata:
      return "/inference.GRPCInferenceService/ModelMetadata";
    case Operation::kModelInfer:
      return "/inference.GRPCInferenceService/ModelInfer";
    case Operation::kModelConfig:
      return "/inference.GRPCInferenceService/ModelConfig";
    case Operation::kModelStatistics:
      return "/inference.GRPCInferenceService/ModelStatistics";
    case Operation::kRepositoryIndex:
      return "/inference.GRPCInferenceService/RepositoryIndex";
    case Operation::kModelLoad:
      return "/inference.GRPCInferenceService/RepositoryModelLoad";
    case Operation::kModelUnload:
      return "/inference.GRPCInferenceService/RepositoryModelUnload";
    case Operation::kTraceSetting:
      return "/inference.GRPCInferenceService/TraceSetting";
    case Operation::kLogSettings:
      return "/inference.GRPCInferenceService/LogSettings";
    case Operation::kSystemSharedMemory:
      return "/inference.GRPCInferenceService/SystemSharedMemoryStatus";
    case Operation::kCudaSharedMemory:
      return "/inference.GRPCInferenceService/CudaSharedMemoryStatus";
  }
  return "";
}

const char* AllowedMethods(RestOperation operation) {
  switch (operation) {
    case Operation::kModelInfer:
    case Operation::kRepositoryIndex:
    case Operation::kModelLoad:
    case Operation::kModelUnload:
      return "POST";
    case Operation::kTraceSetting:
    case Operation::kLogSettings:
    case Operation::kSystemSharedMemory:
    case Operation::kCudaSharedMemory:
      return "GET, HEAD, POST";
    default:
      return "GET, HEAD";
  }
}

bool Allows(RestOperation operation, std::string_view method) {
  for (const absl::string_view allowed : absl::StrSplit(AllowedMethods(operation), ", ")) {
    if (allowed == absl::string_view(method.data(), method.size())) return true;
  }
  return false;
}

}  // namespace beak
