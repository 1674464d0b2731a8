#include "tests/training/golden.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/io/npz.h"

namespace beak::testing {
namespace {

constexpr int64_t kMaxBytes = int64_t{16} << 20;

std::string Source(const std::string& path) {
  const char* sources = std::getenv("BEAK_SOURCE_DIR");
  return absl::StrCat(sources == nullptr ? "." : sources, "/", path);
}

uint64_t SplitMix64(uint64_t counter) {
  uint64_t x = counter * 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// Middle and half width of the values of a parameter.
std::pair<double, double> RangeOf(const ParameterSpec& spec) {
  switch (spec.role) {
    case ParameterRole::kKernel:
      return {0, std::sqrt(static_cast<double>(6 * spec.shape[0]) / static_cast<double>(NumElements(spec.shape)))};
    case ParameterRole::kGamma:
      return {1, 0.25};
    case ParameterRole::kSlope:
      return {0.25, 0.125};
    case ParameterRole::kEmbedding:
      return {0, 1};
    case ParameterRole::kMovingMean:
      return {0, 0};
    case ParameterRole::kMovingVariance:
      return {1, 0};
    case ParameterRole::kBias:
    case ParameterRole::kBeta:
      break;
  }
  return {0, 0.125};
}

}  // namespace

absl::StatusOr<nlohmann::json> ReadGoldenJson(const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(Source("tests/golden/training/" + name), kMaxBytes));
  return nlohmann::json::parse(text);
}

absl::StatusOr<std::map<std::string, Tensor>> ReadGoldenArrays(const std::string& name) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(Source("tests/golden/training/" + name), kMaxBytes));
  ASSIGN_OR_RETURN(std::vector<NamedArray> arrays, ParseNpz(bytes, kMaxBytes));
  std::map<std::string, Tensor> named;
  for (NamedArray& array : arrays) named.emplace(std::move(array.name), std::move(array.tensor));
  return named;
}

std::vector<float> UniformByName(std::string_view name, int64_t count) {
  const uint64_t crc = crc32(0, reinterpret_cast<const Bytef*>(name.data()), static_cast<uInt>(name.size()));
  std::vector<float> values;
  for (int64_t i = 1; i <= count; ++i) {
    const uint64_t bits = SplitMix64((crc << 32) + static_cast<uint64_t>(i)) >> 40;
    values.push_back(static_cast<float>(static_cast<double>(bits) * 0x1p-23 - 1));
  }
  return values;
}

std::vector<int64_t> LabelsByName(std::string_view name, int64_t count, int64_t classes) {
  std::vector<int64_t> labels;
  for (const double value : UniformByName(name, count)) {
    labels.push_back(static_cast<int64_t>((value + 1) * static_cast<double>(classes) / 2));
  }
  return labels;
}

absl::StatusOr<DescribedNetwork> ReadGoldenNetwork(const std::string& name) {
  std::string path = Source(absl::StrCat("tests/golden/training/networks/", name, ".textproto"));
  if (!IsRegularFile(path)) path = Source(absl::StrCat("deploy/demo/networks/", name, ".textproto"));
  ASSIGN_OR_RETURN(DescribedNetwork network, ReadNetworkFile(path));
  for (const ParameterSpec& spec : network.parameters) {
    const auto [middle, width] = RangeOf(spec);
    std::vector<float> values = UniformByName(spec.name, NumElements(spec.shape));
    for (float& value : values) value = static_cast<float>(middle + width * double{value});
    network.graph.mutable_value(network.graph.FindValue(spec.name)).constant = Tensor::Of<float>(spec.shape, values);
  }
  return network;
}

double RelativeError(std::span<const float> actual, std::span<const float> expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(double{actual[i]} - expected[i], 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(difference / norm);
}

}  // namespace beak::testing
