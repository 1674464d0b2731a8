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
  ASSIGN_OR_RETURN(std::string name, gatekeeper_.Admit(method, MetadataOf(context, "authorization")));
  if (caller == nullptr) return absl::OkStatus();
  if (name == Gatekeeper::kAnonymous) {
    if (std::string certificate = CertificateName(context); !certificate.empty()) name = std::move(certificate);
  }
  *caller = {std::move(name), context.peer()};
  return absl::OkStatus();
}

}  // namespace beak
