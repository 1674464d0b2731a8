#include "server/security/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr int64_t kMaxPemBytes = int64_t{1} << 20;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

// OpenSSL would ask the terminal for the password of an encrypted key.
int NoPassword(char*, int, int, void*) { return -1; }

Bio BytesOf(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// A flag's file, with what is wrong there.
absl::Status Wrong(const char* flag, const std::string& path, const char* expected) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(flag, "=", path, ": expected ", expected, ", got something else"));
}

absl::StatusOr<std::string> ReadPem(const char* flag, const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kMaxPemBytes);
  if (text.ok()) return text;
  return absl::Status(text.status().code(), absl::StrCat(flag, ": ", std::string(text.status().message())));
}

// The first of a PEM text; null where it holds none.
Certificate FirstCertificate(const std::string& text) {
  return Certificate(PEM_read_bio_X509(BytesOf(text).get(), nullptr, NoPassword, nullptr));
}

void WarnOfDates(const X509& certificate, const std::string& path) {
  const bool late = X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0;
  const bool early = X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0;
  if (late) LogWarning("certificate has expired", {{"file", path}});
  if (early) LogWarning("certificate is not valid yet", {{"file", path}});
}

void WarnIfOthersMayRead(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || (info.st_mode & S_IROTH) == 0) return;
  LogWarning("private key may be read by everybody", {{"file", path}});
}

absl::Status CheckPair(const TlsFiles& files, const TlsContents& contents) {
  const Certificate certificate = FirstCertificate(contents.certificate);
  if (!certificate) return Wrong("--tls-cert", files.certificate, "a certificate in PEM");
  const Key key(PEM_read_bio_PrivateKey(BytesOf(contents.key).get(), nullptr, NoPassword, nullptr));
  if (!key) return Wrong("--tls-key", files.key, "a private key in PEM that no password protects");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Wrong("--tls-key", files.key, absl::StrCat("the key of ", files.certificate).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TlsContents> ReadTlsFiles(const TlsFiles& files) {
  if (files.certificate.empty() != files.key.empty()) {
    return absl::InvalidArgumentError("expected --tls-cert and --tls-key together, got one of them");
  }
  if (!files.client_ca.empty() && !files.enabled()) {
    return absl::InvalidArgumentError("--tls-client-ca: expected --tls-cert and --tls-key with it, got none");
  }
  TlsContents contents;
  if (!files.enabled()) return contents;
  ASSIGN_OR_RETURN(contents.certificate, ReadPem("--tls-cert", files.certificate));
  ASSIGN_OR_RETURN(contents.key, ReadPem("--tls-key", files.key));
  RETURN_IF_ERROR(CheckPair(files, contents));
  if (files.client_ca.empty()) return contents;
  ASSIGN_OR_RETURN(contents.client_ca, ReadPem("--tls-client-ca", files.client_ca));
  if (!FirstCertificate(contents.client_ca)) {
    return Wrong("--tls-client-ca", files.client_ca, "certificates in PEM");
  }
  return contents;
}

void WarnOfTlsFiles(const TlsFiles& files) {
  if (!files.enabled()) return;
  const absl::StatusOr<std::string> text = ReadFile(files.certificate, kMaxPemBytes);
  const Certificate certificate = text.ok() ? FirstCertificate(*text) : nullptr;
  if (certificate) WarnOfDates(*certificate, files.certificate);
  WarnIfOthersMayRead(files.key);
}

}  // namespace beak
