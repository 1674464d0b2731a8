#include "client/cli/predict_report.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

constexpr int64_t kMaxJsonElements = 1024;
constexpr int64_t kMaxTextElements = 8;

// Calls visit(value) for each element; float16 arrives as float.
template <typename Visit>
void ForEach(const Tensor& tensor, Visit visit) {
  DispatchDType(tensor.dtype(), [&]<typename T>() {
    for (const T value : tensor.values<T>()) {
      if constexpr (std::is_same_v<T, uint16_t>) {
        if (tensor.dtype() == DType::kFloat16) {
          visit(HalfToFloat(value));
          continue;
        }
      }
      visit(value);
    }
  });
}

// Of the elements that are finite.
struct Range {
  int64_t finite = 0;
  double min = INFINITY;
  double max = -INFINITY;
  double sum = 0;
};

Range RangeOf(const Tensor& tensor) {
  Range range;
  ForEach(tensor, [&](auto element) {
    const double value = static_cast<double>(element);
    if (!std::isfinite(value)) return;
    ++range.finite;
    range.min = std::min(range.min, value);
    range.max = std::max(range.max, value);
    range.sum += value;
  });
  return range;
}

std::string TensorText(const Tensor& tensor) {
  std::string text = absl::StrCat(NameOf(tensor.dtype()), " ", ToString(tensor.shape()));
  if (tensor.num_elements() <= kMaxTextElements) {
    ForEach(tensor, [&](auto element) { absl::StrAppend(&text, " ", static_cast<double>(element)); });
    return text;
  }
  const Range range = RangeOf(tensor);
  if (range.finite > 0) {
    absl::StrAppendFormat(&text, "  min %g  mean %g  max %g", range.min, range.sum / static_cast<double>(range.finite),
                          range.max);
  }
  const int64_t others = tensor.num_elements() - range.finite;
  if (others > 0) absl::StrAppendFormat(&text, "  not finite %d", others);
  return text;
}

std::string ClassText(const ClassScore& score) {
  std::string text = absl::StrFormat("%12.6g  %d", score.score, score.index);
  if (!score.label.empty()) absl::StrAppend(&text, "  ", score.label);
  return text;
}

std::string OutputText(const RequestReport& request, const OutputReport& output) {
  std::string text;
  for (size_t row = 0; row < output.classes.size(); ++row) {
    const bool named = output.classes.size() == request.files.size();
    absl::StrAppend(&text, named ? request.files[row] + ": " : "", output.name, "\n");
    for (const ClassScore& score : output.classes[row]) absl::StrAppend(&text, ClassText(score), "\n");
  }
  if (output.tensor) absl::StrAppend(&text, output.name, "  ", TensorText(*output.tensor), "\n");
  if (!output.strings.empty()) absl::StrAppend(&text, output.name, "  ", absl::StrJoin(output.strings, " "), "\n");
  if (!output.written_to.empty()) absl::StrAppend(&text, "  written to ", output.written_to, "\n");
  return text;
}

nlohmann::json TensorJson(const Tensor& tensor) {
  nlohmann::json json = {{"datatype", NameOf(tensor.dtype())}, {"shape", tensor.shape()}};
  const Range range = RangeOf(tensor);
  if (range.finite > 0) {
    json["min"] = range.min;
    json["max"] = range.max;
    json["mean"] = range.sum / static_cast<double>(range.finite);
  }
  if (tensor.num_elements() <= kMaxJsonElements) {
    json["data"] = nlohmann::json::array();
    ForEach(tensor, [&](auto element) { json["data"].push_back(element); });
  }
  return json;
}

nlohmann::json ClassesJson(const std::vector<std::vector<ClassScore>>& classes) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::vector<ClassScore>& row : classes) {
    nlohmann::json scores = nlohmann::json::array();
    for (const ClassScore& score : row) {
      nlohmann::json entry = {{"score", score.score}, {"index", score.index}};
      if (!score.label.empty()) entry["label"] = score.label;
      scores.push_back(std::move(entry));
    }
    rows.push_back(std::move(scores));
  }
  return rows;
}

nlohmann::json OutputJson(const OutputReport& output) {
  nlohmann::json json = output.tensor ? TensorJson(*output.tensor) : nlohmann::json::object();
  json["name"] = output.name;
  if (!output.classes.empty()) json["classes"] = ClassesJson(output.classes);
  if (!output.strings.empty()) json["strings"] = output.strings;
  if (!output.written_to.empty()) json["written_to"] = output.written_to;
  return json;
}

}  // namespace

std::string ToText(const PredictReport& report) {
  std::string text;
  double total = 0;
  for (const RequestReport& request : report.requests) {
    total += request.milliseconds;
    for (const OutputReport& output : request.outputs) absl::StrAppend(&text, OutputText(request, output));
  }
  const size_t count = report.requests.size();
  absl::StrAppendFormat(&text, "%s version %s: %d request%s, %.2f ms%s\n", report.model, report.requests[0].version,
                        count, count == 1 ? "" : "s", total / static_cast<double>(count), count == 1 ? "" : " each");
  return text;
}

std::string ToJson(const PredictReport& report) {
  nlohmann::json json = {{"model", report.model}};
  json["requests"] = nlohmann::json::array();
  for (const RequestReport& request : report.requests) {
    nlohmann::json entry = {
        {"version", request.version}, {"milliseconds", request.milliseconds}, {"outputs", nlohmann::json::array()}};
    if (!request.files.empty()) entry["files"] = request.files;
    for (const OutputReport& output : request.outputs) entry["outputs"].push_back(OutputJson(output));
    json["requests"].push_back(std::move(entry));
  }
  // Names come from outside and may be no UTF-8.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace beak::cli
