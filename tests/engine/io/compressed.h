#pragma once

#include <lzma.h>
#include <zlib.h>

#include <string>

#include "engine/base/check.h"

// Compresses what tests of the readers need.
namespace beak::testing {

inline std::string Gzip(const std::string& bytes) {
  z_stream z = {};
  BEAK_CHECK(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  BEAK_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline std::string Xz(const std::string& bytes, uint32_t preset = 6) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t used = 0;
  BEAK_CHECK(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(bytes.data()),
                                     bytes.size(), reinterpret_cast<uint8_t*>(out.data()), &used,
                                     out.size()) == LZMA_OK);
  out.resize(used);
  return out;
}

}  // namespace beak::testing
