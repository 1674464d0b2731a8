#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/formats/beak/network.h"
#include "engine/tensor/tensor.h"
#include "nlohmann/json.hpp"

// What tests read that hold Beak against numbers of PyTorch and Keras. The scripts in tests/golden/training wrote them.
namespace beak::testing {

// A file of tests/golden/training.
absl::StatusOr<nlohmann::json> ReadGoldenJson(const std::string& name);
absl::StatusOr<std::map<std::string, Tensor>> ReadGoldenArrays(const std::string& name);

// Numbers in [-1, 1) and class numbers that follow from a name: the same as tests/golden/training/formula.py gives.
std::vector<float> UniformByName(std::string_view name, int64_t count);
std::vector<int64_t> LabelsByName(std::string_view name, int64_t count, int64_t classes);

// A network that is described in tests/golden/training/networks or, where it is not there, in deploy/demo/networks; its
// parameters have the values of formula.py, running statistics those that they begin with.
absl::StatusOr<DescribedNetwork> ReadGoldenNetwork(const std::string& name);

// |actual - expected| / |expected|, 2-norms of all elements.
double RelativeError(std::span<const float> actual, std::span<const float> expected);

}  // namespace beak::testing
