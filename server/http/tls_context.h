#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/security/tls_watch.h"

namespace beak {

// What connections are encrypted with: the files as they are, read again when they have changed.
// *Thread-compatible.*
class TlsContexts {
 public:
  // INVALID_ARGUMENT: which file is wrong, and how.
  // `watch` must outlive it.
  static absl::StatusOr<std::unique_ptr<TlsContexts>> Create(TlsWatch& watch);

  // For a connection that begins now. What cannot be used is logged, and what was there before stays.
  std::shared_ptr<boost::asio::ssl::context> Current();

 private:
  explicit TlsContexts(TlsWatch& watch) : watch_(watch) {}
  absl::Status Read();

  TlsWatch& watch_;
  std::shared_ptr<const TlsContents> contents_;  // of context_, or of an attempt that failed
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace beak
