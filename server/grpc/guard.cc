#include "server/grpc/guard.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "server/grpc/call_context.h"

namespace beak {
namespace {

// The common name of the certificate that the client has shown, "" where it had to show none.
std::string CertificateName(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const std::vector<grpc::string_ref> names = auth->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
  return names.empty() ? "" : std::string(names[0].data(), names[0].size());
}

}  // namespace

absl::Status Guard::Admit(grpc::CallbackServerContext& context, std::string_view method, Caller* caller) const {
  const std::string_view authorization = MetadataOf(context, "authorization");
  if (caller == nullptr) return gatekeeper_.Admit(method, authorization).status();
  ASSIGN_OR_RETURN(caller->name, gatekeeper_.Admit(method, authorization, CertificateName(context)));
  caller->peer = context.peer();
  return absl::OkStatus();
}

}  // namespace beak
