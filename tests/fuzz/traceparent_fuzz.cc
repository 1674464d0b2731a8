// Any bytes as a traceparent header: ignored, or what is written back as version 00 and read again is the same.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "server/observe/trace_context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const std::optional<beak::TraceContext> context = beak::ParseTraceparent(header);
  if (!context) return 0;
  const std::string written = beak::FormatTraceparent(*context);
  BEAK_CHECK(beak::ParseTraceparent(written) == context);
  BEAK_CHECK(written.substr(2) == header.substr(2, 53));
  return 0;
}
