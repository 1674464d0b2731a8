#include "server/http/route.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "engine/base/check.h"
#include "engine/base/status.h"

namespace beak {
namespace {

using Segments = absl::Span<const std::string>;
using Operation = RestOperation;

constexpr char kGet[] = "GET, HEAD";
constexpr char kPost[] = "POST";
constexpr char kBoth[] = "GET, HEAD, POST";

absl::StatusOr<std::string> Unescape(std::string_view segment) {
  std::string text;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    const std::string_view digits = segment.substr(i + 1, 2);
    const char* const end = digits.data() + digits.size();
    uint8_t byte = 0;
    if (digits.size() < 2 || std::from_chars(digits.data(), end, byte, 16).ptr != end) {
      return absl::InvalidArgumentError("path: expected two hexadecimal digits after each %");
    }
    text += static_cast<char>(byte);
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

const RestRule& RuleOf(RestOperation operation) {
  // In the order of the enumeration.
  static constexpr RestRule kRules[] = {
      {Operation::kServerLive, "/inference.GRPCInferenceService/ServerLive", kGet, nullptr},
      {Operation::kServerReady, "/inference.GRPCInferenceService/ServerReady", kGet, nullptr},
      {Operation::kServerMetadata, "/inference.GRPCInferenceService/ServerMetadata", kGet, nullptr},
      {Operation::kModelReady, "/inference.GRPCInferenceService/ModelReady", kGet, nullptr},
      {Operation::kModelMetadata, "/inference.GRPCInferenceService/ModelMetadata", kGet, nullptr},
      {Operation::kModelInfer, "/inference.GRPCInferenceService/ModelInfer", kPost, nullptr},
      {Operation::kModelConfig, "/inference.GRPCInferenceService/ModelConfig", kGet, nullptr},
      {Operation::kModelStatistics, "/inference.GRPCInferenceService/ModelStatistics", kGet, nullptr},
      {Operation::kRepositoryIndex, "/inference.GRPCInferenceService/RepositoryIndex", kPost, nullptr},
      {Operation::kModelLoad, "/inference.GRPCInferenceService/RepositoryModelLoad", kPost, nullptr},
      {Operation::kModelUnload, "/inference.GRPCInferenceService/RepositoryModelUnload", kPost, nullptr},
      {Operation::kTraceSetting, "/inference.GRPCInferenceService/TraceSetting", kBoth, "TraceSetting"},
      {Operation::kLogSettings, "/inference.GRPCInferenceService/LogSettings", kBoth, "LogSettings"},
      {Operation::kSystemSharedMemory, "/inference.GRPCInferenceService/SystemSharedMemoryStatus", kBoth,
       "shared memory"},
      {Operation::kCudaSharedMemory, "/inference.GRPCInferenceService/CudaSharedMemoryStatus", kBoth,
       "CUDA shared memory"},
  };
  const RestRule& rule = kRules[static_cast<size_t>(operation)];
  BEAK_CHECK(rule.operation == operation);
  return rule;
}

bool Allows(const RestRule& rule, std::string_view method) {
  for (const absl::string_view allowed : absl::StrSplit(rule.methods, ", ")) {
    if (allowed == absl::string_view(method.data(), method.size())) return true;
  }
  return false;
}

}  // namespace beak
