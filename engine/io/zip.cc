#include "engine/io/zip.h"

#include <zip.h>

#include <algorithm>
#include <utility>

#include "engine/base/status.h"

namespace beak {
namespace {

constexpr int64_t kMaxEntries = 1'000'000;

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("zip: ", what)); }

}  // namespace

struct ZipReader::Archive {
  explicit Archive(zip_t* opened) : zip(opened) {}
  ~Archive() { zip_discard(zip); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  zip_t* const zip;
};

ZipReader::ZipReader(std::unique_ptr<Archive> archive) : archive_(std::move(archive)) {}

ZipReader::~ZipReader() = default;

absl::StatusOr<std::unique_ptr<ZipReader>> ZipReader::Create(std::string_view bytes) {
  if (bytes.empty())
    return Bad("expected an archive, got no bytes");  // for the library that is an archive without files
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* zip = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  const std::string message = zip == nullptr ? zip_error_strerror(&error) : "";
  if (zip == nullptr && source != nullptr) zip_source_free(source);
  zip_error_fini(&error);
  if (zip == nullptr) return Bad(message);
  std::unique_ptr<ZipReader> reader(new ZipReader(std::make_unique<Archive>(zip)));
  RETURN_IF_ERROR(reader->ListEntries());
  return reader;
}

absl::Status ZipReader::ListEntries() {
  const int64_t count = zip_get_num_entries(archive_->zip, 0);
  if (count > kMaxEntries) {
    return absl::ResourceExhaustedError(absl::StrCat("zip: expected at most ", kMaxEntries, " files, got ", count));
  }
  for (int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    if (zip_stat_index(archive_->zip, static_cast<zip_uint64_t>(i), 0, &stat) != 0 ||
        (stat.valid & kNeeded) != kNeeded) {
      return Bad(absl::StrCat("file ", i, ": expected a name and a size"));
    }
    if (static_cast<int64_t>(stat.size) < 0) return Bad(absl::StrCat("file ", i, ": expected a size of 63 bits"));
    entries_.push_back({stat.name, static_cast<int64_t>(stat.size)});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZipReader::Read(size_t index, int64_t max_bytes) const {
  const Entry& entry = entries_[index];
  const std::string place = absl::StrCat("'", entry.name, "': ");
  if (entry.bytes > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("zip: ", place, "expected at most ", max_bytes, " bytes, got ", entry.bytes));
  }
  zip_file_t* file = zip_fopen_index(archive_->zip, index, 0);
  if (file == nullptr) return Bad(place + zip_strerror(archive_->zip));
  // Grows with what comes out, not with what the archive claims; one byte more makes the library reach the end, where
  // it compares the checksum.
  constexpr size_t kChunk = size_t{1} << 20;
  std::string contents;
  size_t used = 0;
  int64_t got = 1;
  while (got > 0 && used <= static_cast<size_t>(entry.bytes)) {
    contents.resize(std::min(std::max(2 * used, kChunk), static_cast<size_t>(entry.bytes) + 1));
    got = zip_fread(file, contents.data() + used, contents.size() - used);
    if (got > 0) used += static_cast<size_t>(got);
  }
  const std::string message = got < 0 ? zip_file_strerror(file) : "";
  zip_fclose(file);
  if (got < 0) return Bad(place + message);
  if (used != static_cast<size_t>(entry.bytes)) {
    return Bad(absl::StrCat(place, "expected ", entry.bytes, " bytes, got ", got > 0 ? "more" : absl::StrCat(used)));
  }
  contents.resize(used);
  return contents;
}

}  // namespace beak
