#pragma once

#include <zip.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace beak::testing {

// A ZIP archive of these files (name, contents), deflated or stored.
inline std::string ZipOf(const std::vector<std::pair<std::string, std::string>>& files, bool deflate = true) {
  zip_source_t* out = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_source_keep(out);
  zip_t* zip = zip_open_from_source(out, ZIP_TRUNCATE, nullptr);
  BEAK_CHECK(zip != nullptr);
  for (const auto& [name, contents] : files) {
    zip_source_t* in = zip_source_buffer(zip, contents.data(), contents.size(), 0);
    const int64_t index = zip_file_add(zip, name.c_str(), in, 0);
    BEAK_CHECK(index >= 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_mtime(zip, static_cast<zip_uint64_t>(index), 1'000'000'000, 0);
  }
  BEAK_CHECK(zip_close(zip) == 0);
  std::string bytes(1 << 20, '\0');
  BEAK_CHECK(zip_source_open(out) == 0);
  const int64_t size = zip_source_read(out, bytes.data(), bytes.size());
  BEAK_CHECK(size > 0 && size < static_cast<int64_t>(bytes.size()));
  bytes.resize(static_cast<size_t>(size));
  zip_source_close(out);
  zip_source_free(out);
  return bytes;
}

}  // namespace beak::testing
