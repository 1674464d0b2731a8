#pragma once

#include <cstdint>
#include <vector>

namespace inference {
class ModelVersionPolicy;
}

namespace beak {

// Which versions of a model are to be served, rising, out of those that the repository has (rising). The newest where
// the policy says nothing. A version that the policy names is wanted even where the repository lacks it.
std::vector<int64_t> SelectVersions(const inference::ModelVersionPolicy& policy, const std::vector<int64_t>& available);

}  // namespace beak
