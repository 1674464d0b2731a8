#include <functional>
#include <numeric>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Operators that put whole pieces of tensors together or take them apart along one axis, for elements of any type.

namespace beak {
namespace {

int64_t Product(Shape::const_iterator begin, Shape::const_iterator end) {
  return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
}

// The bytes of `operand` that lie together below one step of the dimensions outside of `axis`.
size_t PieceBytes(const OperandInfo& operand, int axis) {
  return static_cast<size_t>(Product(operand.shape.begin() + axis, operand.shape.end())) * SizeOf(operand.dtype);
}

std::vector<size_t> AllPieceBytes(const std::vector<OperandInfo>& operands, int axis) {
  std::vector<size_t> bytes;
  for (const OperandInfo& operand : operands) bytes.push_back(operand.present ? PieceBytes(operand, axis) : 0);
  return bytes;
}

absl::StatusOr<ReferenceRun> PrepareConcat(const KernelRequest& request) {
  const Shape& shape = request.outputs[0].shape;
  RETURN_IF_ERROR(CheckSameType(request, {request.inputs.size() - 1}));
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(shape.size())));
  return ReferenceRun(
      [pieces = AllPieceBytes(request.inputs, axis), outer = Product(shape.begin(), shape.begin() + axis)](
          ReferenceInputs inputs, ReferenceOutputs outputs) {
        std::byte* out = outputs[0];
        for (int64_t o = 0; o < outer; ++o) {
          for (size_t i = 0; i < pieces.size(); ++i) {
            CopyBytes(out, inputs[i] + static_cast<size_t>(o) * pieces[i], pieces[i]);
            out += pieces[i];
          }
        }
        return absl::OkStatus();
      });
}

absl::StatusOr<ReferenceRun> PrepareSplit(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(shape.size())));
  return ReferenceRun(
      [pieces = AllPieceBytes(request.outputs, axis), outer = Product(shape.begin(), shape.begin() + axis)](
          ReferenceInputs inputs, ReferenceOutputs outputs) {
        const std::byte* in = inputs[0];
        for (int64_t o = 0; o < outer; ++o) {
          for (size_t i = 0; i < pieces.size(); ++i) {
            CopyBytes(outputs[i] + static_cast<size_t>(o) * pieces[i], in, pieces[i]);
            in += pieces[i];
          }
        }
        return absl::OkStatus();
      });
}

// Where a Gather's pieces lie.
struct GatherPlan {
  int64_t outer;      // pieces of the input that are gathered from
  int64_t axis_size;  // of the axis that indices go along
  int64_t num_indices;
  size_t bytes;  // of what one index stands for
};

template <typename Index>
absl::Status Gather(const GatherPlan& plan, const std::byte* in, const Index* indices, std::byte* out) {
  for (int64_t i = 0; i < plan.num_indices; ++i) {
    if (indices[i] < -plan.axis_size || indices[i] >= plan.axis_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("index: expected one in [", -plan.axis_size, ", ", plan.axis_size, "), got ", indices[i]));
    }
  }
  for (int64_t o = 0; o < plan.outer; ++o) {
    for (int64_t i = 0; i < plan.num_indices; ++i) {
      const int64_t index = indices[i] < 0 ? indices[i] + plan.axis_size : indices[i];
      CopyBytes(out, in + static_cast<size_t>(o * plan.axis_size + index) * plan.bytes, plan.bytes);
      out += plan.bytes;
    }
  }
  return absl::OkStatus();
}

// An index out of range is INVALID_ARGUMENT in the run.
absl::StatusOr<ReferenceRun> PrepareGather(const KernelRequest& request) {
  const OperandInfo& x = request.inputs[0];
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(x.shape.size())));
  const GatherPlan plan = {Product(x.shape.begin(), x.shape.begin() + axis), x.shape[axis],
                           NumElements(request.inputs[1].shape), PieceBytes(x, axis + 1)};
  if (request.inputs[1].dtype == DType::kInt32) {
    return ReferenceRun([plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      return Gather(plan, inputs[0], Input<int32_t>(inputs, 1), outputs[0]);
    });
  }
  if (request.inputs[1].dtype == DType::kInt64) {
    return ReferenceRun([plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      return Gather(plan, inputs[0], Input<int64_t>(inputs, 1), outputs[0]);
    });
  }
  return UnsupportedType("indices of int32 or int64", request.inputs[1].dtype);
}

}  // namespace

std::vector<ReferenceEntry> JoinReferences() {
  return {
      {"Concat", PrepareConcat},
      {"Gather", PrepareGather},
      {"Split", PrepareSplit},
  };
}

}  // namespace beak
