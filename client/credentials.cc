#include "client/credentials.h"

#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace beak::client {

absl::Status CheckSecurity(const Security& security) {
  if (security.certificate.empty() != security.key.empty()) {
    return absl::InvalidArgumentError("security: expected certificate and key together, got one of them");
  }
  if (security.ca.empty() && (!security.certificate.empty() || !security.server_name.empty())) {
    return absl::InvalidArgumentError("security: expected ca with certificate, key and server_name, got none");
  }
  const auto visible = [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); };
  if (!std::all_of(security.token.begin(), security.token.end(), visible)) {
    return absl::InvalidArgumentError("security: expected a token of visible ASCII, got other characters");
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const Security& security,
                                                                 grpc::ChannelArguments& arguments) {
  if (security.ca.empty()) return grpc::InsecureChannelCredentials();
  if (!security.server_name.empty()) arguments.SetSslTargetNameOverride(security.server_name);
  return grpc::SslCredentials({security.ca, security.key, security.certificate});
}

// By hand: gRPC's own credentials of calls are refused without TLS.
void Authorize(const Security& security, grpc::ClientContext& context) {
  if (!security.token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", security.token));
}

}  // namespace beak::client
