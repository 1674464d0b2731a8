#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/base/status.h"
#include "engine/runtime/kernel.h"
#include "engine/tensor/buffer.h"

namespace beak {

class Program;

// The memory of one run at a time: activations, scratch, and the kernels bound to them. *Thread-compatible.* Made by
// Program::CreateWorkspace; must not outlive the Program.
class Workspace {
 public:
  // Where the caller writes input i before a run: plain row-major, exactly the bytes of its type and shape.
  std::span<std::byte> input(int i) { return inputs_[i]; }
  // Where output i stands after a run, until the next one.
  std::span<const std::byte> output(int i) const { return outputs_[i]; }

 private:
  friend class Program;
  Workspace() = default;

  std::shared_ptr<Buffer> arena_;
  std::vector<std::unique_ptr<BoundKernel>> steps_;
  std::vector<std::span<std::byte>> inputs_;
  std::vector<std::span<const std::byte>> outputs_;
};

// Hears of every step of a run: how --profile is made.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void StepDone(int step) = 0;
};

struct RunOptions {
  const StopCondition* stop = nullptr;  // looked at between steps; the run then ends with CANCELLED
  StepObserver* observer = nullptr;
};

// A graph compiled for given input shapes and a number of threads: a flat list of steps whose kernels and memory were
// all fixed at compile time. *Immutable*; runs on as many threads at once as there are workspaces.
class Program {
 public:
  struct Operand {
    std::string name;
    DType dtype;
    Shape shape;
  };
  // Where a step's operand lies: in the arena, or a constant.
  struct Location {
    enum Kind { kAbsent, kArena, kConstant } kind = kAbsent;
    size_t offset = 0;                       // kArena
    size_t bytes = 0;                        // kArena
    std::shared_ptr<const Buffer> constant;  // kConstant
  };
  struct Step {
    std::string name;         // the node's name
    std::string op;           // operator, or "Reorder"
    std::string kernel_name;  // which kernel it got
    std::unique_ptr<const Kernel> kernel;
    std::vector<Location> inputs;
    std::vector<Location> outputs;
    size_t scratch_offset = 0;
    std::string layouts;  // "plain -> onednn aBcd16b": for profiles
    double flops = 0;     // of convolutions and matrix products, 2 per multiply-add
  };
  struct Parts {
    std::vector<Step> steps;
    std::vector<Operand> inputs;
    std::vector<Operand> outputs;
    std::vector<Location> input_locations;
    std::vector<Location> output_locations;
    size_t arena_bytes = 0;
    int threads = 1;
  };

  explicit Program(Parts parts);

  // `fill` is what the memory is filled with first: nothing may depend on it, and a test that fills it with the bytes
  // of NaN shows that nothing does.
  std::unique_ptr<Workspace> CreateWorkspace(std::byte fill = std::byte{0}) const;

  // Runs all steps. Inputs must have been written. CANCELLED when asked to stop; INVALID_ARGUMENT for what only the
  // data could tell (an index out of range). Uses threads() threads of OpenMP; the calling thread is one of them.
  absl::Status Run(Workspace& workspace, const RunOptions& options = {}) const;

  const std::vector<Operand>& inputs() const { return parts_.inputs; }
  const std::vector<Operand>& outputs() const { return parts_.outputs; }
  const std::vector<Step>& steps() const { return parts_.steps; }
  int threads() const { return parts_.threads; }
  size_t workspace_bytes() const { return parts_.arena_bytes; }
  double flops() const;  // of one run

 private:
  const Parts parts_;
  std::vector<double> done_;  // the part of a run that is behind when each step begins, about
};

}  // namespace beak
