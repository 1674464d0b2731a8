#include "proto/wire/status.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <string>

namespace beak::wire {
namespace {

// gRPC's codes run from 1 to 16 without a hole, and Abseil's have the same names.
constexpr int kFirstCode = 1;
constexpr int kLastCode = 16;

TEST(StatusTest, EveryCodeSurvivesBothWays) {
  for (int code = kFirstCode; code <= kLastCode; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "what: expected a, got b");
    const grpc::Status wire = ToGrpcStatus(status);
    EXPECT_EQ(wire.error_code(), code) << status;
    EXPECT_EQ(wire.error_message(), "what: expected a, got b");
    EXPECT_EQ(FromGrpcStatus(wire), status);
  }
}

TEST(StatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(StatusTest, CodesThatNobodyDefinedBecomeUnknown) {
  EXPECT_EQ(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(20), "odd")), absl::UnknownError("odd"));
  EXPECT_EQ(ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(77), "odd")).error_code(),
            grpc::StatusCode::UNKNOWN);
}

TEST(StatusTest, LongMessageIsCutAtACharactersStart) {
  std::string message;
  while (message.size() < 3 * kMaxStatusMessageBytes) message += "\u00e4";  // Two bytes each.
  for (const std::string& text : {message, "x" + message}) {
    const std::string cut = ToGrpcStatus(absl::InternalError(text)).error_message();
    EXPECT_LE(cut.size(), kMaxStatusMessageBytes);
    EXPECT_GT(cut.size(), kMaxStatusMessageBytes - 8);
    ASSERT_EQ(cut.substr(cut.size() - 3), "...");
    EXPECT_EQ(cut[cut.size() - 4], '\xa4') << "the last character is not whole";
  }
}

}  // namespace
}  // namespace beak::wire
