#include <algorithm>
#include <array>
#include <string>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/ops/slicing.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Pad, for elements of any type. Negative pads cut off; what is left is then padded: with a constant, by its edge, by
// reflection about its edge (again and again where the pad is longer than it), or by repeating it.

namespace beak {
namespace {

enum class Mode { kConstant, kEdge, kReflect, kWrap };

absl::StatusOr<Mode> ParseMode(const std::string& name) {
  if (name == "constant") return Mode::kConstant;
  if (name == "edge") return Mode::kEdge;
  if (name == "reflect") return Mode::kReflect;
  if (name == "wrap") return Mode::kWrap;
  return absl::UnimplementedError(absl::StrCat("attribute 'mode': expected a known mode, got '", name, "'"));
}

int64_t Modulo(int64_t a, int64_t b) { return (a % b + b) % b; }

// One dimension: elements low .. low + size of the input stand at begin .. begin + size of the output.
struct Axis {
  int64_t low;
  int64_t size;
  int64_t begin;
  int64_t stride;  // of the input
};

// The element that stands at `position` of the output, -1 for the constant. REQUIRES: size > 0 unless kConstant.
int64_t SourceOf(const Axis& axis, Mode mode, int64_t position) {
  const int64_t i = position - axis.begin;
  if (i >= 0 && i < axis.size) return axis.low + i;
  switch (mode) {
    case Mode::kConstant:
      return -1;
    case Mode::kEdge:
      return axis.low + std::clamp<int64_t>(i, 0, axis.size - 1);
    case Mode::kWrap:
      return axis.low + Modulo(i, axis.size);
    case Mode::kReflect:
      break;
  }
  if (axis.size == 1) return axis.low;
  const int64_t period = 2 * (axis.size - 1);
  const int64_t folded = Modulo(i, period);
  return axis.low + std::min(folded, period - folded);
}

struct PadPlan {
  Mode mode;
  Shape output;  // at least one dimension
  std::vector<Axis> axes;
  bool has_value;
};

absl::StatusOr<PadPlan> PlanPad(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Mode mode, ParseMode(request.node.Get<std::string>("mode", "constant")));
  ASSIGN_OR_RETURN(const auto pads, ConstantInts(request, 1, "pads"));
  ASSIGN_OR_RETURN(const auto axes, ConstantInts(request, 3, "axes"));
  RETURN_IF_ERROR(CheckSameType(request, {2}));
  RETURN_IF_ERROR(CheckElements(request, 2, 1));
  Shape input = request.inputs[0].shape;
  PadPlan plan{mode, request.outputs[0].shape, {}, HasInput(request, 2)};
  ASSIGN_OR_RETURN(ResolvedPads resolved, ResolvePads(static_cast<int>(input.size()), pads.value_or(Shape()), axes));
  const Shape strides = Strides(input);
  for (size_t d = 0; d < input.size(); ++d) {
    const int64_t low = std::max<int64_t>(-resolved.begin[d], 0);
    const int64_t high = input[d] - std::max<int64_t>(-resolved.end[d], 0);
    const Axis axis = {low, std::max<int64_t>(high - low, 0), std::max<int64_t>(resolved.begin[d], 0), strides[d]};
    if (mode != Mode::kConstant && axis.size == 0 && plan.output[d] != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("input: expected elements to pad with in dimension ", d, " of ", ToString(input), ", got none"));
    }
    plan.axes.push_back(axis);
  }
  if (plan.output.empty()) {  // a scalar is a row of one element
    plan.output = {1};
    plan.axes = {{0, 1, 0, 1}};
  }
  return plan;
}

// One row of the output; `in` is its row of the input, null where all of it is the constant.
template <typename T>
void PadRow(const PadPlan& plan, const T* in, T value, T* out) {
  const Axis& axis = plan.axes.back();
  const int64_t length = plan.output.back();
  if (in == nullptr) {
    std::fill_n(out, length, value);
    return;
  }
  const int64_t copied = std::clamp<int64_t>(length - axis.begin, 0, axis.size);
  const auto fill = [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t source = SourceOf(axis, plan.mode, i);
      out[i] = source < 0 ? value : in[source];
    }
  };
  fill(0, std::min(axis.begin, length));
  if (copied > 0) CopyBytes(out + axis.begin, in + axis.low, static_cast<size_t>(copied) * sizeof(T));
  fill(axis.begin + copied, length);
}

template <typename T>
void Pad(const PadPlan& plan, const T* in, T value, T* out) {
  if (NumElements(plan.output) == 0) return;
  const int outer = static_cast<int>(plan.output.size()) - 1;
  std::array<int64_t, limits::kMaxRank> index{};
  for (;; out += plan.output.back()) {
    int64_t offset = 0;
    bool outside = false;
    for (int d = 0; d < outer; ++d) {
      const int64_t source = SourceOf(plan.axes[d], plan.mode, index[d]);
      outside = outside || source < 0;
      offset += source * plan.axes[d].stride;
    }
    PadRow(plan, outside ? nullptr : in + offset, value, out);
    int d = outer - 1;
    while (d >= 0 && ++index[d] == plan.output[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

absl::StatusOr<ReferenceRun> PreparePad(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const PadPlan plan, PlanPad(request));
  return DispatchSize(SizeOf(request.inputs[0].dtype), [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T value = plan.has_value ? *Input<T>(inputs, 2) : T{0};  // zero bits are 0 in every type
      Pad(plan, Input<T>(inputs, 0), value, Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> PadReferences() { return {{"Pad", PreparePad}}; }

}  // namespace beak
