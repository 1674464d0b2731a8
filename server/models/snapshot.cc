#include "server/models/snapshot.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace beak {
namespace {

// Clients look for these words.
std::string Unknown(const std::string& model) { return absl::StrCat("Request for unknown model: '", model, "'"); }

std::shared_ptr<const ModelVersion> NewestReady(const ModelEntry& entry) {
  for (auto it = entry.versions.rbegin(); it != entry.versions.rend(); ++it) {
    if (it->second.state == VersionState::kReady) return it->second.version;
  }
  return nullptr;
}

// Where no version was asked for and none is ready.
absl::Status NoneReady(const std::string& model, const ModelEntry& entry) {
  const bool loading = std::any_of(entry.versions.begin(), entry.versions.end(),
                                   [](const auto& version) { return version.second.state == VersionState::kLoading; });
  if (loading) return absl::UnavailableError(absl::StrCat("model '", model, "' is loading"));
  return absl::NotFoundError(absl::StrCat(Unknown(model), " has no available versions"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelVersion>> ModelSnapshot::Find(const std::string& model,
                                                                        const std::string& version) const {
  const auto entry = models.find(model);
  if (entry == models.end()) return absl::NotFoundError(absl::StrCat(Unknown(model), " is not found"));
  if (version.empty()) {
    if (auto ready = NewestReady(entry->second)) return ready;
    return NoneReady(model, entry->second);
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(version, &number)) {
    return absl::InvalidArgumentError(absl::StrCat("model version: expected a whole number, got '", version, "'"));
  }
  const auto found = entry->second.versions.find(number);
  if (found == entry->second.versions.end()) {
    return absl::NotFoundError(absl::StrCat(Unknown(model), " version ", number, " is not found"));
  }
  if (found->second.state == VersionState::kReady) return found->second.version;
  return absl::UnavailableError(absl::StrCat("model '", model, "' version ", number,
                                             " is not at ready state: ", NameOf(found->second.state),
                                             found->second.reason.empty() ? "" : ": ", found->second.reason));
}

bool ModelSnapshot::HasReadyVersion(const std::string& model) const {
  const auto entry = models.find(model);
  return entry != models.end() && NewestReady(entry->second) != nullptr;
}

}  // namespace beak
