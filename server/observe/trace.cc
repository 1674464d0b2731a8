#include "server/observe/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/json_text.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

// Between events; none has a line break within.
constexpr char kSeparator[] = ",\n";
constexpr char kHead[] = "[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"beak-server\"}}";
constexpr std::string_view kTail = "\n]\n";

std::string ValueText(const TraceArg& arg) {
  if (const auto* number = std::get_if<int64_t>(&arg.value)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<double>(&arg.value)) {
    const std::string text = absl::StrFormat("%.12g", *number);
    return std::isfinite(*number) ? text : JsonQuoted(text);  // JSON has no infinity
  }
  return JsonQuoted(std::string_view(std::get<std::string>(arg.value)).substr(0, kMaxTraceText));
}

std::string ArgsText(const std::vector<TraceArg>& args) {
  std::string text;
  for (const TraceArg& arg : args) {
    absl::StrAppend(&text, text.empty() ? "" : ",", JsonQuoted(arg.name), ":", ValueText(arg));
  }
  return text;
}

std::string Microseconds(std::chrono::nanoseconds time) {
  return absl::StrFormat("%.3f", std::chrono::duration<double, std::micro>(time).count());
}

// Events as text, each behind a separator.
class Formatter {
 public:
  explicit Formatter(MonotonicTime start) : start_(start) {}

  // All of them, those without a row as a begin and an end, in the order of time where they nest.
  std::string Text(std::span<const TraceEvent> events) const {
    std::string text;
    std::vector<const TraceEvent*> open;  // each within the one before it
    for (const TraceEvent& event : events) {
      if (event.async == 0) {
        AppendComplete(event, &text);
        continue;
      }
      for (; !open.empty() && open.back()->end <= event.begin; open.pop_back()) AppendEnd(*open.back(), &text);
      AppendAsync("b", event, event.begin, ArgsText(event.args), &text);
      open.push_back(&event);
    }
    for (; !open.empty(); open.pop_back()) AppendEnd(*open.back(), &text);
    return text;
  }

 private:
  std::string Head(const char* phase, const TraceEvent& event, MonotonicTime time) const {
    return absl::StrCat("{\"name\":", JsonQuoted(event.name), ",\"cat\":", JsonQuoted(event.category), ",\"ph\":\"",
                        phase, "\",\"pid\":1,\"ts\":", Microseconds(time - start_));
  }
  void AppendComplete(const TraceEvent& event, std::string* text) const {
    absl::StrAppend(text, kSeparator, Head("X", event, event.begin), ",\"dur\":", Microseconds(event.end - event.begin),
                    ",\"tid\":", event.track, ",\"args\":{", ArgsText(event.args), "}}");
  }
  void AppendEnd(const TraceEvent& event, std::string* text) const { AppendAsync("e", event, event.end, "", text); }
  void AppendAsync(const char* phase, const TraceEvent& event, MonotonicTime time, const std::string& args,
                   std::string* text) const {
    // Numbers of JSON are doubles to some readers; an id is a string.
    absl::StrAppend(text, kSeparator, Head(phase, event, time), ",\"tid\":0,\"id\":\"0x", absl::Hex(event.async),
                    "\",\"args\":{", args, "}}");
  }

  const MonotonicTime start_;
};

class TraceWriterImpl final : public TraceWriter {
 public:
  TraceWriterImpl(const Options& options, int fd, MonotonicTime start)
      : options_(options),
        fd_(fd),
        formatter_(start),
        buffer_{std::string(kHead), 0},
        accepted_(static_cast<int64_t>(buffer_.text.size())) {
    thread_ = StartThread("beak-trace", [this] { Drain(); });
  }
  ~TraceWriterImpl() override {
    {
      MutexLock lock(mutex_);
      ending_ = true;
      work_.NotifyOne();
    }
    thread_.join();
    close(fd_);
    if (dropped() > 0) LogWarning("trace is not complete", {{"path", options_.path}, {"events_dropped", dropped()}});
  }

  void NameTrack(int track, const std::string& name) override {
    const std::string_view cut = std::string_view(name).substr(0, kMaxTraceText);
    Add(absl::StrCat(kSeparator, "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":", track,
                     ",\"args\":{\"name\":", JsonQuoted(cut), "}}"),
        1);
    Add(absl::StrCat(kSeparator, "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":", track,
                     ",\"args\":{\"sort_index\":", track, "}}"),
        1);
  }

  void Record(std::span<const TraceEvent> events) override {
    Add(formatter_.Text(events), static_cast<int64_t>(events.size()));
  }

  int64_t dropped() const override {
    MutexLock lock(mutex_);
    return dropped_;
  }

 private:
  struct Buffer {
    std::string text;
    int64_t events = 0;
  };

  void Add(const std::string& text, int64_t events) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const auto bytes = static_cast<int64_t>(text.size());
    if (!closed_ && accepted_ + bytes + static_cast<int64_t>(kTail.size()) > options_.max_file_bytes) {
      closed_ = true;
      work_.NotifyOne();
    }
    if (closed_ || buffer_.text.size() + text.size() > options_.max_buffer_bytes) {
      dropped_ += events;
      return;
    }
    if (buffer_.text.empty()) work_.NotifyOne();
    buffer_.text += text;
    buffer_.events += events;
    accepted_ += bytes;
  }

  bool full() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_;
  }

  // What the thread does. Two buffers take turns, so that appending finds memory in place.
  void Drain() {
    Buffer taken;
    while (Take(&taken)) {
      if (!Write(taken.text)) return Fail(taken.events);
    }
    if (!Write(taken.text) || !Write(kTail)) return Fail(taken.events);
    if (full()) LogWarning("trace file is full, the trace ends", {{"path", options_.path}});
  }

  // Waits for events, or for the end of the trace, and takes what there is; false where it is the last.
  bool Take(Buffer* taken) EXCLUDES(mutex_) {
    taken->text.clear();
    taken->events = 0;
    MutexLock lock(mutex_);
    while (buffer_.text.empty() && !ending_ && !closed_) work_.Wait(mutex_);
    std::swap(*taken, buffer_);
    return !ending_ && !closed_;
  }

  bool Write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = write(fd_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        LogWarning("trace file cannot be written, the trace ends",
                   {{"path", options_.path}, {"error", std::strerror(errno)}});
        return false;
      }
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // No event is taken any more; neither `lost` nor those in the buffer are in the file.
  void Fail(int64_t lost) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
    dropped_ += lost + buffer_.events;
    buffer_ = Buffer();
  }

  const Options options_;
  const int fd_;
  const Formatter formatter_;
  std::thread thread_;

  mutable Mutex mutex_;
  CondVar work_;
  Buffer buffer_ GUARDED_BY(mutex_);
  int64_t accepted_ GUARDED_BY(mutex_);     // bytes that are in the file, or will be
  bool ending_ GUARDED_BY(mutex_) = false;  // the writer's life ends
  bool closed_ GUARDED_BY(mutex_) = false;  // nothing more goes into the file
  int64_t dropped_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(const Options& options, const Clock& clock) {
  const int fd = open(options.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write trace file ", options.path));
  return std::make_unique<TraceWriterImpl>(options, fd, clock.Now());
}

}  // namespace beak
