#include "server/models/lifecycle.h"

namespace beak {

const char* NameOf(VersionState state) {
  switch (state) {
    case VersionState::kLoading:
      return "loading";
    case VersionState::kReady:
      return "ready";
    case VersionState::kDraining:
      return "draining";
    case VersionState::kUnloaded:
      return "unloaded";
    case VersionState::kFailed:
      break;
  }
  return "failed";
}

bool MayFollow(VersionState from, VersionState to) {
  if (to == VersionState::kFailed) return from != VersionState::kFailed;
  switch (from) {
    case VersionState::kLoading:
      return to == VersionState::kReady || to == VersionState::kUnloaded;
    case VersionState::kReady:
      return to == VersionState::kDraining;
    case VersionState::kFailed:
    case VersionState::kDraining:
      return to == VersionState::kLoading || to == VersionState::kUnloaded;
    case VersionState::kUnloaded:
      break;
  }
  return to == VersionState::kLoading;
}

}  // namespace beak
