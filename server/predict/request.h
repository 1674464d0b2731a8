#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/tensor/dtype.h"
#include "server/observe/statistics.h"
#include "server/observe/trace_context.h"

// A predict request and its answer as every front end sees them, whatever the protocol. Value types.
namespace beak {

// Points into memory of the front end, which keeps it until the request has been answered.
struct InputTensor {
  std::string_view name;
  std::optional<DType> dtype;  // absent for a type of the protocol that the engine has not: strings, BF16
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // row-major, little-endian
};

struct RequestedOutput {
  std::string name;
  int64_t classes = 0;  // above 0: not the tensor but its largest elements, as text
};

struct PredictRequest {
  std::string model;
  std::string version;  // empty: the server's choice
  std::vector<InputTensor> inputs;
  std::vector<RequestedOutput> outputs;  // none: all
  absl::Status decoded;                  // not OK: why the front end could not make out the rest
  MonotonicTime received;
  MonotonicTime deadline = kNever;  // the earliest of all that apply
  uint64_t priority = 0;            // 1 is the highest; 0: the model's default
  int depth = 0;                    // of ensembles that this is a step of
  bool continues = false;           // a step of an ensemble of which another has been started before: see Task

  // Told what became of it before it is answered, where there is a version to answer it; lives until then.
  RequestObservation* observed = nullptr;

  // For traces and logs only.
  std::string_view id;                // the client's name for it; memory of the front end, any bytes, any length
  std::optional<TraceContext> trace;  // the trace that it is part of
};

struct OutputTensor {
  std::string name;
  std::optional<DType> dtype;  // absent: strings
  std::vector<int64_t> shape;
  std::string data;                  // row-major, little-endian; empty for strings
  std::vector<std::string> strings;  // in row-major order
};

struct PredictResponse {
  std::string model;
  int64_t version = 0;
  std::vector<OutputTensor> outputs;  // in the order in which they were asked for
};

}  // namespace beak
