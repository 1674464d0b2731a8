#include "engine/base/log.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/base/json_text.h"
#include "engine/base/log_rate.h"
#include "engine/base/mutex.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace beak {
namespace {

std::atomic<LogFormat> g_format{LogFormat::kText};
std::atomic<LogLevel> g_level{LogLevel::kInfo};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> MakeLogger(LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("beak", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool json = format == LogFormat::kJson;
  logger->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::trace);  // which lines are written is decided by IsLogged
  return logger;
}

std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger = MakeLogger(LogFormat::kText);
  return logger;
}

std::string ValueText(const LogField& field, LogFormat format) {
  if (const auto* number = std::get_if<int64_t>(&field.value)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<double>(&field.value)) return absl::StrCat(*number);
  const std::string& text = std::get<std::string>(field.value);
  const bool plain = !text.empty() && text.find_first_of(" \"\\=\n\t\r") == std::string::npos;
  // Control characters would let a name break a line in two; they are written as escapes in both formats.
  return format == LogFormat::kText && plain ? JsonEscaped(text) : JsonQuoted(text);
}

// What is counted against the limit of the process. *Thread-safe.*
class LineLimiter {
 public:
  void Set(const LogLimit& limit) {
    constexpr double kBurstSeconds = 10;
    MutexLock lock(mutex_);
    clock_ = limit.clock;
    rate_.reset();
    if (limit.lines_per_second > 0) {
      rate_.emplace(limit.lines_per_second, std::max(1.0, kBurstSeconds * limit.lines_per_second));
    }
  }
  // See LogRate.
  std::optional<int64_t> Admit() {
    MutexLock lock(mutex_);
    return rate_ ? rate_->Admit(clock_->Now()) : 0;
  }

 private:
  Mutex mutex_;
  const Clock* clock_ GUARDED_BY(mutex_) = nullptr;
  std::optional<LogRate> rate_ GUARDED_BY(mutex_);
};

LineLimiter& Limiter() {
  static LineLimiter limiter;
  return limiter;
}

}  // namespace

void ConfigureLog(LogLevel level, LogFormat format, const LogLimit& limit) {
  Limiter().Set(limit);
  g_format = format;
  g_level = level;
  Logger() = MakeLogger(format);
}

void Log(LogLevel level, const std::string& event, std::initializer_list<LogField> fields) {
  if (!IsLogged(level)) return;
  if (level != LogLevel::kError) {
    const std::optional<int64_t> suppressed = Limiter().Admit();
    if (!suppressed) return;
    if (*suppressed > 0) LogAlways(LogLevel::kWarning, "log lines left out", {{"count", *suppressed}});
  }
  LogAlways(level, event, fields);
}

void LogAlways(LogLevel level, const std::string& event, std::initializer_list<LogField> fields) {
  const LogFormat format = g_format;
  std::string line = format == LogFormat::kJson ? absl::StrCat("\"event\":", JsonQuoted(event)) : JsonEscaped(event);
  for (const LogField& field : fields) {
    const std::string value = ValueText(field, format);
    if (format == LogFormat::kJson) {
      absl::StrAppend(&line, ",", JsonQuoted(field.name), ":", value);
    } else {
      absl::StrAppend(&line, " ", field.name, "=", value);
    }
  }
  Logger()->log(ToSpdlog(level), "{}", line);
}

bool IsLogged(LogLevel level) { return level >= g_level; }

}  // namespace beak
