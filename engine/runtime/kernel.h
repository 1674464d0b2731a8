#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/runtime/layout.h"

namespace beak {

// Where a step's operands lie during the runs of one workspace. Null where an optional operand is left out.
struct Operands {
  std::vector<const std::byte*> inputs;
  std::vector<std::byte*> outputs;
  std::byte* scratch = nullptr;  // KernelPlan::scratch_bytes, aligned to 64; its contents do not survive the step
};

// A kernel tied to one workspace's memory: all that a run needs was made when it was bound. *Thread-compatible.*
class BoundKernel {
 public:
  virtual ~BoundKernel() = default;
  // Reads the inputs, writes the outputs. Fails only for what the data says (an index out of range).
  virtual absl::Status Run() = 0;
};

// One step of a program. *Immutable*: shared by all workspaces and threads.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::unique_ptr<BoundKernel> Bind(const Operands& operands) const = 0;
};

// One operand of a node when its shapes are known.
struct OperandInfo {
  bool present = false;
  DType dtype = DType::kFloat32;
  Shape shape;
  Layout layout;                     // inputs only: the layout in which the value lies now
  bool is_constant = false;          // inputs only: known before the run; its bytes come from the ConstantStore
  const Tensor* constant = nullptr;  // inputs only: the plain elements of a constant, where they are still held
};

// What a kernel factory is asked: can you run this node, for these shapes and layouts?
struct KernelRequest {
  const Node& node;
  std::vector<OperandInfo> inputs;
  std::vector<OperandInfo> outputs;
  int threads = 1;  // the number of threads that will run it, fixed for the program
  int policy = 0;   // Backend::choose_policy's answer
};

// The answer: what will run and what it wants.
struct KernelPlan {
  static constexpr int kNone = -1;

  std::string name;                      // for profiles: "onednn jit:avx512_core", "reference"
  std::unique_ptr<const Kernel> kernel;  // null for a view
  std::vector<Layout> input_layouts;     // per input; the compiler puts reorders before, or packs constants
  std::vector<Layout> output_layouts;    // per output
  size_t scratch_bytes = 0;
  // Output 0 is written over this input's memory, which the kernel also reads (a fused residual sum). The compiler
  // copies the input first where somebody still needs it.
  int accumulates_into = kNone;
  // Output 0 may share this input's memory, where nobody needs the input afterwards. Same byte size required.
  int may_overwrite = kNone;
  // Output 0 is input 0 under another shape: no step is made at all.
  bool view = false;
};

// Asks for a plan. A refusal is an error that says why; the next factory in the list is asked then.
using KernelFactory = absl::StatusOr<KernelPlan> (*)(const KernelRequest& request);

struct KernelEntry {
  const char* name;  // of the factory: "onednn conv", "reference"
  KernelFactory factory;
};

// What a program is compiled with. Explicit tables, handed in; the runtime knows no backend. *Immutable.*
struct Backend {
  // Per operator, fastest first, reference last.
  std::map<std::string, std::vector<KernelEntry>> kernels;
  // What the kernels of one program should agree on, from a look at the whole graph with static shapes. A number that
  // means something to the backend alone; every request carries it. Empty: 0.
  std::function<int(const Graph& graph)> choose_policy;
  // A kernel that copies a tensor from one layout into another, one input and one output.
  std::function<absl::StatusOr<KernelPlan>(DType dtype, const Shape& shape, const Layout& from, const Layout& to,
                                           int threads)>
      reorder;
  // Computes a node on plain tensors: how constants are folded. UNIMPLEMENTED for operators that cannot be.
  // `inputs` has a null pointer where an optional input is left out.
  std::function<absl::StatusOr<std::vector<Tensor>>(const Node& node, const std::vector<const Tensor*>& inputs,
                                                    const std::vector<TensorType>& outputs)>
      evaluate;
};

}  // namespace beak
