#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// PEM files that a front end encrypts with. All empty: it does not.
struct TlsFiles {
  std::string certificate;  // chain, the server's own first
  std::string key;
  std::string client_ca;  // empty: clients need no certificate

  bool enabled() const { return !certificate.empty(); }
};

// What was in them, so that a front end can tell whether that has changed.
struct TlsContents {
  std::string certificate;
  std::string key;
  std::string client_ca;

  friend bool operator==(const TlsContents&, const TlsContents&) = default;
};

// Reads the files and checks that they parse and that the key is the certificate's, as far as they are given.
// INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED: which flag's file, and what is wrong with it.
absl::StatusOr<TlsContents> ReadTlsFiles(const TlsFiles& files);
// Warns in the log of a certificate that is out of date and of a key that everybody may read.
void WarnOfTlsFiles(const TlsFiles& files);

}  // namespace beak
