#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace beak {

// By what a version is known as one that a train job has published: publication.json in its folder.
struct PublicationRecord {
  std::string job;
  std::string server;  // JobStore::owner of the server whose job it was
  int64_t version = 0;
  int64_t time_ms = 0;  // when, since 1970; not read back
};

inline constexpr const char* kPublicationFile = "publication.json";

std::string ToJson(const PublicationRecord& record);

// What stands beneath a model's folder under a name that is a version's number: of each its record, where it has one
// that says this number (a copy under another number is nobody's publication).
using VersionRecords = std::map<int64_t, std::optional<PublicationRecord>>;
absl::StatusOr<VersionRecords> ReadVersions(const std::string& model_folder);

}  // namespace beak
