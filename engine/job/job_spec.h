#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace beak {

namespace v1 {
class DataSet;
class TrainJobSpec;
}  // namespace v1

// The largest text of a job file.
inline constexpr int64_t kMaxJobTextBytes = int64_t{16} << 20;

// Reads a job (proto/beak/v1/train.proto) in protobuf's text form. INVALID_ARGUMENT with line and column where it is no
// such text. *Thread-safe.*
absl::StatusOr<v1::TrainJobSpec> ParseJob(const std::string& text);
// The same from a file; errors name it.
absl::StatusOr<v1::TrainJobSpec> ReadJobFile(const std::string& path);

// Everything that can be told to be wrong without data and network, one text a field: "training.epochs: expected at
// least 1, got 0". Empty where nothing is; of very many the last only counts. Pure.
std::vector<std::string> CheckSpec(const v1::TrainJobSpec& spec);

// The part of that which is about the data set, fields beginning with "data.".
std::vector<std::string> CheckDataSet(const v1::DataSet& data);

}  // namespace beak
