#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/tensor_value.h"

// What goes into the calls of a Client and comes out of them. Value types.
namespace beak::client {

// An output that a predict call asks for.
struct RequestedOutput {
  std::string name;
  // Above 0: not the tensor but its so many largest values come back, as strings "value:index:label" (BYTES).
  int64_t classification = 0;
};

struct PredictRequest {
  std::string model;
  std::string version;  // empty: the server's choice
  std::string id;       // comes back unchanged
  std::vector<TensorValue> inputs;
  std::vector<RequestedOutput> outputs;  // empty: all
  // 1 is the highest, 0 the model's default; only where the model has priority levels.
  uint64_t priority = 0;
  // Longest time in the server's queue; beside the deadline of the call, whichever is earlier.
  std::optional<std::chrono::microseconds> timeout;
};

struct PredictResponse {
  std::string model;
  std::string version;
  std::string id;
  std::vector<TensorValue> outputs;

  // The output of that name, or null.
  const TensorValue* Find(const std::string& name) const;
};

struct ServerMetadata {
  std::string name;
  std::string version;
  std::vector<std::string> extensions;
};

struct TensorMetadata {
  std::string name;
  std::string datatype;        // "FP32"
  std::vector<int64_t> shape;  // with the batch dimension; -1 is free
};

struct ModelMetadata {
  std::string name;
  std::vector<std::string> versions;
  std::string platform;
  std::vector<TensorMetadata> inputs;
  std::vector<TensorMetadata> outputs;
};

struct ModelIndex {
  std::string name;
  std::string version;
  std::string state;   // READY, LOADING, UNLOADING or UNAVAILABLE
  std::string reason;  // why it is not READY
};

// How often, and how long all together.
struct DurationCount {
  uint64_t count = 0;
  std::chrono::nanoseconds total{0};
};

struct BatchStatistics {
  uint64_t batch_size = 0;
  DurationCount compute_input;
  DurationCount compute_infer;
  DurationCount compute_output;
};

// Since one version of a model was loaded.
struct ModelStatistics {
  std::string name;
  std::string version;
  std::chrono::system_clock::time_point last_inference;  // the epoch: never
  uint64_t inference_count = 0;
  uint64_t execution_count = 0;
  DurationCount success;
  DurationCount fail;
  DurationCount queue;
  DurationCount compute_input;
  DurationCount compute_infer;
  DurationCount compute_output;
  DurationCount cache_hit;               // answered from the response cache, looking up
  DurationCount cache_miss;              // looked up there in vain, and stored there
  std::vector<BatchStatistics> batches;  // executions, by the rows in them
};

// What grpc.health.v1 says of the server or of one model.
enum class HealthStatus { kUnknown, kServing, kNotServing };

}  // namespace beak::client
