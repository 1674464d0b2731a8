#include "engine/reference/reference.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "engine/base/status.h"
#include "engine/reference/kernels.h"

namespace beak {
namespace {

class BoundReference : public BoundKernel {
 public:
  BoundReference(const ReferenceRun& run, const Operands& operands) : run_(run), operands_(operands) {}
  absl::Status Run() override { return run_(operands_.inputs, operands_.outputs); }

 private:
  const ReferenceRun& run_;  // the kernel's, which outlives what is bound to it
  const Operands operands_;
};

class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(ReferenceRun run) : run_(std::move(run)) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundReference>(run_, operands);
  }

 private:
  const ReferenceRun run_;
};

bool Wanted(const KernelRequest& request, size_t output) {
  return output < request.outputs.size() && request.outputs[output].present;
}

// Output 0 has the bytes of input 0, only its shape differs.
bool IsView(const KernelRequest& request) {
  static constexpr const char* kViews[] = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"};
  const std::string& op = request.node.op;
  if (op == "Dropout") return !Wanted(request, 1);
  if (op == "Cast") return request.inputs[0].dtype == request.outputs[0].dtype;
  return std::find(std::begin(kViews), std::end(kViews), op) != std::end(kViews);
}

// An input that an elementwise kernel reads only where it then writes.
int MayOverwrite(const KernelRequest& request) {
  static constexpr const char* kElementwise[] = {"Abs",
                                                 "ActivationGradient",
                                                 "DropoutTraining",
                                                 "Add",
                                                 "BatchNormalization",
                                                 "Clip",
                                                 "Div",
                                                 "Elu",
                                                 "Exp",
                                                 "HardSigmoid",
                                                 "HardSwish",
                                                 "LeakyRelu",
                                                 "Log",
                                                 "Mul",
                                                 "Neg",
                                                 "Relu",
                                                 "PRelu",
                                                 "Selu",
                                                 "Sqrt",
                                                 "Sigmoid",
                                                 "Softplus",
                                                 "Sub",
                                                 "Swish",
                                                 "Tanh"};
  const bool elementwise =
      std::find(std::begin(kElementwise), std::end(kElementwise), request.node.op) != std::end(kElementwise);
  if (!elementwise) return KernelPlan::kNone;
  for (size_t i = 0; i < std::min<size_t>(request.inputs.size(), 2); ++i) {
    const OperandInfo& input = request.inputs[i];
    if (input.present && !input.is_constant && input.shape == request.outputs[0].shape) return static_cast<int>(i);
  }
  return KernelPlan::kNone;
}

std::vector<Layout> PlainLayouts(const std::vector<OperandInfo>& operands) {
  std::vector<Layout> layouts;
  for (const OperandInfo& operand : operands) {
    layouts.push_back(operand.present ? Layout::Plain(operand.dtype, operand.shape) : Layout());
  }
  return layouts;
}

absl::StatusOr<ReferenceRun> Prepare(const KernelRequest& request) {
  const ReferenceFactory factory = FindReference(request.node.op);
  if (factory == nullptr) {
    return absl::UnimplementedError(absl::StrCat("no reference kernel for operator ", request.node.op));
  }
  return factory(request);
}

OperandInfo DescribeTensor(DType dtype, const Shape& shape) {
  OperandInfo info;
  info.present = true;
  info.dtype = dtype;
  info.shape = shape;
  info.layout = Layout::Plain(dtype, shape);
  return info;
}

}  // namespace

const std::vector<ReferenceEntry>& AllReferenceKernels() {
  static const auto* const all = [] {
    auto* entries = new std::vector<ReferenceEntry>();
    for (const std::vector<ReferenceEntry>& family : {ActivationGradientReferences(),
                                                      BinaryReferences(),
                                                      CastReferences(),
                                                      ConvReferences(),
                                                      ConvGradientReferences(),
                                                      ConvTransposeReferences(),
                                                      CrossEntropyReferences(),
                                                      DropoutReferences(),
                                                      GatherGradientReferences(),
                                                      GemmReferences(),
                                                      JoinReferences(),
                                                      NormReferences(),
                                                      NormGradientReferences(),
                                                      PadReferences(),
                                                      PoolReferences(),
                                                      PoolGradientReferences(),
                                                      ReduceReferences(),
                                                      ResizeReferences(),
                                                      ShapeReferences(),
                                                      SliceReferences(),
                                                      SoftmaxReferences(),
                                                      TransposeReferences(),
                                                      UnaryReferences(),
                                                      VariadicReferences()}) {
      entries->insert(entries->end(), family.begin(), family.end());
    }
    return entries;
  }();
  return *all;
}

ReferenceFactory FindReference(const std::string& op) {
  static const auto* const by_op = [] {
    auto* map = new std::map<std::string, ReferenceFactory>();
    for (const ReferenceEntry& entry : AllReferenceKernels()) map->emplace(entry.op, entry.factory);
    return map;
  }();
  const auto it = by_op->find(op);
  return it == by_op->end() ? nullptr : it->second;
}

absl::StatusOr<KernelPlan> PlanReference(const KernelRequest& request) {
  KernelPlan plan;
  plan.name = "reference";
  plan.input_layouts = PlainLayouts(request.inputs);
  plan.output_layouts = PlainLayouts(request.outputs);
  if (IsView(request)) {
    plan.view = true;
    return plan;
  }
  ASSIGN_OR_RETURN(ReferenceRun run, Prepare(request));
  plan.kernel = std::make_unique<ReferenceKernel>(std::move(run));
  plan.may_overwrite = MayOverwrite(request);
  return plan;
}

absl::StatusOr<std::vector<Tensor>> EvaluateReference(const Node& node, const std::vector<const Tensor*>& inputs,
                                                      const std::vector<TensorType>& outputs) {
  KernelRequest request{node, {}, {}, 1};
  std::vector<const std::byte*> input_bytes;
  for (const Tensor* input : inputs) {
    OperandInfo& info = request.inputs.emplace_back();
    if (input != nullptr) info = DescribeTensor(input->dtype(), input->shape());
    info.is_constant = input != nullptr;
    // Shape is asked of tensors that have no bytes.
    const bool has_bytes = input != nullptr && input->has_bytes();
    info.constant = has_bytes ? input : nullptr;
    input_bytes.push_back(has_bytes ? input->bytes() : nullptr);
  }
  std::vector<Tensor> results(outputs.size());
  std::vector<std::byte*> output_bytes(outputs.size(), nullptr);
  for (size_t i = 0; i < outputs.size(); ++i) {
    OperandInfo& info = request.outputs.emplace_back();
    if (node.outputs[i] == kNoValue) continue;
    info = DescribeTensor(outputs[i].dtype, ToShape(*outputs[i].shape));
    ASSIGN_OR_RETURN(results[i], Tensor::Create(info.dtype, info.shape));
    output_bytes[i] = results[i].mutable_bytes();
  }
  ASSIGN_OR_RETURN(const ReferenceRun run, Prepare(request));
  RETURN_IF_ERROR(run(input_bytes, output_bytes));
  return results;
}

}  // namespace beak
