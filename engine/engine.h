#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/runtime/program.h"
#include "engine/tensor/tensor.h"

// The engine as the server and the tools see it.
namespace beak {

class Graph;

// A tensor that a model takes or gives. Symbols and "?" stand for dimensions that are free.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kFloat32;
  PartialShape shape;
};

struct LoadOptions {
  int max_cached_programs = 64;  // compiled programs kept, least recently used go first
};

// A network, read, checked and optimised, ready to be compiled for the shapes that are asked for. *Thread-safe.*
class Model {
 public:
  // Reads a model file (ONNX). NOT_FOUND, DATA_LOSS (corrupt), UNIMPLEMENTED (something we lack: names operator,
  // attribute and node), INVALID_ARGUMENT (not a valid model), RESOURCE_EXHAUSTED (a limit).
  static absl::StatusOr<std::shared_ptr<Model>> Load(const std::string& path, const LoadOptions& options = {});
  // The same from a graph as an importer gives it.
  static absl::StatusOr<std::shared_ptr<Model>> FromGraph(Graph graph, const LoadOptions& options = {});

  virtual ~Model() = default;

  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;

  // True when the first dimension of every input and every output is free: rows can then be batched.
  bool FirstDimensionsFree() const;

  // A program for exactly these input shapes, in the order of inputs(), from the cache or compiled now (milliseconds to
  // seconds; two callers never compile the same one twice). INVALID_ARGUMENT names the input whose shape does not fit.
  virtual absl::StatusOr<std::shared_ptr<const Program>> GetProgram(const std::vector<Shape>& input_shapes,
                                                                    int threads) = 0;

  virtual int64_t num_parameters() const = 0;  // elements of weights in the file
  virtual int64_t weight_bytes() const = 0;    // of the constants now held, packed copies included
  virtual int num_programs() const = 0;        // compiled and cached
  virtual const Graph& graph() const = 0;      // after the passes, as it is compiled
};

// The array in a NumPy file (.npy): how samples are stored beside a network. NOT_FOUND, INVALID_ARGUMENT (no such
// array), RESOURCE_EXHAUSTED (beyond engine/base/limits.h), each naming the path.
absl::StatusOr<Tensor> ReadNpyFile(const std::string& path);

}  // namespace beak
