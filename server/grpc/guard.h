#pragma once

#include <grpcpp/support/server_callback.h>

#include <string_view>

#include "absl/status/status.h"
#include "proto/wire/status.h"
#include "server/observe/audit.h"
#include "server/security/gatekeeper.h"

namespace beak {

// A call that ends with a status and does nothing else. Owns itself.
template <typename Reactor>
class RefusedCall final : public Reactor {
 public:
  explicit RefusedCall(const absl::Status& reason) { this->Finish(wire::ToGrpcStatus(reason)); }
  void OnDone() override { delete this; }
};

// Asks the gatekeeper for calls of gRPC. Every handler does so before anything else: gRPC's interceptors cannot end a
// call with a status, and its metadata processors need TLS. *Thread-safe.* The gatekeeper must outlive it.
class Guard {
 public:
  explicit Guard(const Gatekeeper& gatekeeper) : gatekeeper_(gatekeeper) {}

  // Null where the call may go on; `caller`, if given, says whose it is. Otherwise what the handler is to return.
  // `method` is its full name, "/package.Service/Method".
  template <typename Reactor>
  Reactor* Refuse(grpc::CallbackServerContext& context, std::string_view method, Caller* caller = nullptr) const {
    const absl::Status admitted = Admit(context, method, caller);
    return admitted.ok() ? nullptr : new RefusedCall<Reactor>(admitted);
  }

 private:
  absl::Status Admit(grpc::CallbackServerContext& context, std::string_view method, Caller* caller) const;

  const Gatekeeper& gatekeeper_;
};

}  // namespace beak
