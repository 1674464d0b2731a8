#pragma once

#include <memory>

#include "absl/status/status.h"
#include "client/security.h"

namespace grpc {
class ChannelArguments;
class ChannelCredentials;
class ClientContext;
}  // namespace grpc

namespace beak::client {

// INVALID_ARGUMENT: which part of it cannot be, and why.
absl::Status CheckSecurity(const Security& security);

// What a channel is made with; sets what else it takes in `arguments`. REQUIRES: CheckSecurity says OK.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const Security& security,
                                                                 grpc::ChannelArguments& arguments);

// Puts the token, if there is one, into a call that has not begun.
void Authorize(const Security& security, grpc::ClientContext& context);

}  // namespace beak::client
