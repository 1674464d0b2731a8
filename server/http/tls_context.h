#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "absl/status/statusor.h"
#include "server/security/tls_files.h"

namespace beak {

// What connections are encrypted with: the files as they are, read again when they have changed.
// *Thread-compatible.*
class TlsContexts {
 public:
  // INVALID_ARGUMENT: which file is wrong, and how.
  static absl::StatusOr<std::unique_ptr<TlsContexts>> Create(const TlsFiles& files);
  virtual ~TlsContexts() = default;

  // For a connection that begins now. What cannot be used is logged, and what was there before stays.
  virtual std::shared_ptr<boost::asio::ssl::context> Current() = 0;
};

}  // namespace beak
