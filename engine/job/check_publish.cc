#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/field_errors.h"
#include "engine/job/check_spec.h"
#include "engine/job/unknown_enums.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr int64_t kMaxKept = 1'000'000;
constexpr double kMaxConfidence = 0.999999;

// What the metric has to reach: accuracies are bounded below, losses above.
void CheckBounds(const v1::Publish& publish, std::vector<std::string>& lines) {
  const bool low = publish.has_at_least(), high = publish.has_at_most();
  if (publish.metric() == v1::LOSS) {
    if (!high || low) lines.push_back("publish: expected at_most, and no at_least, with metric LOSS");
  } else if (publish.metric() == v1::DEFAULT_METRIC) {
    if (low == high) lines.push_back("publish: expected at_least for an accuracy, or at_most for a loss");
  } else if (!low || high) {
    lines.push_back("publish: expected at_least, and no at_most, with an accuracy as metric");
  }
  FieldErrors errors;
  if (low) errors.ExpectIn(publish.at_least(), 0, 1, "at_least", "a part in [0, 1]");
  if (high) errors.Expect(std::isfinite(publish.at_most()), "at_most", "a finite number", publish.at_most());
  AddLines("publish.", errors.Take(), lines);
}

void ExpectWhen(bool given, const char* field, const char* when, std::vector<std::string>& lines) {
  if (given) lines.push_back(absl::StrCat("publish.", field, ": expected when ", when, " with it"));
}

}  // namespace

void CheckPublish(const v1::TrainJobSpec& spec, std::vector<std::string>& lines) {
  const v1::Publish& publish = spec.publish();
  FindUnknownEnums(publish, "publish", lines);
  FieldErrors errors;
  errors.Expect(publish.keep_versions() >= 0 && publish.keep_versions() <= kMaxKept, "keep_versions", "0 to 1000000",
                publish.keep_versions());
  if (publish.has_confidence()) {
    errors.ExpectIn(publish.confidence(), 0.5, kMaxConfidence, "confidence", "a number in [0.5, 0.999999]");
  }
  AddLines("publish.", errors.Take(), lines);
  if (publish.when() == v1::Publish::METRIC) {
    CheckBounds(publish, lines);
  } else {
    ExpectWhen(publish.metric() != v1::DEFAULT_METRIC, "metric", "METRIC", lines);
    ExpectWhen(publish.has_at_least(), "at_least", "METRIC", lines);
    ExpectWhen(publish.has_at_most(), "at_most", "METRIC", lines);
  }
  if (publish.when() != v1::Publish::BETTER_THAN_SERVING) {
    ExpectWhen(publish.has_confidence(), "confidence", "BETTER_THAN_SERVING", lines);
  }
  if (publish.when() == v1::Publish::METRIC || publish.when() == v1::Publish::BETTER_THAN_SERVING) {
    NeedHeldOutData(spec, absl::StrCat("publish.when ", v1::Publish::When_Name(publish.when())), lines);
  }
}

}  // namespace beak
