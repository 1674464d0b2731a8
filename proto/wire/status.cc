#include "proto/wire/status.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace beak::wire {
namespace {

struct CodePair {
  absl::StatusCode absl;
  grpc::StatusCode grpc;
};

constexpr CodePair kCodes[] = {
    {absl::StatusCode::kOk, grpc::StatusCode::OK},
    {absl::StatusCode::kCancelled, grpc::StatusCode::CANCELLED},
    {absl::StatusCode::kUnknown, grpc::StatusCode::UNKNOWN},
    {absl::StatusCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
    {absl::StatusCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
    {absl::StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND},
    {absl::StatusCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
    {absl::StatusCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
    {absl::StatusCode::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED},
    {absl::StatusCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {absl::StatusCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
    {absl::StatusCode::kAborted, grpc::StatusCode::ABORTED},
    {absl::StatusCode::kOutOfRange, grpc::StatusCode::OUT_OF_RANGE},
    {absl::StatusCode::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED},
    {absl::StatusCode::kInternal, grpc::StatusCode::INTERNAL},
    {absl::StatusCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {absl::StatusCode::kDataLoss, grpc::StatusCode::DATA_LOSS},
};

std::string Cut(absl::string_view message) {
  if (message.size() <= kMaxStatusMessageBytes) return std::string(message);
  size_t end = kMaxStatusMessageBytes - 3;
  // Step back over UTF-8 continuation bytes (10xxxxxx), so that no character is left half.
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  return std::string(message.substr(0, end)) + "...";
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // absl::Status::code() never leaves the enumeration: it maps what it does not know to kUnknown itself.
  const CodePair* pair = std::find_if(std::begin(kCodes), std::end(kCodes),
                                      [&](const CodePair& row) { return row.absl == status.code(); });
  return grpc::Status(pair == std::end(kCodes) ? grpc::StatusCode::UNKNOWN : pair->grpc, Cut(status.message()));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  const CodePair* pair = std::find_if(std::begin(kCodes), std::end(kCodes),
                                      [&](const CodePair& row) { return row.grpc == status.error_code(); });
  return absl::Status(pair == std::end(kCodes) ? absl::StatusCode::kUnknown : pair->absl, status.error_message());
}

}  // namespace beak::wire
