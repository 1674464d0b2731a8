#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beak {

// Where a request belongs in a trace that spans programs: https://www.w3.org/TR/trace-context/. A value type.
struct TraceContext {
  std::array<uint8_t, 16> trace_id{};  // not all 0
  std::array<uint8_t, 8> parent_id{};  // the caller's span; not all 0
  uint8_t flags = 0;

  // The caller records its part of the trace and would like us to do so too.
  bool sampled() const { return (flags & 1) != 0; }
  // 32 hexadecimal digits.
  std::string TraceIdText() const;

  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

// What a `traceparent` header says: "00-<32 digits>-<16 digits>-<2 digits>", hexadecimal in lower case. As the standard
// has it, a later version than 00 may go on after a further "-", which is not looked at, and ff is none. nullopt for
// anything else: such a header is ignored.
std::optional<TraceContext> ParseTraceparent(std::string_view header);

// The header of version 00 that says this.
std::string FormatTraceparent(const TraceContext& context);

}  // namespace beak
