#include "server/security/tls_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/certificates.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::HasSubstr;

class TlsWatchTest : public ::testing::Test {
 protected:
  void Write(const testing::PemPair& pair) {
    files_ = {dir_.Write("cert.pem", pair.certificate), dir_.Write("key.pem", pair.key), ""};
  }

  testing::TempDir dir_;
  testing::CertificateAuthority authority_;
  testing::FakeClock clock_;
  TlsFiles files_;
};

TEST_F(TlsWatchTest, AnotherCertificateIsSeenWithinASecond) {
  Write(authority_.Issue("first"));
  const auto watch = WatchTlsFiles(files_, clock_);
  ASSERT_OK(watch);
  const auto first = (*watch)->Current();
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ((*watch)->Current(), first) << "the same contents are the same pointer";
  const testing::PemPair second = authority_.Issue("second");
  Write(second);
  clock_.Advance(std::chrono::milliseconds(999));
  EXPECT_EQ((*watch)->Current(), first);
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ((*watch)->Current()->certificate, second.certificate);
}

TEST_F(TlsWatchTest, FilesThatDoNotBelongTogetherAreLoggedOnceAndLeftAlone) {
  const testing::PemPair good = authority_.Issue("good");
  Write(good);
  const auto watch = WatchTlsFiles(files_, clock_);
  ASSERT_OK(watch);
  ::testing::internal::CaptureStderr();
  Write({authority_.Issue("half").certificate, good.key});
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(std::chrono::seconds(1));
    EXPECT_EQ((*watch)->Current()->certificate, good.certificate);
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("the one before it stays"));
  EXPECT_EQ(log.find("error"), log.rfind("error")) << log;

  std::filesystem::remove(files_.key);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ((*watch)->Current()->key, good.key);
  const testing::PemPair whole = authority_.Issue("whole");
  Write(whole);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ((*watch)->Current()->key, whole.key);
}

TEST_F(TlsWatchTest, FilesThatAreBadFromTheStartAreAnError) {
  Write({"", ""});
  EXPECT_EQ(WatchTlsFiles(files_, clock_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TlsWatchTest, WithoutFilesNothingIsEncrypted) {
  ASSERT_OK_AND_ASSIGN(const auto none, WatchTlsFiles({}, clock_));
  EXPECT_EQ(none, nullptr);
}

TEST_F(TlsWatchTest, FilesWithoutTheOthersThatBelongToThemAreAnError) {
  Write(authority_.Issue("server"));
  for (const TlsFiles& part : {TlsFiles{"", files_.key, ""}, TlsFiles{files_.certificate, "", ""},
                               TlsFiles{"", "", dir_.Write("ca.pem", authority_.pem())}}) {
    EXPECT_EQ(WatchTlsFiles(part, clock_).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace beak
