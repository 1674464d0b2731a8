#include "server/jobs/publication_record.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/base/file.h"
#include "engine/base/json_text.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr int64_t kMaxBytes = 65536;

std::string Text(const google::protobuf::Struct& object, const char* name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? "" : found->second.string_value();
}

std::optional<PublicationRecord> ReadRecord(const std::string& path, int64_t version) {
  const absl::StatusOr<std::string> json = ReadFile(path, kMaxBytes);
  google::protobuf::Struct object;
  if (!json.ok() || !google::protobuf::util::JsonStringToMessage(*json, &object).ok()) return std::nullopt;
  const auto number = object.fields().find("version");
  if (number == object.fields().end() || number->second.number_value() != static_cast<double>(version)) {
    return std::nullopt;
  }
  return PublicationRecord{Text(object, "job"), Text(object, "server"), version};
}

// As the repository reads names: whole numbers above 0 without leading zeros.
std::optional<int64_t> ReadNumber(const std::string& name) {
  const bool digits = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  int64_t version = 0;
  if (!digits || name.front() == '0' || !absl::SimpleAtoi(name, &version)) return std::nullopt;
  return version;
}

}  // namespace

std::string ToJson(const PublicationRecord& record) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(record.time_ms), absl::UTCTimeZone());
  return absl::StrCat("{\"job\": ", JsonQuoted(record.job), ", \"server\": ", JsonQuoted(record.server),
                      ", \"version\": ", record.version, ", \"published_at\": ", JsonQuoted(time), "}\n");
}

absl::StatusOr<VersionRecords> ReadVersions(const std::string& model_folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(model_folder));
  VersionRecords versions;
  for (const std::string& name : names) {
    const std::optional<int64_t> version = ReadNumber(name);
    if (!version) continue;
    versions[*version] = ReadRecord(absl::StrCat(model_folder, "/", name, "/", kPublicationFile), *version);
  }
  return versions;
}

}  // namespace beak
