#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/data/normalisation.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/job/check_spec.h"
#include "engine/job/input_normalisation.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

using network_format::Quoted;

constexpr int kMaxInputs = 64;
constexpr int kMaxChannels = 1 << 16;
constexpr float kHuge = 1e30f;

void CheckEntries(const std::string& place, const google::protobuf::RepeatedField<float>& entries, bool zero_is_wrong,
                  std::vector<std::string>& lines) {
  if (entries.size() > kMaxChannels) {
    lines.push_back(absl::StrCat(place, ": expected at most ", kMaxChannels, " numbers, got ", entries.size()));
    return;
  }
  for (const float entry : entries) {
    if (std::abs(entry) <= kHuge && !(zero_is_wrong && entry == 0)) continue;  // false for NaN
    lines.push_back(absl::StrCat(place, ": expected numbers in [-1e30, 1e30]", zero_is_wrong ? " other than 0" : "",
                                 ", got ", entry));
    return;
  }
}

void CheckFixed(const std::string& place, const v1::FixedNormalisation& fixed, std::vector<std::string>& lines) {
  CheckEntries(absl::StrCat(place, ".offset"), fixed.offset(), false, lines);
  CheckEntries(absl::StrCat(place, ".scale"), fixed.scale(), true, lines);
  if (fixed.offset().empty() && fixed.scale().empty()) {
    lines.push_back(absl::StrCat(place, ": expected offset or scale, got neither"));
  }
}

void CheckBinding(const std::string& place, const v1::InputBinding& binding, std::vector<std::string>& lines) {
  if (binding.field().empty()) lines.push_back(absl::StrCat(place, ".field: expected a name, got ''"));
  if (binding.has_scale_range()) {
    const absl::Status status = ToNormalisation(binding.scale_range()).status();
    const std::string text(absl::StripPrefix(status.message(), "normalisation: "));
    if (!status.ok()) lines.push_back(absl::StrCat(place, ".scale_range: ", text));
  }
  if (binding.has_fixed()) CheckFixed(absl::StrCat(place, ".fixed"), binding.fixed(), lines);
}

}  // namespace

void CheckInputs(const v1::TrainJobSpec& spec, std::vector<std::string>& lines) {
  if (spec.input_size() > kMaxInputs) {
    lines.push_back(absl::StrCat("input: expected at most ", kMaxInputs, ", got ", spec.input_size()));
    return;
  }
  std::set<std::string> inputs;
  for (int i = 0; i < spec.input_size(); ++i) {
    const v1::InputBinding& binding = spec.input(i);
    const std::string place = absl::StrCat("input[", i, "]");
    CheckBinding(place, binding, lines);
    if (!binding.input().empty() && !inputs.insert(binding.input()).second) {
      lines.push_back(absl::StrCat(place, ".input: expected each input once, got ", Quoted(binding.input()), " again"));
    }
  }
}

}  // namespace beak
