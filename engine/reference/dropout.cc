#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Dropout in training: an element is 0 with the probability `ratio`, else divided by 1 - ratio (Srivastava et al. 2014,
// inverted). Which are dropped follows from the seed, the node's salt and the element's place alone, so that the
// gradient drops the same ones. With `spatial` whole channels of a sample are dropped (Tompson et al. 2015).

namespace beak {
namespace {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): bits of a counter that look random.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

uint64_t KeyOf(int64_t seed, int64_t salt) {
  return Mix(static_cast<uint64_t>(seed) * 0x9e3779b97f4a7c15ull + Mix(static_cast<uint64_t>(salt)));
}

bool IsKept(uint64_t key, int64_t place, uint32_t threshold) {
  const uint64_t bits = Mix(key + static_cast<uint64_t>(place + 1) * 0x9e3779b97f4a7c15ull);
  return static_cast<uint32_t>(bits >> 40) >= threshold;
}

// x, seed
absl::StatusOr<ReferenceRun> PrepareDropout(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const double ratio = request.node.Get("ratio", 0.5f);
  const int64_t salt = request.node.Get<int64_t>("salt", 0);
  const bool wide_seed = request.inputs[1].dtype == DType::kInt64;
  int64_t block = 1;  // elements that are dropped together
  if (request.node.Get<int64_t>("spatial", 0) != 0) {
    for (size_t d = 2; d < shape.size(); ++d) block *= shape[d];
  }
  const int64_t blocks = block == 0 ? 0 : NumElements(shape) / block;
  const uint32_t threshold = static_cast<uint32_t>(ratio * (1 << 24));  // of 24 random bits
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    const T factor = ratio < 1 ? static_cast<T>(1 / (1 - ratio)) : T{0};
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const uint64_t key = KeyOf(wide_seed ? *Input<int64_t>(inputs, 1) : *Input<int32_t>(inputs, 1), salt);
      const T* x = Input<T>(inputs, 0);
      T* y = Output<T>(outputs);
      for (int64_t i = 0; i < blocks; ++i) {
        const T scale = IsKept(key, i, threshold) ? factor : T{0};
        for (int64_t e = 0; e < block; ++e) *y++ = *x++ * scale;
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> DropoutReferences() { return {{"DropoutTraining", PrepareDropout}}; }

}  // namespace beak
