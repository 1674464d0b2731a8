#include <algorithm>
#include <type_traits>

#include "engine/base/status.h"
#include "engine/ops/axes.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/strided_walk.h"

// Reductions over some axes, in the order of the elements. Floats are summed in double; integers wrap around in their
// own type, but their means are taken in 64 bits and truncated. A NaN is the result wherever it takes part; ArgMax
// finds the NaN, as NumPy does: the first one, or the last one with select_last_index. Of no elements the sum is 0, the
// maximum the lowest number (-inf), and the mean NaN, but INVALID_ARGUMENT for integers, as is ArgMax of none.

namespace beak {
namespace {

// For each element of the result, where the elements that it is made of begin; and where they lie from there.
struct ReducePlan {
  StridedWalk kept;
  StridedWalk reduced;
  int64_t count;  // elements that each result is made of
};

absl::StatusOr<ReducePlan> PlanReduce(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const auto given, ConstantInts(request, 1, "axes"));
  ASSIGN_OR_RETURN(const std::vector<int> axes, ResolveReduceAxes(request.node, given, static_cast<int>(shape.size())));
  const Shape strides = Strides(shape);
  Shape kept_dims, kept_strides, reduced_dims, reduced_strides;
  for (size_t d = 0; d < shape.size(); ++d) {
    const bool reduced = std::binary_search(axes.begin(), axes.end(), static_cast<int>(d));
    (reduced ? reduced_dims : kept_dims).push_back(shape[d]);
    (reduced ? reduced_strides : kept_strides).push_back(strides[d]);
  }
  return ReducePlan{StridedWalk(kept_dims, {kept_strides}), StridedWalk(reduced_dims, {reduced_strides}),
                    NumElements(reduced_dims)};
}

// out = finish(fold(...fold(start, first element)..., last element))
template <typename T, typename A, typename Fold, typename Finish>
void Reduce(const ReducePlan& plan, const T* in, T* out, A start, Fold fold, Finish finish) {
  plan.kept.ForEachRun<1>([&](int64_t first, const std::array<int64_t, 1>& offsets) {
    for (int64_t r = 0; r < plan.kept.run_length(); ++r) {
      const T* const from = in + offsets[0] + r * plan.kept.step(0);
      A result = start;
      plan.reduced.ForEachRun<1>([&](int64_t, const std::array<int64_t, 1>& inner) {
        const T* const run = from + inner[0];
        for (int64_t i = 0; i < plan.reduced.run_length(); ++i) result = fold(result, run[i * plan.reduced.step(0)]);
      });
      out[first + r] = finish(result);
    }
  });
}

template <typename T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, T>;

absl::StatusOr<ReferenceRun> PrepareSum(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ReducePlan plan, PlanReduce(request));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Reduce(
          plan, Input<T>(inputs, 0), Output<T>(outputs), Sum<T>{0},
          [](Sum<T> sum, T x) { return Add(sum, static_cast<Sum<T>>(x)); },
          [](Sum<T> sum) { return static_cast<T>(sum); });
      return absl::OkStatus();
    };
  });
}

absl::StatusOr<ReferenceRun> PrepareMean(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ReducePlan plan, PlanReduce(request));
  if (plan.count == 0 && IsInteger(request.inputs[0].dtype) && NumElements(request.outputs[0].shape) != 0) {
    return absl::InvalidArgumentError("input: expected elements to take the mean of, got none");
  }
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      // Integers are summed in 64 bits here, so that the mean of small ones does not wrap around.
      using Wide = std::conditional_t<std::is_floating_point_v<T>, double,
                                      std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
      Reduce(
          plan, Input<T>(inputs, 0), Output<T>(outputs), Wide{0},
          [](Wide sum, T x) { return Add(sum, static_cast<Wide>(x)); },
          [&](Wide sum) { return static_cast<T>(sum / static_cast<Wide>(plan.count)); });
      return absl::OkStatus();
    };
  });
}

template <typename T>
ReferenceRun ReduceMax(const ReducePlan& plan) {
  return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
    Reduce(
        plan, Input<T>(inputs, 0), Output<T>(outputs), LowestOf<T>(),
        [](T largest, T x) { return Maximum(largest, x); }, [](T largest) { return largest; });
    return absl::OkStatus();
  };
}

// Of bools the maximum says whether any is true.
absl::StatusOr<ReferenceRun> PrepareMax(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ReducePlan plan, PlanReduce(request));
  if (request.inputs[0].dtype == DType::kBool) return ReduceMax<uint8_t>(plan);
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() { return ReduceMax<T>(plan); });
}

// Elements along the axis, `stride` apart, for each of outer * stride results.
struct ArgMaxPlan {
  int64_t outer;
  int64_t count;
  int64_t stride;
  bool last;
};

template <typename T>
int64_t ArgMax(const ArgMaxPlan& plan, const T* in) {
  int64_t best = 0;
  T largest = in[0];
  for (int64_t i = 1; i < plan.count; ++i) {
    const T x = in[i * plan.stride];
    const bool nan = x != x;
    const bool largest_nan = largest != largest;
    const bool equal = x == largest || (nan && largest_nan);
    const bool above = x > largest || (nan && !largest_nan);
    if (!above && !(equal && plan.last)) continue;
    best = i;
    largest = x;
  }
  return best;
}

absl::StatusOr<ReferenceRun> PrepareArgMax(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(shape.size())));
  const ArgMaxPlan plan = {NumElements(Shape(shape.begin(), shape.begin() + axis)), shape[axis],
                           NumElements(Shape(shape.begin() + axis + 1, shape.end())),
                           request.node.Get<int64_t>("select_last_index", 0) != 0};
  if (plan.count == 0 && plan.outer * plan.stride != 0) {
    return absl::InvalidArgumentError("input: expected elements to choose from, got none");
  }
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      int64_t* out = Output<int64_t>(outputs);
      for (int64_t o = 0; o < plan.outer; ++o) {
        for (int64_t i = 0; i < plan.stride; ++i) {
          *out++ = ArgMax(plan, Input<T>(inputs, 0) + o * plan.count * plan.stride + i);
        }
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ReduceReferences() {
  return {
      {"ArgMax", PrepareArgMax},
      {"ReduceMax", PrepareMax},
      {"ReduceMean", PrepareMean},
      {"ReduceSum", PrepareSum},
  };
}

}  // namespace beak
