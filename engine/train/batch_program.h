#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/runtime/kernel.h"
#include "engine/runtime/program.h"

namespace beak {

// Some samples with what is expected of them: plain row-major bytes, one entry an input of the network and one a loss.
struct TrainingBatch {
  int64_t rows = 0;
  std::vector<std::span<const std::byte>> inputs;
  std::vector<std::span<const std::byte>> targets;
};

// The shapes of a batch's inputs, given those of a row.
std::vector<Shape> WithRows(std::vector<Shape> row_shapes, int64_t rows);

// A graph whose shapes are all static, compiled, and the memory of one run at a time, which is taken for the first one:
// before that, whether there is enough can be decided. *Thread-compatible.*
class BatchProgram {
 public:
  static absl::StatusOr<BatchProgram> Create(Graph graph, int threads, const Backend& backend);

  // INVALID_ARGUMENT unless these are as many bytes as the input has.
  absl::Status SetInput(size_t i, std::span<const std::byte> bytes);
  // The network's inputs, then the targets, which are the graph's first ones.
  absl::Status SetBatch(const TrainingBatch& batch);
  // REQUIRES: all inputs are set.
  absl::Status Run(const RunOptions& options = {}) { return program_->Run(*workspace_, options); }
  // Of the last run, until the next one. REQUIRES: a float32 output.
  std::span<float> output(size_t i) const;

  const Program& program() const { return *program_; }
  size_t workspace_bytes() const { return program_->workspace_bytes(); }

 private:
  explicit BatchProgram(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
  std::unique_ptr<Workspace> workspace_;  // null before the first input
};

}  // namespace beak
