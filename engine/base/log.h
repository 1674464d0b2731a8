#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/clock.h"

namespace beak {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// A name and a value that belong to an event.
struct LogField {
  LogField(const char* field, std::string content) : name(field), value(std::move(content)) {}
  LogField(const char* field, const char* content) : name(field), value(std::string(content)) {}
  LogField(const char* field, int64_t content) : name(field), value(content) {}
  LogField(const char* field, int content) : name(field), value(int64_t{content}) {}
  LogField(const char* field, double content) : name(field), value(content) {}

  const char* name;
  std::variant<std::string, int64_t, double> value;
};

// How many lines others can have written, whatever they send: so many a second, ten seconds' worth at once. Errors are
// not counted, nor what LogAlways writes; what was left out is told with the next line that is not.
struct LogLimit {
  double lines_per_second = 0;  // 0: as many as come
  const Clock* clock = &Clock::Real();
};

// Where log lines go from now on: stderr, at `level` and above, one line an event. Call once, at start; before that,
// and in tests, lines are text at kInfo without a limit.
void ConfigureLog(LogLevel level, LogFormat format, const LogLimit& limit = {});

// Writes one line: `event` is a short fixed phrase, all that varies is in `fields`. *Thread-safe.*
// Text:  2026-11-24T10:00:00.000Z info    model ready name=mnist version=1
// JSON:  {"time":"2026-...","level":"info","event":"model ready","name":"mnist","version":1}
void Log(LogLevel level, const std::string& event, std::initializer_list<LogField> fields = {});

// The same for what must be found later, however much else is logged.
void LogAlways(LogLevel level, const std::string& event, std::initializer_list<LogField> fields = {});

// Whether lines of this level are written, for those who would have to gather their fields first. *Thread-safe.*
bool IsLogged(LogLevel level);

inline void LogInfo(const std::string& event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(const std::string& event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(const std::string& event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}

}  // namespace beak
