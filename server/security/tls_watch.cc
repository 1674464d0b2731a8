#include "server/security/tls_watch.h"

#include <chrono>
#include <string>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr std::chrono::seconds kPeriod(1);

}  // namespace

absl::StatusOr<std::unique_ptr<TlsWatch>> TlsWatch::Create(const TlsFiles& files, const Clock& clock) {
  std::unique_ptr<TlsWatch> watch(new TlsWatch(files, clock));
  RETURN_IF_ERROR(watch->Read());
  return watch;
}

std::shared_ptr<const TlsContents> TlsWatch::Current() {
  ReadAgain();
  MutexLock lock(mutex_);
  return contents_;
}

absl::Status TlsWatch::Read() {
  ASSIGN_OR_RETURN(TlsContents read, ReadTlsFiles(files_));
  next_look_ = clock_.Now() + kPeriod;
  {
    MutexLock lock(mutex_);
    if (contents_ && *contents_ == read) return absl::OkStatus();
    contents_ = std::make_shared<const TlsContents>(std::move(read));
  }
  LogInfo("certificate read", {{"file", files_.certificate}});
  WarnOfTlsFiles(files_);
  return absl::OkStatus();
}

// One thread does it, without a lock, while others go on with what is there.
void TlsWatch::ReadAgain() {
  if (clock_.Now() < next_look_.load() || reading_.exchange(true)) return;
  const absl::Status read = Read();
  if (!read.ok() && read != last_error_) {
    LogError("certificate not read, the one before it stays", {{"reason", std::string(read.message())}});
  }
  last_error_ = read;
  next_look_ = clock_.Now() + kPeriod;
  reading_ = false;
}

}  // namespace beak
