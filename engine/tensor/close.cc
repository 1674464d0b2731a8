#include "engine/tensor/close.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr double kRelative = 1e-3;
constexpr double kRelativeFloat16 = 1e-2;
constexpr double kAbsolute = 1e-5;

absl::StatusOr<std::vector<double>> ToDoubles(const Tensor& tensor) {
  ASSIGN_OR_RETURN(const Tensor wide, CastTo(tensor, DType::kFloat64));
  const std::span<const double> values = wide.values<double>();
  return std::vector<double>(values.begin(), values.end());
}

// How far apart two values are in units of what is allowed; 0 for the same value, infinity for what no tolerance
// covers.
double Distance(double actual, double expected, double relative, double absolute) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return 0;
  if (!std::isfinite(actual) || !std::isfinite(expected)) return HUGE_VAL;
  return std::abs(actual - expected) / (absolute + relative * std::abs(expected));
}

absl::Status ExpectCloseFloats(const Tensor& actual, const Tensor& expected) {
  ASSIGN_OR_RETURN(const std::vector<double> a, ToDoubles(actual));
  ASSIGN_OR_RETURN(const std::vector<double> e, ToDoubles(expected));
  double largest = 1;
  for (const double value : e) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  const double relative = expected.dtype() == DType::kFloat16 ? kRelativeFloat16 : kRelative;
  size_t worst = 0;
  size_t wrong = 0;
  double farthest = 1;
  for (size_t i = 0; i < e.size(); ++i) {
    const double distance = Distance(a[i], e[i], relative, kAbsolute * largest);
    if (distance <= 1) continue;
    ++wrong;
    if (distance > farthest) {
      farthest = distance;
      worst = i;
    }
  }
  if (wrong == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("expected %g at element %d, got %g (%d of %d elements differ)", e[worst],
                                             worst, a[worst], wrong, e.size()));
}

absl::Status ExpectSameBytes(const Tensor& actual, const Tensor& expected) {
  const auto [a, e] = std::mismatch(actual.bytes(), actual.bytes() + actual.byte_size(), expected.bytes());
  if (a == actual.bytes() + actual.byte_size()) return absl::OkStatus();
  const int64_t element = (a - actual.bytes()) / static_cast<int64_t>(SizeOf(actual.dtype()));
  return DispatchDType(actual.dtype(), [&]<typename T>() -> absl::Status {
    return absl::InternalError(absl::StrCat("expected ", expected.values<T>()[element], " at element ", element,
                                            ", got ", actual.values<T>()[element]));
  });
}

}  // namespace

absl::Status ExpectClose(const Tensor& actual, const Tensor& expected) {
  if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape()) {
    return absl::InternalError(absl::StrCat("expected ", NameOf(expected.dtype()), " ", ToString(expected.shape()),
                                            ", got ", NameOf(actual.dtype()), " ", ToString(actual.shape())));
  }
  return IsFloat(expected.dtype()) ? ExpectCloseFloats(actual, expected) : ExpectSameBytes(actual, expected);
}

}  // namespace beak
