#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/sqlite.h"

// Train jobs as rows of the database.
namespace beak {

// What a SELECT must begin with for ReadJobRow.
inline constexpr const char* kSelectJob =
    "SELECT id, request_id, spec, state, reason, created_ms, started_ms, ended_ms, progress, result, "
    "published_version, "
    "attempts, sequence FROM jobs ";
inline constexpr int kSequenceColumn = 12;

// The job of the row that `row` stands on, without its epochs. DATA_LOSS where it is none.
absl::StatusOr<v1::TrainJob> ReadJobRow(const SqliteStatement& row);

// The same bytes for equal messages.
std::string SerializeSame(const google::protobuf::MessageLite& message);

// "mnist-000012": for people to tell jobs apart; the sequence alone makes it unique. Letters, digits, '_' and '-' only,
// for it names folders and stands in command lines.
std::string MakeJobId(const std::string& model, int64_t sequence);

}  // namespace beak
