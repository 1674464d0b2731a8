#include "server/http/status.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"

namespace beak {

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

HttpResponse ToHttp(const absl::Status& status) {
  HttpResponse response;
  response.status = HttpStatusOf(status.code());
  response.content_type = "application/json";
  // Texts may hold bytes of the request.
  response.body = nlohmann::json{{"error", std::string(status.message())}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (const std::optional<std::chrono::milliseconds> delay = RetryAfter(status)) {
    // HTTP counts in whole seconds.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*delay).count();
    response.headers.emplace_back("Retry-After", absl::StrCat(std::max<int64_t>(seconds, 1)));
  }
  if (status.code() == absl::StatusCode::kUnauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace beak
