#include "server/models/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const MonotonicTime kNow(std::chrono::hours(1));
const MonotonicTime kLater = kNow + std::chrono::seconds(1);

VersionHeld Ready(uint64_t fingerprint) { return {VersionState::kReady, Attempt::kSucceeded, fingerprint}; }
VersionHeld Loading() { return {VersionState::kLoading, Attempt::kUnderWay, 0}; }
VersionHeld Failed(uint64_t fingerprint, MonotonicTime retry_at = kNever) {
  return {VersionState::kFailed, Attempt::kFailed, fingerprint, retry_at};
}
VersionHeld Unloaded(uint64_t fingerprint, bool shown = false) {
  return {VersionState::kUnloaded, Attempt::kSucceeded, fingerprint, kNever, false, shown};
}
VersionHeld Draining(uint64_t fingerprint) {
  return {VersionState::kDraining, Attempt::kSucceeded, fingerprint, kNever, true};
}
VersionHeld ReloadFailed(uint64_t fingerprint, MonotonicTime retry_at = kNever) {
  return {VersionState::kReady, Attempt::kFailed, fingerprint, retry_at};
}
VersionHeld Reloading(uint64_t fingerprint) { return {VersionState::kReady, Attempt::kUnderWay, fingerprint}; }

VersionOnDisk Still(uint64_t fingerprint) { return {fingerprint, true}; }
VersionOnDisk Moving(uint64_t fingerprint) { return {fingerprint, false}; }

std::vector<std::string> Texts(const std::vector<Action>& actions) {
  const char* const names[] = {"load", "reload", "unload", "forget"};
  std::vector<std::string> texts;
  for (const Action& action : actions) {
    texts.push_back(absl::StrCat(names[action.kind], " ", action.model, " ", action.version,
                                 action.reason.empty() ? "" : ": ", action.reason));
  }
  return texts;
}

struct Case {
  const char* name;
  std::map<int64_t, VersionOnDisk> disk;
  std::vector<int64_t> wanted;
  std::map<int64_t, VersionHeld> held;
  std::vector<std::string> actions;
};

