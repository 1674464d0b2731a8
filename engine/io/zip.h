#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace beak {

// The files in a ZIP archive that lies in memory; nobody needs to have checked it. *Thread-compatible.*
class ZipReader {
 public:
  struct Entry {
    std::string name;
    int64_t bytes = 0;  // once decompressed, as the archive claims
  };

  // `bytes` must outlive the reader. INVALID_ARGUMENT for what is no archive, RESOURCE_EXHAUSTED for more than a
  // million files in it.
  static absl::StatusOr<std::unique_ptr<ZipReader>> Create(std::string_view bytes);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }

  // The contents of entries()[index], stored or deflated, their checksum compared. INVALID_ARGUMENT where they are not
  // what the archive claims, RESOURCE_EXHAUSTED where they are longer than `max_bytes`.
  absl::StatusOr<std::string> Read(size_t index, int64_t max_bytes) const;

 private:
  struct Archive;
  explicit ZipReader(std::unique_ptr<Archive> archive);
  absl::Status ListEntries();

  const std::unique_ptr<Archive> archive_;
  std::vector<Entry> entries_;
};

}  // namespace beak
