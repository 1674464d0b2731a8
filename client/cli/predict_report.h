#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/cli/class_scores.h"
#include "engine/tensor/tensor.h"

// What `beak predict` prints. Pure.
namespace beak::cli {

// One output of one request, in the one form that it has.
struct OutputReport {
  std::string name;
  std::vector<std::vector<ClassScore>> classes;  // a row for each input in the batch
  std::optional<Tensor> tensor;
  std::vector<std::string> strings;  // of a BYTES tensor
  std::string written_to;            // the file that the tensor went to, if any
};

struct RequestReport {
  std::vector<std::string> files;  // the pictures in it, in the order of the rows
  std::string version;             // of the model, that answered
  double milliseconds = 0;
  std::vector<OutputReport> outputs;
};

struct PredictReport {
  std::string model;
  std::vector<RequestReport> requests;  // at least one
};

// For people: classes with scores and labels, other tensors by type, shape and range; at the end the time per request.
std::string ToText(const PredictReport& report);

// One JSON object. Tensors of up to 1024 elements have their `data`, all have `datatype`, `shape` and range.
std::string ToJson(const PredictReport& report);

}  // namespace beak::cli
