#include "server/predict/classify.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

template <typename T>
std::string NumberText(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "1" : "0";
  } else {
    char text[64];
    return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
  }
}

// Larger first; a NaN, which equals nothing, comes after every number.
template <typename T>
bool Before(T a, T b) {
  const bool a_is_nan = a != a, b_is_nan = b != b;
  return a_is_nan || b_is_nan ? !a_is_nan && b_is_nan : a > b;
}

template <typename T>
void AppendRow(std::span<const T> values, int64_t classes, const std::vector<std::string>& labels,
               std::vector<std::string>* out) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto middle = order.begin() + std::min<int64_t>(classes, static_cast<int64_t>(order.size()));
  std::partial_sort(order.begin(), middle, order.end(), [&](size_t a, size_t b) {
    if (Before(values[a], values[b])) return true;
    return !Before(values[b], values[a]) && a < b;
  });
  for (auto index = order.begin(); index != middle; ++index) {
    std::string text = absl::StrCat(NumberText(values[*index]), ":", *index);
    if (*index < labels.size() && !labels[*index].empty()) absl::StrAppend(&text, ":", labels[*index]);
    out->push_back(std::move(text));
  }
}

template <typename T>
std::vector<std::string> Rows(std::span<const T> values, int64_t rows, int64_t classes,
                              const std::vector<std::string>& labels) {
  std::vector<std::string> out;
  const size_t size = values.size() / static_cast<size_t>(rows);
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    AppendRow(values.subspan(row * size, size), classes, labels, &out);
  }
  return out;
}

template <typename T>
std::span<const T> Cast(std::span<const std::byte> data) {
  return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
}

}  // namespace

std::vector<std::string> TopClasses(DType dtype, std::span<const std::byte> data, int64_t rows, int64_t classes,
                                    const std::vector<std::string>& labels) {
  if (dtype == DType::kFloat16) {
    const std::span<const uint16_t> halves = Cast<uint16_t>(data);
    std::vector<float> floats(halves.size());
    std::transform(halves.begin(), halves.end(), floats.begin(), HalfToFloat);
    return Rows<float>(floats, rows, classes, labels);
  }
  return DispatchDType(dtype, [&]<typename T>() { return Rows(Cast<T>(data), rows, classes, labels); });
}

}  // namespace beak
