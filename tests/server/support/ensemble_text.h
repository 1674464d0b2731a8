#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

// Parts of the configuration of an ensemble, as text.
namespace beak::testing {

// A step, and how what it takes and gives is called by it and by the ensemble.
inline std::string Step(const std::string& model, const std::vector<std::pair<std::string, std::string>>& inputs,
                        const std::vector<std::pair<std::string, std::string>>& outputs) {
  std::string step = absl::StrCat("step { model_name: '", model, "' ");
  for (const auto& [key, value] : inputs) {
    absl::StrAppend(&step, "input_map { key: '", key, "' value: '", value, "' } ");
  }
  for (const auto& [key, value] : outputs) {
    absl::StrAppend(&step, "output_map { key: '", key, "' value: '", value, "' } ");
  }
  return step + "} ";
}
inline std::string In(const std::string& name, const char* type = "TYPE_FP32", const std::string& dims = "[2]") {
  return absl::StrCat("input { name: '", name, "' data_type: ", type, " dims: ", dims, " } ");
}
inline std::string Out(const std::string& name, const char* type = "TYPE_FP32", const std::string& dims = "[2]") {
  return absl::StrCat("output { name: '", name, "' data_type: ", type, " dims: ", dims, " } ");
}

}  // namespace beak::testing
