#include "server/security/gatekeeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/security/roles.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_line.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TokenLine;

constexpr char kInfer[] = "/inference.GRPCInferenceService/ModelInfer";
constexpr char kLoad[] = "/inference.GRPCInferenceService/RepositoryModelLoad";
constexpr char kIndex[] = "/inference.GRPCInferenceService/RepositoryIndex";
constexpr char kHealth[] = "/grpc.health.v1.Health/Check";

class GatekeeperTest : public ::testing::Test {
 protected:
  std::unique_ptr<Gatekeeper> Open(const std::string& text) {
    file_ = dir_.Write("tokens", text);
    auto gate = Gatekeeper::Create(file_, clock_);
    EXPECT_OK(gate);
    return *std::move(gate);
  }
  // Another file under the same name, a moment later.
  void Replace(const std::string& text) {
    dir_.Write("tokens.new", text);
    std::filesystem::rename(dir_ / "tokens.new", file_);
    clock_.Advance(std::chrono::seconds(1));
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::string file_;
};

TEST_F(GatekeeperTest, WithoutAFileNobodyIsAsked) {
  const auto gate = Gatekeeper::Create("");
  ASSERT_OK(gate);
  for (const char* method : {kInfer, kLoad, "/nonsense"}) {
    EXPECT_EQ(*(*gate)->Admit(method, ""), Gatekeeper::kAnonymous);
    EXPECT_EQ(*(*gate)->Admit(method, "Bearer anything"), Gatekeeper::kAnonymous);
  }
}

TEST_F(GatekeeperTest, ATokenOpensWhatItsRolesCover) {
  const auto gate = Open(TokenLine("ci", "predict", "secret-1") + TokenLine("ops", "admin,metrics", "secret-2"));
  EXPECT_EQ(*gate->Admit(kInfer, "Bearer secret-1"), "ci");
  EXPECT_EQ(*gate->Admit(kIndex, "Bearer secret-1"), "ci");
  EXPECT_EQ(*gate->Admit(kIndex, "Bearer secret-2"), "ops");
  EXPECT_EQ(*gate->Admit(kLoad, "Bearer secret-2"), "ops");
  EXPECT_EQ(*gate->Admit("/metrics", "Bearer secret-2"), "ops");
  EXPECT_EQ(*gate->Admit("/what/comes/next", "Bearer secret-2"), "ops");
  for (const auto& [method, token] : {std::pair(kLoad, "secret-1"), std::pair(kInfer, "secret-2"),
                                      std::pair("/metrics", "secret-1"), std::pair("/what/comes/next", "secret-1")}) {
    EXPECT_EQ(gate->Admit(method, absl::StrCat("Bearer ", token)).status().code(), absl::StatusCode::kPermissionDenied)
        << method;
  }
  EXPECT_THAT(std::string(gate->Admit(kLoad, "Bearer secret-1").status().message()),
              AllOf(HasSubstr("'ci'"), HasSubstr("admin"), HasSubstr(kLoad)));
}

TEST_F(GatekeeperTest, WhatIsOpenNeedsNoToken) {
  const auto gate = Open(TokenLine("ci", "predict", "secret"));
  for (const char* header : {"", "Bearer secret", "Bearer wrong", "rubbish"}) {
    EXPECT_EQ(*gate->Admit(kHealth, header), Gatekeeper::kAnonymous) << header;
  }
}

TEST_F(GatekeeperTest, TheHeaderIsReadAsBearersWriteIt) {
  const auto gate = Open(TokenLine("ci", "predict", "secret"));
  for (const char* header : {"Bearer secret", "bearer secret", "BEARER secret", "Bearer   secret", "Bearer secret "}) {
    EXPECT_OK(gate->Admit(kInfer, header)) << header;
  }
  for (const std::string& header : std::vector<std::string>{
           "", "secret", "Bearer", "Bearer ", "Bearer    ", "Bearersecret", "Basic secret", "Bearer secre",
           "Bearer secrets", "Bearer Secret", "Bearer secret secret", " Bearer secret", "Bearer\tsecret",
           std::string("Bearer secret\0", 14), "Bearer " + std::string(1 << 20, 'x')}) {
    const absl::Status refused = gate->Admit(kInfer, header).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated) << header.substr(0, 40);
    EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("secre"))) << "what was sent is nobody's business";
  }
}

