#include "server/observe/trace_context.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

constexpr size_t kLength = 55;  // of version 00, and of what later versions begin with

std::optional<uint8_t> Digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

// Exactly as many digits as fill `bytes`.
template <size_t kBytes>
bool ParseHex(std::string_view text, std::array<uint8_t, kBytes>& bytes) {
  if (text.size() != 2 * kBytes) return false;
  for (size_t i = 0; i < kBytes; ++i) {
    const std::optional<uint8_t> high = Digit(text[2 * i]);
    const std::optional<uint8_t> low = Digit(text[2 * i + 1]);
    if (!high || !low) return false;
    bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return true;
}

template <size_t kBytes>
std::string Hex(const std::array<uint8_t, kBytes>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) absl::StrAppend(&text, absl::Hex(byte, absl::kZeroPad2));
  return text;
}

template <size_t kBytes>
bool IsZero(const std::array<uint8_t, kBytes>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

std::string TraceContext::TraceIdText() const { return Hex(trace_id); }

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::array<uint8_t, 1> version{};
  std::array<uint8_t, 1> flags{};
  TraceContext context;
  if (!ParseHex(header.substr(0, 2), version) || !ParseHex(header.substr(3, 32), context.trace_id) ||
      !ParseHex(header.substr(36, 16), context.parent_id) || !ParseHex(header.substr(53, 2), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xff || IsZero(context.trace_id) || IsZero(context.parent_id)) return std::nullopt;
  const bool longer = header.size() > kLength;
  if (longer && (version[0] == 0 || header[kLength] != '-')) return std::nullopt;
  context.flags = flags[0];
  return context;
}

std::string FormatTraceparent(const TraceContext& context) {
  return absl::StrCat("00-", Hex(context.trace_id), "-", Hex(context.parent_id), "-",
                      absl::Hex(context.flags, absl::kZeroPad2));
}

}  // namespace beak
