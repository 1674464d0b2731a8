#include "engine/job/input_normalisation.h"

#include "proto/beak/v1/train.pb.h"

namespace beak {

absl::StatusOr<data::Normalisation> ToNormalisation(const v1::ScaleRange& range) {
  constexpr double kWhite = 255;  // of pictures of bytes
  return data::ScaleRange(range.low(), range.has_high() ? range.high() : kWhite, range.to_low(),
                          range.has_to_high() ? range.to_high() : 1);
}

data::Normalisation ToNormalisation(const v1::FixedNormalisation& fixed) {
  data::Normalisation normalisation = {{fixed.offset().begin(), fixed.offset().end()},
                                       {fixed.scale().begin(), fixed.scale().end()}};
  if (normalisation.offset.empty()) normalisation.offset = {0};
  if (normalisation.scale.empty()) normalisation.scale = {1};
  return normalisation;
}

}  // namespace beak
