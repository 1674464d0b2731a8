#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace beak {

// An error as HTTP has it: DESIGN's table of codes, the text as {"error": "..."}, and a retry hint as Retry-After.
HttpResponse ToHttp(const absl::Status& status);

// The number of that table.
int HttpStatusOf(absl::StatusCode code);

}  // namespace beak
