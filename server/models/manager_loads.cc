// How the manager loads versions and lets them go.

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/models/manager.h"

namespace beak {
namespace {

// It might be another thing a moment later: files that are still being copied, a machine that is short of something.
bool MayPass(absl::StatusCode code) {
  return code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kNotFound ||
         code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted;
}

}  // namespace

void ModelManager::SubmitLoads() {
  while (running_ < options_.load_threads && !pending_.empty()) {
    const Key key = pending_.front();
    pending_.pop_front();
    Slot& slot = slots_.at(key);
    const absl::Status status = SubmitLoad(key, slot);
    if (!status.ok()) Fail(key, slot, status);
  }
}

absl::Status ModelManager::SubmitLoad(const Key& key, Slot& slot) {
  const auto& [model, version] = key;
  const uint64_t before = std::exchange(slot.held.attempted, 0);
  slot.no_room = false;
  const auto files = disk_.find(model);
  if (files == disk_.end()) return absl::NotFoundError("no such model in the repository");
  const auto disk = files->second.state.versions.find(version);
  if (disk != files->second.state.versions.end()) slot.held.attempted = disk->second.fingerprint;
  if (slot.held.attempted != before) slot.failures = 0;
  ASSIGN_OR_RETURN(const VersionSource source, SourceOf(model, files->second, version));
  if (journal_.IsQuarantined(model, version, slot.held.attempted)) {
    return absl::FailedPreconditionError(
        "quarantined: the process ended twice while it loaded this version; it is tried again when its files change");
  }
  const auto bytes = files->second.bytes.find(version);
  const int64_t estimate = EstimateLoadBytes(bytes == files->second.bytes.end() ? 0 : bytes->second);
  const absl::Status room = CheckRoom(Use(), estimate);
  slot.no_room = !room.ok();
  RETURN_IF_ERROR(room);
  const absl::Status kept = journal_.Begin(model, version, slot.held.attempted);
  if (!kept.ok()) LogWarning("load journal cannot be written", {{"reason", kept.ToString()}});

  slot.running = true;
  ++running_;
  loading_bytes_ += estimate;
  loader_->Submit([this, key, source, estimate] {
    auto loaded = LoadVersion(source, options_.lanes, metrics_, &stop_);
    mailbox_->Post(
        [this, key, estimate, loaded = std::move(loaded)]() mutable { Finish(key, estimate, std::move(loaded)); });
  });
  return absl::OkStatus();
}

MemoryUse ModelManager::Use() const {
  MemoryUse use{memory_limit_, 0, loading_bytes_, options_.resident_bytes()};
  for (const auto& [key, slot] : slots_) {
    use.weights += slot.retired_bytes + (slot.version ? slot.version->weight_bytes() : 0);
  }
  return use;
}

void ModelManager::Finish(const Key& key, int64_t estimate,
                          absl::StatusOr<std::shared_ptr<const ModelVersion>> loaded) {
  Slot& slot = slots_.at(key);
  slot.running = false;
  --running_;
  loading_bytes_ -= estimate;
  journal_.End(key.first, key.second);
  const bool given_up = slot.held.state != VersionState::kLoading && !slot.held.serving();
  if (given_up) {  // unloaded while it was being loaded anew
    slot.held.attempt = Attempt::kNone;
    return;
  }
  if (!loaded.ok()) return Fail(key, slot, loaded.status());
  MemoryUse use = Use();
  use.resident = 0;  // holds what the loading itself took
  const absl::Status room = CheckRoom(use, (*loaded)->weight_bytes());
  slot.no_room = !room.ok();
  if (!room.ok()) return Fail(key, slot, room);
  Succeed(key, slot, *std::move(loaded));
}

void ModelManager::Succeed(const Key& key, Slot& slot, std::shared_ptr<const ModelVersion> version) {
  slot.held.attempt = Attempt::kSucceeded;
  slot.failure = absl::OkStatus();
  slot.failures = 0;
  const bool reloaded = slot.held.serving();
  if (reloaded) Retire(slot);
  LogInfo("model ready", {{"model", key.first},
                          {"version", key.second},
                          {"reloaded", reloaded ? "yes" : "no"},
                          {"weight_bytes", version->weight_bytes()}});
  slot.version = Track(key, std::move(version));
  SetState(key, slot, VersionState::kReady, "");
}

void ModelManager::Fail(const Key& key, Slot& slot, const absl::Status& status) {
  LogError("model failed to load", {{"model", key.first}, {"version", key.second}, {"reason", status.ToString()}});
  slot.held.attempt = Attempt::kFailed;
  slot.failure = status;
  ++slot.failures;
  const int retries = called_.count(key.first) == 1 ? 0 : options_.load_retries;
  const bool again = MayPass(status.code()) && slot.failures <= retries;
  slot.held.retry_at = again ? clock_.Now() + options_.retry_delay * (int64_t{1} << (slot.failures - 1)) : kNever;
  if (slot.held.serving()) {  // the old one goes on
    SetState(key, slot, VersionState::kReady, absl::StrCat("reload failed: ", status.ToString()));
  } else {
    SetState(key, slot, VersionState::kFailed, status.ToString());
  }
}

// ---------------------------------------------------------------- the end of a version

std::shared_ptr<const ModelVersion> ModelManager::Track(const Key& key, std::shared_ptr<const ModelVersion> version) {
  const ModelVersion* raw = version.get();
  // Runs on whichever thread lets go last; the event is for the manager, and is dropped with the mailbox after its end.
  auto release = [this, key, mailbox = mailbox_, version = std::move(version)](const ModelVersion*) mutable {
    const int64_t bytes = version->weight_bytes();
    version.reset();
    mailbox->Post([this, key, bytes] { Released(key, bytes); });
  };
  return {raw, std::move(release)};
}

void ModelManager::Retire(Slot& slot) {
  ++slot.retired;
  slot.retired_bytes += slot.version->weight_bytes();
  slot.held.draining = true;
  slot.version.reset();
}

void ModelManager::Released(const Key& key, int64_t bytes) {
  malloc_trim(0);  // its pages go back to the machine
  const auto found = slots_.find(key);
  if (found == slots_.end()) return;
  Slot& slot = found->second;
  --slot.retired;
  slot.retired_bytes = slot.retired == 0 ? 0 : std::max<int64_t>(0, slot.retired_bytes - bytes);
  slot.held.draining = slot.retired > 0;
  if (slot.held.state == VersionState::kDraining && slot.retired == 0) {
    SetState(key, slot, VersionState::kUnloaded, slot.reason);
  }
  // There is room now for what had none.
  for (auto& [other, waiting] : slots_) {
    if (waiting.no_room && called_.count(other.first) == 0) waiting.held.retry_at = clock_.Now();
  }
}

}  // namespace beak
