#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
#include "engine/data/source.h"

namespace beak::data {

// What a data set holds, as digests of the samples' decoded values: the same pictures have the same digests whatever
// files they are in. A value type.
struct DataDigest {
  std::vector<Sha256::Digest> samples;  // of some fields of each sample, in order
  Sha256::Digest whole;                 // of all fields of all samples, in order, and their schema: for lineage
};

// Reads every sample once. `fields` names those that make samples the same: the inputs, so that an input that comes
// again with another label is found too. `progress` is called now and then: how many samples of how many.
absl::StatusOr<DataDigest> DigestOf(const Source& source, const std::vector<std::string>& fields,
                                    const std::function<void(int64_t done, int64_t total)>& progress = {});

// What two data sets have in common: for each sample of `b` whose digest is among `a`'s, the number of the first such
// sample of `a`, and its own. In the order of `b`.
std::vector<std::pair<int64_t, int64_t>> FindOverlap(const DataDigest& a, const DataDigest& b);

}  // namespace beak::data
