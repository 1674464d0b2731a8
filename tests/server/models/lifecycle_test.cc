#include "server/models/lifecycle.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace beak {
namespace {

TEST(LifecycleTest, TheChainHasTheseStepsAndNoOthers) {
  using enum VersionState;
  const std::set<std::pair<VersionState, VersionState>> steps = {
      {kLoading, kReady},   {kReady, kDraining},   {kDraining, kUnloaded}, {kLoading, kFailed},
      {kReady, kFailed},    {kDraining, kFailed},  {kUnloaded, kLoading},  {kFailed, kLoading},
      {kUnloaded, kFailed}, {kLoading, kUnloaded}, {kFailed, kUnloaded},   {kDraining, kLoading},
  };
  for (const VersionState from : {kLoading, kReady, kDraining, kUnloaded, kFailed}) {
    for (const VersionState to : {kLoading, kReady, kDraining, kUnloaded, kFailed}) {
      EXPECT_EQ(MayFollow(from, to), steps.count({from, to}) == 1) << NameOf(from) << " -> " << NameOf(to);
    }
  }
}

}  // namespace
}  // namespace beak
