#include "server/models/version_policy.h"

#include <algorithm>
#include <set>

#include "proto/inference/model_config.pb.h"

namespace beak {

std::vector<int64_t> SelectVersions(const inference::ModelVersionPolicy& policy,
                                    const std::vector<int64_t>& available) {
  switch (policy.policy_choice_case()) {
    case inference::ModelVersionPolicy::kAll:
      return available;
    case inference::ModelVersionPolicy::kSpecific: {
      const std::set<int64_t> named(policy.specific().versions().begin(), policy.specific().versions().end());
      return {named.begin(), named.end()};
    }
    case inference::ModelVersionPolicy::kLatest:
    case inference::ModelVersionPolicy::POLICY_CHOICE_NOT_SET:
      break;
  }
  const size_t wanted = std::max<size_t>(1, policy.latest().num_versions());
  return {available.end() - static_cast<std::ptrdiff_t>(std::min(wanted, available.size())), available.end()};
}

}  // namespace beak
