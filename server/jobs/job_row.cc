#include "server/jobs/job_row.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace beak {
namespace {

constexpr size_t kModelCharacters = 40;

absl::Status Malformed(const std::string& id, const char* what) {
  return absl::DataLossError(absl::StrCat("job '", id, "': its ", what, " in the database cannot be understood"));
}

}  // namespace

absl::StatusOr<v1::TrainJob> ReadJobRow(const SqliteStatement& row) {
  v1::TrainJob job;
  job.set_id(row.Bytes(0));
  job.set_request_id(row.Bytes(1));
  if (!job.mutable_spec()->ParseFromString(row.Bytes(2))) return Malformed(job.id(), "spec");
  v1::TrainJob::State state;
  if (!v1::TrainJob::State_Parse(row.Bytes(3), &state)) return Malformed(job.id(), "state");
  job.set_state(state);
  job.set_reason(row.Bytes(4));
  job.set_created_ms(row.Int(5));
  job.set_started_ms(row.Int(6));
  job.set_ended_ms(row.Int(7));
  if (!row.IsNull(8) && !job.mutable_progress()->ParseFromString(row.Bytes(8))) return Malformed(job.id(), "progress");
  if (!row.IsNull(9) && !job.mutable_result()->ParseFromString(row.Bytes(9))) return Malformed(job.id(), "result");
  job.set_published_version(row.Int(10));
  job.set_attempts(static_cast<int32_t>(row.Int(11)));
  return job;
}

std::string SerializeSame(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string MakeJobId(const std::string& model, int64_t sequence) {
  std::string name;
  for (const char c : model.substr(0, kModelCharacters)) {
    const bool keep = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
    // None in front: it would be taken for an option.
    if (keep || !name.empty()) name.push_back(keep ? c : '-');
  }
  return absl::StrFormat("%s-%06d", name.empty() ? "job" : name, sequence);
}

}  // namespace beak
