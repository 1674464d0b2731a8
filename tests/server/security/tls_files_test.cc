#include "server/security/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() {
    const testing::PemPair pair = authority_.Issue("server");
    files_ = {dir_.Write("cert.pem", pair.certificate), dir_.Write("key.pem", pair.key),
              dir_.Write("ca.pem", authority_.pem())};
    chmod(files_.key.c_str(), 0600);
  }
  std::string Warnings(const TlsFiles& files) {
    ::testing::internal::CaptureStderr();
    WarnOfTlsFiles(files);
    return ::testing::internal::GetCapturedStderr();
  }

  testing::TempDir dir_;
  testing::CertificateAuthority authority_;
  TlsFiles files_;
};

TEST_F(TlsFilesTest, FilesThatBelongTogetherAreRead) {
  const auto contents = ReadTlsFiles(files_);
  ASSERT_OK(contents);
  EXPECT_EQ(contents->client_ca, authority_.pem());
  EXPECT_EQ(*contents, *ReadTlsFiles(files_));
  EXPECT_OK(ReadTlsFiles({files_.certificate, files_.key, ""}));
  EXPECT_EQ(*ReadTlsFiles({}), TlsContents()) << "no TLS";
  EXPECT_EQ(Warnings(files_), "");
}

struct BadFiles {
  TlsFiles files;
  std::vector<std::string> says;
};

TEST_F(TlsFilesTest, WhatIsWrongIsToldWithTheFlag) {
  const testing::PemPair other = authority_.Issue("other");
  const std::string other_key = dir_.Write("other.pem", other.key), empty = dir_.Write("empty", ""),
                    rubbish = dir_.Write("rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                    large = dir_.Write("large", std::string((1 << 20) + 1, 'x'));
  const std::string locked = dir_.Write("locked.pem",
                                        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                        "MIIBHDBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n"
                                        "-----END ENCRYPTED PRIVATE KEY-----\n");
  const std::vector<BadFiles> cases = {
      {{files_.certificate, "", ""}, {"--tls-cert and --tls-key together"}},
      {{"", files_.key, ""}, {"--tls-cert and --tls-key together"}},
      {{"", "", files_.client_ca}, {"--tls-client-ca"}},
      {{dir_ / "nosuch", files_.key, ""}, {"--tls-cert", "nosuch"}},
      {{files_.certificate, dir_ / "nosuch", ""}, {"--tls-key", "nosuch"}},
      {{files_.certificate, files_.key, dir_ / "nosuch"}, {"--tls-client-ca", "nosuch"}},
      {{empty, files_.key, ""}, {"--tls-cert", "a certificate in PEM"}},
      {{rubbish, files_.key, ""}, {"--tls-cert", "a certificate in PEM"}},
      {{files_.key, files_.key, ""}, {"--tls-cert", "a certificate in PEM"}},
      {{large, files_.key, ""}, {"--tls-cert", "at most"}},
      {{dir_.path(), files_.key, ""}, {"--tls-cert"}},
      {{files_.certificate, empty, ""}, {"--tls-key", "a private key in PEM"}},
      {{files_.certificate, files_.certificate, ""}, {"--tls-key", "a private key in PEM"}},
      {{files_.certificate, locked, ""}, {"--tls-key", "no password"}},
      {{files_.certificate, other_key, ""}, {"--tls-key", "the key of " + files_.certificate}},
      {{files_.certificate, files_.key, files_.key}, {"--tls-client-ca", "certificates in PEM"}},
  };
  for (const BadFiles& bad : cases) {
    const auto read = ReadTlsFiles(bad.files);
    ASSERT_FALSE(read.ok()) << bad.says[0];
    for (const std::string& says : bad.says) EXPECT_THAT(std::string(read.status().message()), HasSubstr(says));
  }
}

TEST_F(TlsFilesTest, OutOfDateAndOpenFilesAreWarnedOf) {
  const testing::PemPair late = authority_.Issue("late", -60);
  dir_.Write("cert.pem", late.certificate);
  dir_.Write("key.pem", late.key);
  EXPECT_OK(ReadTlsFiles(files_)) << "that is for clients to decide";
  EXPECT_THAT(Warnings(files_), AllOf(HasSubstr("has expired"), Not(HasSubstr("everybody"))));
  chmod(files_.key.c_str(), 0644);
  EXPECT_THAT(Warnings(files_), HasSubstr("may be read by everybody"));
}

}  // namespace
}  // namespace beak
