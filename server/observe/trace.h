#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"

namespace beak {

// A name and a value that belong to an event.
struct TraceArg {
  const char* name;
  std::variant<std::string, int64_t, double> value;  // of a string, the first kMaxTraceText bytes; any bytes
};

// Longer texts, which may be a client's, are cut.
inline constexpr size_t kMaxTraceText = 256;

// Something that took its time. A value type.
struct TraceEvent {
  std::string name;
  const char* category = "";
  MonotonicTime begin;
  MonotonicTime end;
  // The row that viewers draw it in. What is on one row must not overlap but by nesting.
  int track = 0;
  // Not 0: it has no row, for it overlaps others as it likes; viewers draw what has the same category and number
  // together, nested by name in the order in which it is recorded (outer first).
  uint64_t async = 0;
  std::vector<TraceArg> args;
};

// Writes a trace file that chrome://tracing and https://ui.perfetto.dev show: Chrome's trace event format, an array of
// events ("Trace Event Format", Google), which viewers also accept where the process died before its end. Times are
// microseconds since the start. Recording never waits for the file: a thread of its own drains a bounded buffer into
// it, and what finds the buffer full is dropped and counted. A full file, or one that cannot be written, is told in the
// log, once, and ends the trace; nothing else ends with it. *Thread-safe.*
class TraceWriter {
 public:
  struct Options {
    std::string path;
    int64_t max_file_bytes = int64_t{256} << 20;
    size_t max_buffer_bytes = size_t{4} << 20;
  };

  // Makes the file anew. What the system says where that cannot be done, naming the path.
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const Options& options, const Clock& clock);
  // Writes what is still in the buffer and closes the array. Nothing may be recorded any more.
  virtual ~TraceWriter() = default;

  // How viewers call a row; they sort rows by number.
  virtual void NameTrack(int track, const std::string& name) = 0;

  // All of them or none; in the file, nothing comes between them.
  virtual void Record(std::span<const TraceEvent> events) = 0;

  // Events that are not in the file: the buffer or the file was full, or the file could not be written.
  virtual int64_t dropped() const = 0;
};

}  // namespace beak
