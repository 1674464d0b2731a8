#include "engine/io/cifar.h"

#include <cstdint>

#include "engine/base/status.h"

namespace beak {
namespace {

constexpr int64_t kSide = 32;
constexpr int64_t kArea = kSide * kSide;
constexpr int64_t kChannels = 3;
constexpr int64_t kClasses = 10;
constexpr size_t kRecord = 1 + kChannels * kArea;

// Planes to interleaved pixels.
void Interleave(const char* planes, uint8_t* out) {
  for (int64_t i = 0; i < kArea; ++i) {
    for (int64_t c = 0; c < kChannels; ++c) *out++ = static_cast<uint8_t>(planes[c * kArea + i]);
  }
}

}  // namespace

absl::StatusOr<LabelledImages> ParseCifar10(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cifar-10: expected one or more records of ", kRecord, " bytes, got ", bytes.size(), " bytes"));
  }
  const int64_t count = static_cast<int64_t>(bytes.size() / kRecord);
  LabelledImages result;
  ASSIGN_OR_RETURN(result.images, Tensor::Create(DType::kUint8, {count, kSide, kSide, kChannels}));
  ASSIGN_OR_RETURN(result.labels, Tensor::Create(DType::kInt64, {count}));
  uint8_t* image = result.images.mutable_values<uint8_t>().data();
  for (int64_t i = 0; i < count; ++i) {
    const char* record = bytes.data() + static_cast<size_t>(i) * kRecord;
    const int64_t label = static_cast<uint8_t>(record[0]);
    if (label >= kClasses) {
      return absl::InvalidArgumentError(
          absl::StrCat("cifar-10: record ", i, ": expected a label of 0 to ", kClasses - 1, ", got ", label));
    }
    result.labels.mutable_values<int64_t>()[static_cast<size_t>(i)] = label;
    Interleave(record + 1, image + i * kChannels * kArea);
  }
  return result;
}

}  // namespace beak
