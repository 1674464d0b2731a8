// Any bytes as the body of a REST infer request, a path, and a coded body: refused, or what it says is a request whose
// inputs all have their contents.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/http/content_coding.h"
#include "server/http/infer_request.h"
#include "server/http/route.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t json_bytes = bytes.size() - std::min<size_t>(bytes.size(), data[0]);  // the rest is binary data
  const auto body = beak::ParseInferBody(bytes.substr(0, json_bytes), bytes.substr(json_bytes));
  if (body.ok() && body->decoded.ok())
    BEAK_CHECK(body->message.inputs_size() == body->message.raw_input_contents_size());
  const auto route = beak::ParsePath(bytes);
  if (route.ok()) BEAK_CHECK(beak::RuleOf(route->operation).operation == route->operation);
  constexpr int64_t kLimit = 1 << 20;
  for (const auto coding : {beak::ContentCoding::kGzip, beak::ContentCoding::kDeflate}) {
    const auto decoded = beak::Decode(coding, bytes, kLimit);
    if (decoded.ok()) BEAK_CHECK(static_cast<int64_t>(decoded->size()) <= kLimit);
  }
  beak::ChooseContentCoding(bytes);
  return 0;
}
