#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"

namespace beak {

// Who may call what. The one place that decides it, for every method of every front end: a REST route asks under the
// name of the RPC that does the same. *Thread-safe.*
class Gatekeeper {
 public:
  // What callers are called that are not asked for a token.
  static constexpr char kAnonymous[] = "anonymous";

  // Nobody is asked for a token where `token_file` is "". Otherwise the file is read now, and looked at again with the
  // first call of each second: a change that cannot be read is logged once, and what was known before stays.
  // INVALID_ARGUMENT, NOT_FOUND: the file, its line, and what is wrong there.
  static absl::StatusOr<std::unique_ptr<Gatekeeper>> Create(const std::string& token_file,
                                                            const Clock& clock = Clock::Real());
  virtual ~Gatekeeper() = default;

  // `method` as gRPC writes it, "/inference.GRPCInferenceService/ModelInfer", or a path of HTTP that has no such name:
  // "/metrics". `authorization` is that header as it came, "" where there is none; `certificate_name` the common name
  // of the certificate that the client has shown, "" where it has not. Returns the caller's name for audit lines: the
  // token's, else the certificate's, else kAnonymous. UNAUTHENTICATED without a token that is known,
  // PERMISSION_DENIED where its roles do not cover the method. A method that no table names needs the admin's role.
  absl::StatusOr<std::string> Admit(std::string_view method, std::string_view authorization,
                                    std::string_view certificate_name = "") const {
    absl::StatusOr<std::string> token = AdmitToken(method, authorization);
    if (!token.ok() || !token->empty()) return token;
    return certificate_name.empty() ? kAnonymous : std::string(certificate_name);
  }

 private:
  // The name of the token, "" where none is asked for.
  virtual absl::StatusOr<std::string> AdmitToken(std::string_view method, std::string_view authorization) const = 0;
};

}  // namespace beak
