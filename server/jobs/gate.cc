#include "server/jobs/gate.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace beak {
namespace {

GateDecision Pass() { return {true, ""}; }

GateDecision Refuse(std::string reason) { return {false, std::move(reason)}; }

struct Measure {
  const char* name = "loss";
  std::optional<double> value;
};

Measure Pick(v1::Metric metric, const v1::Scores& scores) {
  if (metric == v1::DEFAULT_METRIC) metric = scores.has_accuracy() ? v1::ACCURACY : v1::LOSS;
  Measure measure;
  if (metric == v1::ACCURACY) {
    measure.name = "accuracy";
    if (scores.has_accuracy()) measure.value = scores.accuracy();
  } else if (metric == v1::TOP5_ACCURACY) {
    measure.name = "top-5 accuracy";
    if (scores.has_top5_accuracy()) measure.value = scores.top5_accuracy();
  } else if (metric == v1::LOSS) {
    measure.value = scores.loss();
  } else {
    measure.name = "metric";
  }
  return measure;
}

GateDecision ByMetric(const v1::Publish& publish, const v1::Scores& scores) {
  const Measure measure = Pick(publish.metric(), scores);
  if (scores.samples() == 0) return Refuse("nothing was held out to measure it with");
  if (!measure.value) return Refuse(absl::StrCat(measure.name, " was not measured"));
  if (!publish.has_at_least() && !publish.has_at_most()) return Refuse("publish names no limit");
  const double value = *measure.value;
  if (std::isnan(value)) return Refuse(absl::StrCat(measure.name, " is no number"));
  // Written so that a limit that is no number is not kept either.
  if (publish.has_at_least() && !(value >= publish.at_least())) {
    return Refuse(absl::StrCat(measure.name, " ", value, " is below ", publish.at_least()));
  }
  if (publish.has_at_most() && !(value <= publish.at_most())) {
    return Refuse(absl::StrCat(measure.name, " ", value, " is above ", publish.at_most()));
  }
  return Pass();
}

GateDecision ByComparison(const v1::TrainResult& result, int64_t serving_version) {
  if (serving_version == 0) return Pass();
  if (!result.has_comparison()) return Refuse(absl::StrCat("not compared with version ", serving_version));
  const v1::Comparison& comparison = result.comparison();
  if (comparison.lower_bound() > 0) return Pass();
  return Refuse(absl::StrFormat(
      "not shown to be better than version %d: difference of accuracies %+.4f, at least %+.4f with confidence %g",
      serving_version, comparison.difference(), comparison.lower_bound(), comparison.confidence()));
}

}  // namespace

GateDecision DecidePublish(const v1::Publish& publish, const v1::TrainResult& result, int64_t serving_version) {
  switch (publish.when()) {
    case v1::Publish::ALWAYS:
      return Pass();
    case v1::Publish::NEVER:
      return Refuse("publish.when is NEVER");
    case v1::Publish::METRIC:
      return ByMetric(publish, result.held_out());
    case v1::Publish::BETTER_THAN_SERVING:
      return ByComparison(result, serving_version);
    default:
      return Refuse(absl::StrCat("publish.when is unknown: ", static_cast<int>(publish.when())));
  }
}

}  // namespace beak
