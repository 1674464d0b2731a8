#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/onednn/dnnl_compat.h"
#include "engine/runtime/kernel.h"

// What all oneDNN kernels share: descriptors as layouts, and primitives as kernels.
namespace beak::onednn {

// The one CPU engine of the process.
const dnnl::engine& CpuEngine();

// Every primitive gets its scratchpad from the workspace: the library's own is one for all threads (library bug).
dnnl::primitive_attr UserScratchpad();

// The plain row-major descriptor of a float32 tensor. REQUIRES: 1 to 12 dimensions.
Desc PlainDesc(const Dims& dims);
// A descriptor that leaves the layout to the library.
Desc AnyDesc(const Dims& dims);

// A layout that oneDNN chose. `plain` describes the plain bytes in the same dimensions: for weights these may be other
// dimensions or strides than the tensor's own (groups apart, in and out swapped).
class DnnlLayout final : public OpaqueLayout {
 public:
  DnnlLayout(Desc packed, Desc plain) : packed_(std::move(packed)), plain_(std::move(plain)) {}

  const Desc& packed() const { return packed_; }
  const Desc& plain_view() const { return plain_; }

  size_t byte_size() const override { return packed_.get_size(); }
  bool Equals(const OpaqueLayout& other) const override;
  std::string ToString() const override;
  void Pack(const std::byte* plain, std::byte* packed) const override;
  void Unpack(const std::byte* packed, std::byte* plain) const override;

 private:
  Desc packed_;
  Desc plain_;
};

// The layout that a descriptor stands for: plain where its bytes are those of the plain tensor.
Layout LayoutOf(const Desc& desc, const Desc& plain);
Layout LayoutOf(const Desc& desc);  // of an activation: plain means row-major in its own dimensions
// The descriptor of an activation as it lies now.
Desc DescOf(const OperandInfo& operand);

// OK where oneDNN can take the operands at all: float32, 1 to 6 dimensions, none of them 0; else a refusal that says
// why.
absl::Status Eligible(const OperandInfo& operand);
// Of all present inputs and outputs of a node.
absl::Status AllEligible(const KernelRequest& request);

// One argument of a primitive: which operand of the step it is.
struct Argument {
  enum Kind { kInput, kOutput };

  int id = 0;  // DNNL_ARG_...
  Kind kind = kInput;
  int operand = 0;
  Desc desc;
};

// A primitive as a kernel. The scratchpad argument is added here.
std::unique_ptr<const Kernel> MakeKernel(dnnl::primitive primitive, std::vector<Argument> arguments, Desc scratchpad);

// Fills in name, kernel and scratch of a plan from a primitive descriptor (any of dnnl's classes).
template <typename Primitive, typename PrimitiveDesc>
void SetPrimitive(const PrimitiveDesc& desc, std::vector<Argument> arguments, KernelPlan& plan) {
  plan.name = std::string("onednn ") + desc.impl_info_str();
  plan.scratch_bytes = desc.scratchpad_desc().get_size();
  plan.kernel = MakeKernel(Primitive(desc), std::move(arguments), desc.scratchpad_desc());
}

// Calls `make`, which returns StatusOr<KernelPlan>, and turns the library's exceptions into a refusal.
template <typename Make>
absl::StatusOr<KernelPlan> Guarded(Make&& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    return absl::UnimplementedError(error.message);
  }
}

}  // namespace beak::onednn
