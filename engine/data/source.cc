#include "engine/data/source.h"

#include "engine/base/status.h"

namespace beak::data {

absl::StatusOr<Sample> Source::Read(int64_t index) const {
  Sample sample(schema().fields.size());
  for (size_t i = 0; i < sample.size(); ++i) {
    ASSIGN_OR_RETURN(sample[i], ReadField(index, i));
  }
  return sample;
}

}  // namespace beak::data