TEST(ReconcileTest, OneModelThatFollowsItsRepository) {
  const std::vector<Case> cases = {
      {"new", {{1, Still(5)}}, {1}, {}, {"load m 1"}},
      {"half-copied", {{1, Moving(5)}}, {1}, {}, {}},
      {"served as it is", {{1, Still(5)}}, {1}, {{1, Ready(5)}}, {}},
      {"on its way", {{1, Still(5)}}, {1}, {{1, Loading()}}, {}},
      {"changed", {{1, Still(6)}}, {1}, {{1, Ready(5)}}, {"reload m 1"}},
      {"changing", {{1, Moving(6)}}, {1}, {{1, Ready(5)}}, {}},
      {"changed again while it is reloaded", {{1, Still(7)}}, {1}, {{1, Reloading(6)}}, {}},
      {"failed", {{1, Still(5)}}, {1}, {{1, Failed(5)}}, {}},
      {"failed, to be tried later", {{1, Still(5)}}, {1}, {{1, Failed(5, kLater)}}, {}},
      {"failed, to be tried now", {{1, Still(5)}}, {1}, {{1, Failed(5, kNow)}}, {"load m 1"}},
      {"failed and repaired", {{1, Still(6)}}, {1}, {{1, Failed(5)}}, {"load m 1"}},
      {"failed to reload", {{1, Still(6)}}, {1}, {{1, ReloadFailed(6)}}, {}},
      {"failed to reload, to be tried now", {{1, Still(6)}}, {1}, {{1, ReloadFailed(6, kNow)}}, {"reload m 1"}},
      {"came back", {{1, Still(5)}}, {1}, {{1, Unloaded(5)}}, {"load m 1"}},
      {"came back while it drains", {{1, Still(5)}}, {1}, {{1, Draining(5)}}, {"load m 1"}},

      {"newer one", {{1, Still(5)}, {2, Still(6)}}, {2}, {{1, Ready(5)}}, {"load m 2"}},
      {"old one waits for it", {{1, Still(5)}, {2, Still(6)}}, {2}, {{1, Ready(5)}, {2, Loading()}}, {}},
      {"old one stays for it failed", {{1, Still(5)}, {2, Still(6)}}, {2}, {{1, Ready(5)}, {2, Failed(6)}}, {}},
      {"old one goes",
       {{1, Still(5)}, {2, Still(6)}},
       {2},
       {{1, Ready(5)}, {2, Ready(6)}},
       {"unload m 1: replaced by version 2"}},
      {"one stands in for one, the newest",
       {{1, Still(5)}, {2, Still(6)}, {3, Still(7)}},
       {3},
       {{1, Ready(5)}, {2, Ready(6)}, {3, Loading()}},
       {"unload m 1: replaced by version 3"}},
      {"latest two, one of them new",
       {{1, Still(5)}, {2, Still(6)}, {3, Still(7)}},
       {2, 3},
       {{1, Ready(5)}, {2, Ready(6)}, {3, Loading()}},
       {}},
      {"rolled back", {{1, Still(5)}, {2, Still(6)}}, {1}, {{2, Ready(6)}}, {"load m 1"}},
      {"rolled back, done",
       {{1, Still(5)}, {2, Still(6)}},
       {1},
       {{1, Ready(5)}, {2, Ready(6)}},
       {"unload m 2: replaced by version 1"}},
      {"a load that nobody waits for is given up",
       {{1, Still(5)}, {2, Still(6)}, {3, Still(7)}},
       {3},
       {{2, Loading()}, {3, Loading()}},
       {"unload m 2: replaced by version 3"}},
      {"a failure of no interest is forgotten",
       {{1, Still(5)}, {2, Still(6)}},
       {2},
       {{1, Failed(5)}, {2, Ready(6)}},
       {"forget m 1"}},

      {"deleted while it serves", {}, {}, {{1, Ready(5)}}, {"unload m 1: removed from the repository"}},
      {"deleted, the one before it comes back", {{1, Still(5)}}, {1}, {{2, Ready(6)}}, {"load m 1"}},
      {"deleted, the one before it is on its way", {{1, Still(5)}}, {1}, {{1, Loading()}, {2, Ready(6)}}, {}},
      {"deleted, the next one is half-copied", {{3, Moving(5)}}, {3}, {{2, Ready(6)}}, {}},
      {"deleted, the one before it is back",
       {{1, Still(5)}},
       {1},
       {{1, Ready(5)}, {2, Ready(6)}},
       {"unload m 2: removed from the repository"}},
      {"deleted, the one before it failed",
       {{1, Still(5)}},
       {1},
       {{1, Failed(5)}, {2, Ready(6)}},
       {"unload m 2: removed from the repository"}},
      {"deleted while it drains", {}, {}, {{1, Draining(5)}}, {}},
      {"deleted and drained, not yet shown", {}, {}, {{1, Unloaded(5)}}, {}},
      {"deleted, drained and shown", {}, {}, {{1, Unloaded(5, true)}}, {"forget m 1"}},
      {"deleted after it failed", {}, {}, {{1, Failed(5)}}, {"forget m 1"}},
      {"deleted before it was loaded", {}, {}, {{1, Loading()}}, {"unload m 1: removed from the repository"}},
      {"unloaded by the policy, still there",
       {{1, Still(5)}, {2, Still(6)}},
       {2},
       {{1, Unloaded(5, true)}, {2, Ready(6)}},
       {}},

      {"named by the policy, not there", {}, {7}, {}, {"load m 7"}},
      {"still not there", {}, {7}, {{7, Failed(0)}}, {}},
      {"there at last, half-copied", {{7, Moving(5)}}, {7}, {{7, Failed(0)}}, {}},
      {"there at last", {{7, Still(5)}}, {7}, {{7, Failed(0)}}, {"load m 7"}},
      {"named by the policy, deleted", {}, {7}, {{7, Ready(5)}}, {"unload m 7: removed from the repository"}},
  };
  for (const Case& c : cases) {
    for (const ControlMode mode : {ControlMode::kPoll, ControlMode::kExplicit}) {
      RepositoryView view;
      view.mode = mode;
      view.wishes = {"m"};
      view.disk["m"] = {c.disk, c.wanted};
      view.held["m"] = c.held;
      EXPECT_EQ(Texts(Reconcile(view, kNow)), c.actions) << c.name;
    }
  }
}

