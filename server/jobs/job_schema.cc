#include "server/jobs/job_schema.h"

namespace beak {
namespace {

constexpr uint32_t kApplicationId = 0x4265616b;  // "Beak"

// sequence is the order of jobs and is never used again. state is its name in proto/beak/v1/train.proto; spec,
// progress, result and report are serialized messages of it.
constexpr const char* kVersion1 = R"(
CREATE TABLE store (owner TEXT NOT NULL) STRICT;
INSERT INTO store (owner) VALUES (lower(hex(randomblob(8))));

CREATE TABLE jobs (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  spec BLOB NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL DEFAULT 0,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  progress BLOB,
  result BLOB,
  published_version INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX jobs_by_request_id ON jobs (request_id) WHERE request_id <> '';
CREATE INDEX jobs_by_state ON jobs (state);

CREATE TABLE epochs (
  job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  report BLOB NOT NULL,
  PRIMARY KEY (job, epoch)
) STRICT, WITHOUT ROWID;
)";

}  // namespace

const SqliteSchema& JobSchema() {
  static const SqliteSchema schema{kApplicationId, {kVersion1}};
  return schema;
}

}  // namespace beak
