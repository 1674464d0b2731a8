#include "server/grpc/call_context.h"

#include <grpc/support/time.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"
#include "proto/wire/status.h"

namespace beak {

// gRPC keeps it on a clock of its own choice, so it is carried over as time left.
MonotonicTime DeadlineOf(const grpc::CallbackServerContext& context, MonotonicTime now) {
  constexpr int64_t kForever = int64_t{10} * 365 * 24 * 3600;
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  if (left.tv_sec > kForever) return kNever;
  if (left.tv_sec < 0) return now;
  return now + std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec);
}

std::string_view MetadataOf(const grpc::CallbackServerContext& context, const char* key) {
  const auto entry = context.client_metadata().find(key);
  if (entry == context.client_metadata().end()) return {};
  return {entry->second.data(), entry->second.size()};
}

std::optional<TraceContext> TraceContextOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  const auto [first, last] = metadata.equal_range("traceparent");
  if (first == last || std::next(first) != last) return std::nullopt;
  return ParseTraceparent({first->second.data(), first->second.size()});
}

// Clients read a number below 0 as "do not retry".
grpc::Status ToFinalStatus(const absl::Status& status, grpc::CallbackServerContext& context) {
  if (const std::optional<std::chrono::milliseconds> delay = RetryAfter(status)) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(std::max<int64_t>(delay->count(), 0)));
  }
  return wire::ToGrpcStatus(status);
}

}  // namespace beak