TEST(ReconcileTest, AModelThatIsGone) {
  RepositoryView view;
  view.held["m"] = {{1, Ready(5)}, {2, Loading()}, {3, Failed(6)}, {4, Unloaded(5, true)}};
  EXPECT_THAT(Texts(Reconcile(view, kNow)),
              ElementsAre("unload m 1: removed from the repository", "unload m 2: removed from the repository",
                          "forget m 3", "forget m 4"));
}

TEST(ReconcileTest, NothingIsLoadedThatNobodyAskedFor) {
  RepositoryView view;
  view.mode = ControlMode::kExplicit;
  view.disk["a"] = view.disk["b"] = {{{1, Still(5)}}, {1}};
  EXPECT_THAT(Reconcile(view, kNow), IsEmpty());
  view.wishes = {"b", "unknown"};
  EXPECT_THAT(Texts(Reconcile(view, kNow)), ElementsAre("load b 1"));
}

TEST(ReconcileTest, WhatIsWishedNoMoreIsUnloadedAndStaysKnown) {
  RepositoryView view;
  view.mode = ControlMode::kExplicit;
  view.disk["m"] = {{{1, Still(5)}, {2, Still(6)}, {3, Still(7)}, {4, Still(8)}}, {1, 2, 3, 4}};
  view.held["m"] = {{1, Ready(5)}, {2, Failed(6)}, {3, Loading()}, {4, Unloaded(8, true)}};
  EXPECT_THAT(Texts(Reconcile(view, kNow)),
              ElementsAre("unload m 1: unloaded", "unload m 2: unloaded", "unload m 3: unloaded"));
}

// A manager whose loads end at once, for better or worse.
void Carry(const std::vector<Action>& actions, std::mt19937& random, RepositoryView* view) {
  for (const Action& action : actions) {
    VersionHeld& held = view->held[action.model][action.version];
    const auto& versions = view->disk[action.model].versions;
    const auto disk = versions.find(action.version);
    const uint64_t fingerprint = disk == versions.end() ? 0 : disk->second.fingerprint;
    switch (action.kind) {
      case Action::kLoad:
      case Action::kReload:
        if (fingerprint != 0 && random() % 4 != 0) {
          held = Ready(fingerprint);
        } else {
          held = action.kind == Action::kReload ? ReloadFailed(fingerprint) : Failed(fingerprint);
        }
        break;
      case Action::kUnload:
        held = Unloaded(held.attempted, true);
        break;
      case Action::kForget:
        view->held[action.model].erase(action.version);
        break;
    }
  }
}

bool AnyServing(const RepositoryView& view) {
  const auto held = view.held.find("m");
  return held != view.held.end() && std::any_of(held->second.begin(), held->second.end(),
                                                [](const auto& version) { return version.second.serving(); });
}

// Whatever the repository does: it comes to rest, and a model does not stop being served as long as one of the versions
// that served it is there.
TEST(ReconcileTest, FlappingRepositoriesComeToRestAndLoseNothing) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    RepositoryView view;
    for (int step = 0; step < 30; ++step) {
      ModelOnDisk& disk = view.disk["m"];
      const int64_t version = 1 + static_cast<int64_t>(random() % 4);
      if (random() % 3 == 0) {
        disk.versions.erase(version);
      } else {
        disk.versions[version] = Still(1 + random() % 1000);
      }
      disk.wanted.clear();
      if (!disk.versions.empty()) disk.wanted = {disk.versions.rbegin()->first};
      bool must_serve = false;
      for (const auto& [number, held] : view.held["m"]) {
        must_serve = must_serve || (held.serving() && disk.versions.count(number) == 1);
      }
      int rounds = 0;
      for (auto actions = Reconcile(view, kNow); !actions.empty(); actions = Reconcile(view, kNow)) {
        Carry(actions, random, &view);
        ASSERT_LT(++rounds, 10) << "seed " << seed;
        ASSERT_TRUE(!must_serve || AnyServing(view)) << "seed " << seed;
      }
      int serving = 0;
      for (const auto& [number, held] : view.held["m"]) serving += held.serving();
      ASSERT_LE(serving, 1) << "latest(1) keeps one, seed " << seed;
    }
  }
}

}  // namespace
}  // namespace beak
