#include <cmath>
#include <functional>
#include <numeric>

#include "engine/base/status.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Along one axis, with the largest element taken off first, sums in double. A NaN or +inf makes its whole line NaN (inf
// - inf), and so do elements that are all -inf: as in NumPy.

namespace beak {
namespace {

// Lines along one axis: `count` elements, `stride` apart.
struct Lines {
  int64_t outer;
  int64_t count;
  int64_t stride;
};

absl::StatusOr<Lines> FindLines(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(request.node.Get<int64_t>("axis", -1), static_cast<int>(shape.size())));
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
  };
  return Lines{product(shape.begin(), shape.begin() + axis), shape[axis],
               product(shape.begin() + axis + 1, shape.end())};
}

template <typename T>
T LargestOf(const T* in, const Lines& lines) {
  T largest = LowestOf<T>();
  for (int64_t i = 0; i < lines.count; ++i) largest = Maximum(largest, in[i * lines.stride]);
  return largest;
}

template <typename T>
void Softmax(const T* in, const Lines& lines, T* out) {
  const T largest = LargestOf(in, lines);
  double sum = 0;
  for (int64_t i = 0; i < lines.count; ++i) {
    const T e = std::exp(in[i * lines.stride] - largest);
    out[i * lines.stride] = e;
    sum += e;
  }
  for (int64_t i = 0; i < lines.count; ++i) out[i * lines.stride] = static_cast<T>(out[i * lines.stride] / sum);
}

template <typename T>
void LogSoftmax(const T* in, const Lines& lines, T* out) {
  const T largest = LargestOf(in, lines);
  double sum = 0;
  for (int64_t i = 0; i < lines.count; ++i) sum += std::exp(in[i * lines.stride] - largest);
  const double log_sum = std::log(sum);
  for (int64_t i = 0; i < lines.count; ++i) {
    out[i * lines.stride] = static_cast<T>(in[i * lines.stride] - largest - log_sum);
  }
}

template <bool kLog>
absl::StatusOr<ReferenceRun> Prepare(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Lines lines, FindLines(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [lines](ReferenceInputs inputs, ReferenceOutputs outputs) {
      for (int64_t o = 0; o < lines.outer; ++o) {
        for (int64_t i = 0; i < lines.stride; ++i) {
          const int64_t start = o * lines.count * lines.stride + i;
          const T* const in = Input<T>(inputs, 0) + start;
          T* const out = Output<T>(outputs) + start;
          kLog ? LogSoftmax(in, lines, out) : Softmax(in, lines, out);
        }
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> SoftmaxReferences() { return {{"LogSoftmax", Prepare<true>}, {"Softmax", Prepare<false>}}; }

}  // namespace beak
