#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "server/observe/trace_context.h"

namespace grpc {
class CallbackServerContext;
class Status;
}  // namespace grpc

// What calls that predict read from, and leave in, the context that gRPC gives them.
namespace beak {

// The call's deadline on our clock; `now` where it has passed, kNever where there is none.
MonotonicTime DeadlineOf(const grpc::CallbackServerContext& context, MonotonicTime now);

// The first value of a key in the metadata that the client sent, "" where there is none. Lives as long as the context.
std::string_view MetadataOf(const grpc::CallbackServerContext& context, const char* key);

// The trace that the call is part of, by the metadata that the client sent. A `traceparent` that makes no sense, or
// that stands there more than once, counts as none.
std::optional<TraceContext> TraceContextOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

// The status that the call is to finish with. A retry hint in it goes into the trailing metadata.
grpc::Status ToFinalStatus(const absl::Status& status, grpc::CallbackServerContext& context);

}  // namespace beak