TEST_F(GatekeeperTest, AFileWithoutTokensAdmitsNobody) {
  const auto gate = Open("# none yet\n");
  EXPECT_EQ(gate->Admit(kInfer, "Bearer x").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_OK(gate->Admit(kHealth, ""));
}

TEST_F(GatekeeperTest, AFileThatCannotBeReadIsAnErrorAtStart) {
  const auto missing = Gatekeeper::Create(dir_ / "nosuch", clock_);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), AllOf(HasSubstr("--token-file"), HasSubstr("nosuch")));
  const std::string bad = dir_.Write("bad", "ci predict\n");
  EXPECT_THAT(std::string(Gatekeeper::Create(bad, clock_).status().message()), HasSubstr(bad + ":1: expected"));
  EXPECT_FALSE(Gatekeeper::Create(dir_.path(), clock_).ok()) << "a folder";
  const std::string large = dir_.Write("large", std::string((1 << 20) + 1, '\n'));
  EXPECT_EQ(Gatekeeper::Create(large, clock_).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(GatekeeperTest, AChangeCountsWithinASecondAndNotBefore) {
  const auto gate = Open(TokenLine("ci", "predict", "old"));
  EXPECT_OK(gate->Admit(kInfer, "Bearer old"));
  dir_.Write("tokens", TokenLine("ci", "predict", "new"));
  clock_.Advance(std::chrono::milliseconds(999));
  EXPECT_OK(gate->Admit(kInfer, "Bearer old"));
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ(gate->Admit(kInfer, "Bearer old").status().code(), absl::StatusCode::kUnauthenticated)
      << "the first call after it already";
  EXPECT_OK(gate->Admit(kInfer, "Bearer new"));
}

TEST_F(GatekeeperTest, AFileThatIsReplacedByNameIsReadToo) {
  const auto gate = Open(TokenLine("ci", "predict", "old"));
  Replace(TokenLine("ci", "predict", "new"));
  EXPECT_FALSE(gate->Admit(kInfer, "Bearer old").ok());
  EXPECT_OK(gate->Admit(kInfer, "Bearer new"));
}

// Kubernetes mounts a secret as links into a folder, itself a link that is turned to another folder.
TEST_F(GatekeeperTest, AFolderThatIsReplacedBehindALinkIsSeen) {
  namespace fs = std::filesystem;
  dir_.Write("..1/tokens", TokenLine("ci", "predict", "old"));
  dir_.Write("..2/tokens", TokenLine("ci", "predict", "new"));
  fs::create_directory_symlink("..1", dir_ / "..data");
  fs::create_symlink("..data/tokens", dir_ / "tokens");
  const auto gate = Gatekeeper::Create(dir_ / "tokens", clock_);
  ASSERT_OK(gate);
  EXPECT_OK((*gate)->Admit(kInfer, "Bearer old"));
  fs::create_directory_symlink("..2", dir_ / "..tmp");
  fs::rename(dir_ / "..tmp", dir_ / "..data");
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_FALSE((*gate)->Admit(kInfer, "Bearer old").ok());
  EXPECT_OK((*gate)->Admit(kInfer, "Bearer new"));
}

TEST_F(GatekeeperTest, ABadFileIsLoggedOnceAndTheTokensBeforeItStay) {
  const auto gate = Open(TokenLine("ci", "predict", "old"));
  ::testing::internal::CaptureStderr();
  Replace("rubbish\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_OK(gate->Admit(kInfer, "Bearer old"));
    clock_.Advance(std::chrono::seconds(1));
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr(":1: expected NAME"));
  EXPECT_EQ(log.find("error"), log.rfind("error")) << log;

  std::filesystem::remove(file_);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_OK(gate->Admit(kInfer, "Bearer old")) << "nor does it help to take the file away";
  Replace(TokenLine("ci", "predict", "new"));
  EXPECT_OK(gate->Admit(kInfer, "Bearer new"));
  EXPECT_FALSE(gate->Admit(kInfer, "Bearer old").ok());
}

TEST_F(GatekeeperTest, AFileThatEverybodyMayWriteIsWarnedOf) {
  file_ = dir_.Write("tokens", TokenLine("ci", "predict", "x"));
  chmod(file_.c_str(), 0666);
  ::testing::internal::CaptureStderr();
  EXPECT_OK(Gatekeeper::Create(file_, clock_));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("may be written by everybody"));
  chmod(file_.c_str(), 0644);
  ::testing::internal::CaptureStderr();
  EXPECT_OK(Gatekeeper::Create(file_, clock_));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr("everybody")));
}

TEST_F(GatekeeperTest, CallsFromManyThreadsSeeOneFileOrTheOther) {
  const std::string old_line = TokenLine("old", "predict", "token"), new_line = TokenLine("new", "predict", "token");
  const auto gate = Open(old_line);
  std::atomic<int> others{0}, calls{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 500; ++call) {
        const absl::StatusOr<std::string> name = gate->Admit(kInfer, "Bearer token");
        others += !name.ok() || (*name != "old" && *name != "new");
        ++calls;
      }
    });
  }
  for (int i = 0; calls < 2000; ++i) Replace(i % 2 == 0 ? new_line : old_line);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace beak
