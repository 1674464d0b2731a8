#include "engine/data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "engine/base/rng.h"
#include "engine/base/status.h"
#include "engine/data/classes.h"
#include "engine/data/subset.h"

namespace beak::data {
namespace {

// The samples of one class and how many of them are held out.
struct Stratum {
  std::vector<int64_t> samples;
  int64_t taken = 0;
  double missing = 0;  // what rounding down cost it
};

absl::StatusOr<std::vector<Stratum>> Stratify(const Source& source, const std::string& field) {
  std::map<int64_t, Stratum> strata;
  std::vector<int64_t> labels(static_cast<size_t>(source.size()), 0);
  if (!field.empty()) {
    ASSIGN_OR_RETURN(labels, ReadScalars(source, field));
  }
  for (size_t i = 0; i < labels.size(); ++i) strata[labels[i]].samples.push_back(static_cast<int64_t>(i));
  std::vector<Stratum> result;
  for (auto& [label, stratum] : strata) result.push_back(std::move(stratum));
  return result;
}

// How many of each, so that it is `wanted` of all.
void Apportion(double fraction, int64_t wanted, std::vector<Stratum>& strata) {
  for (Stratum& stratum : strata) {
    const double share = fraction * static_cast<double>(stratum.samples.size());
    stratum.taken = static_cast<int64_t>(share);
    stratum.missing = share - static_cast<double>(stratum.taken);
    wanted -= stratum.taken;
  }
  std::vector<Stratum*> by_missing;
  for (Stratum& stratum : strata) by_missing.push_back(&stratum);
  std::ranges::stable_sort(by_missing, [](const Stratum* a, const Stratum* b) { return a->missing > b->missing; });
  for (size_t i = 0; i < by_missing.size() && wanted > 0; ++i, --wanted) ++by_missing[i]->taken;
}

}  // namespace

absl::StatusOr<Split> SplitByFraction(const SourcePtr& source, double fraction, uint64_t seed,
                                      const std::string& stratify_by) {
  if (!(fraction > 0 && fraction < 1)) {
    return absl::InvalidArgumentError(absl::StrCat("split: expected a fraction in (0, 1), got ", fraction));
  }
  ASSIGN_OR_RETURN(std::vector<Stratum> strata, Stratify(*source, stratify_by));
  Apportion(fraction, std::llround(fraction * static_cast<double>(source->size())), strata);
  std::vector<int64_t> held_out;
  for (size_t i = 0; i < strata.size(); ++i) {
    std::vector<int64_t>& samples = strata[i].samples;
    Rng(seed).Fork(i).Shuffle(std::span<int64_t>(samples));
    held_out.insert(held_out.end(), samples.begin(), samples.begin() + strata[i].taken);
  }
  std::ranges::sort(held_out);
  return SplitByIndices(source, std::move(held_out));
}

absl::StatusOr<Split> SplitByIndices(const SourcePtr& source, std::vector<int64_t> held_out) {
  Split split;
  absl::StatusOr<SourcePtr> subset = MakeSubset(source, held_out);
  if (!subset.ok()) return Annotate(subset.status(), "split: held-out part");
  split.held_out = *std::move(subset);
  std::ranges::sort(held_out);
  std::vector<int64_t> all(static_cast<size_t>(source->size()));
  std::iota(all.begin(), all.end(), 0);
  std::vector<int64_t> training;
  std::ranges::set_difference(all, held_out, std::back_inserter(training));
  subset = MakeSubset(source, std::move(training));
  if (!subset.ok()) return Annotate(subset.status(), "split: training part");
  split.training = *std::move(subset);
  return split;
}

}  // namespace beak::data
