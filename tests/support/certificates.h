#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "engine/base/check.h"

namespace beak::testing {

struct PemPair {
  std::string certificate;
  std::string key;
};

// An authority that signs certificates, made anew with each object. Link OpenSSL::Crypto.
class CertificateAuthority {
 public:
  CertificateAuthority() : key_(NewKey()) {
    certificate_ = Make("test authority", key_.get(), nullptr, "CA:TRUE", 3600);
    pem_ = Pem(certificate_.get());
  }

  const std::string& pem() const { return pem_; }

  // For "localhost" and 127.0.0.1; `seconds` from now it ends, before now where that is negative.
  PemPair Issue(const std::string& common_name, long seconds = 3600) const {
    const Key key = NewKey();
    const Certificate certificate = Make(common_name, key.get(), certificate_.get(), "CA:FALSE", seconds);
    return {Pem(certificate.get()), Pem(key.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

  static Key NewKey() {
    Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    BEAK_CHECK(key != nullptr);
    return key;
  }

  // Signed by this authority's key.
  Certificate Make(const std::string& name, EVP_PKEY* key, X509* issuer, const char* constraints, long seconds) const {
    Certificate made(X509_new(), &X509_free);
    X509_set_version(made.get(), 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
    Extend(made.get(), NID_basic_constraints, constraints);
    if (issuer != nullptr) Extend(made.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    BEAK_CHECK(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
    return made;
  }
  static void Extend(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    BEAK_CHECK(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static std::string Pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate);
    return Contents(bio.get());
  }
  static std::string Pem(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return Contents(bio.get());
  }
  static std::string Contents(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<size_t>(size));
  }

  const Key key_;
  Certificate certificate_{nullptr, &X509_free};
  std::string pem_;
};

}  // namespace beak::testing
