#pragma once

#include "absl/status/statusor.h"
#include "engine/data/normalisation.h"

namespace beak {

namespace v1 {
class FixedNormalisation;
class ScaleRange;
}  // namespace v1

// Normalisations that a job gives in numbers, its defaults filled in. INVALID_ARGUMENT as data::ScaleRange.
absl::StatusOr<data::Normalisation> ToNormalisation(const v1::ScaleRange& range);
// An offset that is not given is 0, a scale 1. Nothing is checked.
data::Normalisation ToNormalisation(const v1::FixedNormalisation& fixed);

}  // namespace beak
