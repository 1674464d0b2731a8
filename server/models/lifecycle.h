#pragma once

namespace beak {

// Where a version of a model stands: kLoading -> kReady -> kDraining -> kUnloaded, and from each to kFailed. A load may
// be given up (kLoading or kFailed -> kUnloaded), and what has ended, or drains, may be loaded again.
enum class VersionState { kLoading, kReady, kDraining, kUnloaded, kFailed };

// "loading", "ready" ...
const char* NameOf(VersionState state);

// True where the chain has a step from one to the other.
bool MayFollow(VersionState from, VersionState to);

}  // namespace beak
