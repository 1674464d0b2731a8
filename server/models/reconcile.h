#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "server/models/lifecycle.h"

// What is to be done so that what is loaded becomes what the repository, the policies and the operator want. Pure.
namespace beak {

enum class ControlMode { kPoll, kNone, kExplicit };

// A version as the repository has it.
struct VersionOnDisk {
  uint64_t fingerprint = 0;
  // It has stood still for long enough to be read: nobody is copying it just now.
  bool settled = false;
  // It has settled at some time. Before that the version policy does not count it: versions that come faster than they
  // settle would else each put the one before out of the running, and none would ever be loaded.
  bool counted = false;
};

struct ModelOnDisk {
  std::map<int64_t, VersionOnDisk> versions;
  std::vector<int64_t> wanted;  // what the version policy selects, rising; may name versions that are not there
};

// How the last attempt to load a version ended.
enum class Attempt { kNone, kUnderWay, kSucceeded, kFailed };

// A version as the manager has it.
struct VersionHeld {
  VersionState state = VersionState::kLoading;
  Attempt attempt = Attempt::kNone;
  uint64_t attempted = 0;           // the fingerprint that the last attempt was made of, 0 if the version was not there
  MonotonicTime retry_at = kNever;  // kFailed only
  bool draining = false;            // something that it was still answers requests
  bool shown = false;               // kUnloaded only: the index has said so long enough

  bool serving() const { return state == VersionState::kReady; }
};

struct RepositoryView {
  ControlMode mode = ControlMode::kPoll;
  std::set<std::string> wishes;  // the models that the operator asked for; mode kExplicit only
  std::map<std::string, ModelOnDisk> disk;
  std::map<std::string, std::map<int64_t, VersionHeld>> held;
};

struct Action {
  enum Kind {
    kLoad,    // nothing of this version serves
    kReload,  // what serves goes on until the new one is ready
    kUnload,  // also: give up a load that has not begun
    kForget,  // there is nothing more to say about it
  };
  Kind kind;
  std::string model;
  int64_t version;
  std::string reason;  // kUnload only
};

// By model and, within one, loads before the rest, by version.
//
// - A version that is wanted is loaded when it is new, has changed and settled, or its time to be tried again has come.
//   What was tried and failed is left alone otherwise.
// - A version that is not wanted any more goes, unless it stands in for a wanted one that is not ready yet: as many of
//   those stay as are missing, newest first. One that is gone from the repository stands in only for those that are on
//   their way, not for those that failed; and where the whole model is gone, all go.
std::vector<Action> Reconcile(const RepositoryView& view, MonotonicTime now);

}  // namespace beak
