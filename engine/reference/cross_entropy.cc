#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Softmax and cross-entropy in one, in double: with q the target (1 for the label, smoothed towards 1/C), the loss of a
// position is -sum(w q log p); that of the batch is their sum divided by the sum of the labels' weights, or by the
// number of positions. With the first, as in PyTorch, w is each class's weight; with the other, as in Keras, the
// label's for all classes: they differ where targets are smoothed. Positions whose label is to be ignored count
// nowhere.

namespace beak {
namespace {

struct Plan {
  int64_t batch;
  int64_t classes;
  int64_t positions;  // of one sample
  double smoothing;
  std::optional<int64_t> ignored;
  bool by_weights;  // the divisor
  bool has_weights;
  bool wide_labels;  // int64
};

// `first` is the operand of the logits; labels and weights follow.
absl::StatusOr<Plan> PlanFor(const KernelRequest& request, size_t first) {
  const Shape& shape = request.inputs[first].shape;
  Plan plan;
  plan.batch = shape[0];
  plan.classes = shape[1];
  plan.positions = NumElements(Shape(shape.begin() + 2, shape.end()));
  plan.smoothing = request.node.Get("label_smoothing", 0.0f);
  if (request.node.Has("ignore_index")) plan.ignored = request.node.Get<int64_t>("ignore_index", 0);
  plan.by_weights = request.node.Get<std::string>("divisor", "weights") == "weights";
  plan.has_weights = HasInput(request, first + 2);
  plan.wide_labels = request.inputs[first + 1].dtype == DType::kInt64;
  RETURN_IF_ERROR(CheckElements(request, first + 1, plan.batch * plan.positions));
  RETURN_IF_ERROR(CheckElements(request, first + 2, plan.classes));
  if (plan.classes > 0) return plan;
  return absl::InvalidArgumentError(absl::StrCat("logits: expected classes, got shape ", ToString(shape)));
}

// One position that counts.
template <typename T>
struct Position {
  const T* logits;
  int64_t stride;  // between classes
  int64_t label;
  const T* weights;  // of the classes; null: all 1

  double At(int64_t c) const { return static_cast<double>(logits[c * stride]); }
  double WeightOf(int64_t c) const { return weights == nullptr ? 1.0 : static_cast<double>(weights[c]); }
};

template <typename T>
struct Operands {
  const T* logits;
  const std::byte* labels;
  const T* weights;

  static Operands From(const Plan& plan, ReferenceInputs inputs, size_t first) {
    return {Input<T>(inputs, first), inputs[first + 1], plan.has_weights ? Input<T>(inputs, first + 2) : nullptr};
  }
};

// Calls fn(place of the first class, position) for each that counts.
template <typename T, typename Fn>
absl::Status ForEachPosition(const Plan& plan, const Operands<T>& from, Fn fn) {
  for (int64_t i = 0; i < plan.batch * plan.positions; ++i) {
    const int64_t label = plan.wide_labels ? reinterpret_cast<const int64_t*>(from.labels)[i]
                                           : reinterpret_cast<const int32_t*>(from.labels)[i];
    if (label == plan.ignored) continue;
    if (label < 0 || label >= plan.classes) {
      return absl::InvalidArgumentError(
          absl::StrCat("label ", i, ": expected one in [0, ", plan.classes, "), got ", label));
    }
    const int64_t start = i / plan.positions * plan.classes * plan.positions + i % plan.positions;
    fn(start, Position<T>{from.logits + start, plan.positions, label, from.weights});
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<double> Divisor(const Plan& plan, const Operands<T>& from) {
  double sum = 0;
  RETURN_IF_ERROR(ForEachPosition(plan, from, [&](int64_t, const Position<T>& position) {
    sum += plan.by_weights ? position.WeightOf(position.label) : 1.0;
  }));
  return sum;
}

template <typename T>
double LogOfSum(const Plan& plan, const Position<T>& position) {
  double largest = position.At(0);
  for (int64_t c = 1; c < plan.classes; ++c) largest = std::max(largest, position.At(c));
  double sum = 0;
  for (int64_t c = 0; c < plan.classes; ++c) sum += std::exp(position.At(c) - largest);
  return largest + std::log(sum);
}

// w q of a class.
template <typename T>
double TargetOf(const Plan& plan, const Position<T>& position, int64_t c) {
  const double uniform = plan.smoothing / static_cast<double>(plan.classes);
  const double target = uniform + (c == position.label ? 1 - plan.smoothing : 0);
  return target * position.WeightOf(plan.by_weights ? c : position.label);
}

template <typename T>
double LossOf(const Plan& plan, const Position<T>& position) {
  const double log_of_sum = LogOfSum(plan, position);
  double sum = 0;
  for (int64_t c = 0; c < plan.classes; ++c) sum += TargetOf(plan, position, c) * (log_of_sum - position.At(c));
  return sum;
}

// logits, labels, weights -> loss; 0 where no position counts
absl::StatusOr<ReferenceRun> PrepareLoss(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Plan plan, PlanFor(request, 0));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) -> absl::Status {
      const Operands<T> from = Operands<T>::From(plan, inputs, 0);
      ASSIGN_OR_RETURN(const double divisor, Divisor(plan, from));
      double sum = 0;
      RETURN_IF_ERROR(
          ForEachPosition(plan, from, [&](int64_t, const Position<T>& position) { sum += LossOf(plan, position); }));
      *Output<T>(outputs) = static_cast<T>(divisor > 0 ? sum / divisor : 0.0);
      return absl::OkStatus();
    };
  });
}

// dloss, logits, labels, weights -> (p sum(w q) - w q) / divisor dloss
absl::StatusOr<ReferenceRun> PrepareGradient(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Plan plan, PlanFor(request, 1));
  return DispatchFloat(request.inputs[1].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) -> absl::Status {
      const Operands<T> from = Operands<T>::From(plan, inputs, 1);
      T* const out = Output<T>(outputs);
      std::fill_n(out, plan.batch * plan.classes * plan.positions, T{0});
      ASSIGN_OR_RETURN(const double divisor, Divisor(plan, from));
      return ForEachPosition(plan, from, [&](int64_t start, const Position<T>& position) {
        const double factor = *Input<T>(inputs, 0) / divisor;
        const double log_of_sum = LogOfSum(plan, position);
        double whole = 0;
        for (int64_t c = 0; c < plan.classes; ++c) whole += TargetOf(plan, position, c);
        for (int64_t c = 0; c < plan.classes; ++c) {
          const double p = std::exp(position.At(c) - log_of_sum);
          out[start + c * plan.positions] = static_cast<T>(factor * (p * whole - TargetOf(plan, position, c)));
        }
      });
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> CrossEntropyReferences() {
  return {{"SoftmaxCrossEntropy", PrepareLoss}, {"SoftmaxCrossEntropyGradient", PrepareGradient}};
}

}  // namespace beak
