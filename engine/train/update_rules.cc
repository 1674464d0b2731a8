#include "engine/train/update_rules.h"

#include <algorithm>
#include <cmath>

namespace beak {
namespace {

// What one step has in common for all elements.
struct Common {
  double learning_rate;
  float rate;     // the same
  float coupled;  // weight decay that is added to gradients
  float shrink;   // the part that decoupled weight decay takes off the values
};

// The one loop: `step_of(i, gradient)` updates the slots of element i and returns what its value loses.
template <typename StepOf>
void ForEach(const Elements& elements, const Common& common, const StepOf& step_of) {
  float* const values = elements.values;
  const float* const gradients = elements.gradients;
  for (size_t i = 0; i < elements.count; ++i) {
    const float value = values[i];
    const float step = step_of(i, gradients[i] + common.coupled * value);
    values[i] = value - value * common.shrink - step;
  }
}

float Squared(float x) { return x * x; }

void Sgd(const OptimizerOptions& options, int64_t step, const Elements& elements, const Common& common) {
  const float rate = common.rate;
  if (options.momentum == 0) {
    return ForEach(elements, common, [=](size_t, float g) { return rate * g; });
  }
  float* const buffer = elements.slots[0];
  const bool nesterov = options.nesterov;
  const auto mu = static_cast<float>(options.momentum);
  if (options.flavour == Flavour::kKeras) {  // the buffer is a step: it holds the rates of its time, and their sign
    return ForEach(elements, common, [=](size_t i, float g) {
      const float b = buffer[i] = mu * buffer[i] - rate * g;
      return nesterov ? rate * g - mu * b : -b;
    });
  }
  const auto gain = static_cast<float>(step == 1 ? 1 : 1 - options.dampening);
  ForEach(elements, common, [=](size_t i, float g) {
    const float b = buffer[i] = mu * buffer[i] + gain * g;
    return rate * (nesterov ? g + mu * b : b);
  });
}

void Adagrad(const OptimizerOptions& options, int64_t step, const Elements& elements, const Common& common) {
  float* const sums = elements.slots[0];
  const auto epsilon = static_cast<float>(options.epsilon);
  const double slowing = 1 + static_cast<double>(step - 1) * options.learning_rate_decay;
  const auto rate = static_cast<float>(common.learning_rate / slowing);
  if (options.flavour == Flavour::kKeras) {
    return ForEach(elements, common, [=](size_t i, float g) {
      const float sum = sums[i] += Squared(g);
      return rate * g / std::sqrt(sum + epsilon);
    });
  }
  ForEach(elements, common, [=](size_t i, float g) {
    const float sum = sums[i] += Squared(g);
    return rate * g / (std::sqrt(sum) + epsilon);
  });
}

// The gradient over the root of its mean square, or of its variance where `means` is not null.
template <typename StepOf>
void NormalizedForEach(const OptimizerOptions& options, const Elements& elements, const Common& common, float* means,
                       const StepOf& step_of) {
  float* const squares = elements.slots[0];
  const auto rho = static_cast<float>(options.rho);
  const auto rest = static_cast<float>(1 - options.rho);
  // One of the two is zero: Keras adds inside the root.
  const bool keras = options.flavour == Flavour::kKeras;
  const auto inside = static_cast<float>(keras ? options.epsilon : 0);
  const auto outside = static_cast<float>(keras ? 0 : options.epsilon);
  if (means == nullptr) {
    return ForEach(elements, common, [=](size_t i, float g) {
      const float v = squares[i] = rho * squares[i] + rest * Squared(g);
      return step_of(i, g / (std::sqrt(v + inside) + outside));
    });
  }
  ForEach(elements, common, [=](size_t i, float g) {
    const float v = squares[i] = rho * squares[i] + rest * Squared(g);
    const float a = means[i] = rho * means[i] + rest * g;
    return step_of(i, g / (std::sqrt(std::max(v - Squared(a), 0.0f) + inside) + outside));
  });
}

void RmsProp(const OptimizerOptions& options, const Elements& elements, const Common& common) {
  const float rate = common.rate;
  float* const means = options.centered ? elements.slots[1] : nullptr;
  if (options.momentum == 0) {
    return NormalizedForEach(options, elements, common, means, [=](size_t, float g) { return rate * g; });
  }
  float* const buffer = elements.slots[options.centered ? 2 : 1];
  const auto mu = static_cast<float>(options.momentum);
  if (options.flavour == Flavour::kKeras) {
    return NormalizedForEach(options, elements, common, means,
                             [=](size_t i, float g) { return buffer[i] = mu * buffer[i] + rate * g; });
  }
  NormalizedForEach(options, elements, common, means, [=](size_t i, float g) {
    const float b = buffer[i] = mu * buffer[i] + g;
    return rate * b;
  });
}

// The step is rate * m / (root(v) * root_scale + epsilon): PyTorch corrects the root, Keras the rate instead.
void Adam(const OptimizerOptions& options, int64_t step, const Elements& elements, const Common& common) {
  const auto exponent = static_cast<double>(step);
  const double correction1 = 1 - std::pow(options.beta1, exponent);
  const double root2 = std::sqrt(1 - std::pow(options.beta2, exponent));
  const bool keras = options.flavour == Flavour::kKeras;
  const auto rate = static_cast<float>(common.learning_rate / correction1 * (keras ? root2 : 1));
  const auto root_scale = static_cast<float>(keras ? 1 : 1 / root2);
  const auto epsilon = static_cast<float>(options.epsilon);
  const auto rest1 = static_cast<float>(1 - options.beta1);
  const auto rest2 = static_cast<float>(1 - options.beta2);
  float* const means = elements.slots[0];
  float* const squares = elements.slots[1];
  float* const largest = elements.slots[2];
  if (!options.amsgrad) {
    return ForEach(elements, common, [=](size_t i, float g) {
      const float m = means[i] += (g - means[i]) * rest1;
      const float v = squares[i] += (Squared(g) - squares[i]) * rest2;
      return rate * m / (std::sqrt(v) * root_scale + epsilon);
    });
  }
  ForEach(elements, common, [=](size_t i, float g) {
    const float m = means[i] += (g - means[i]) * rest1;
    const float v = squares[i] += (Squared(g) - squares[i]) * rest2;
    const float before = largest[i];
    const float peak = largest[i] = std::max(before, v);
    return rate * m / (std::sqrt(peak) * root_scale + epsilon);
  });
}

void Adadelta(const OptimizerOptions& options, const Elements& elements, const Common& common) {
  float* const squares = elements.slots[0];
  float* const deltas = elements.slots[1];
  const float rate = common.rate;
  const auto rho = static_cast<float>(options.rho);
  const auto rest = static_cast<float>(1 - options.rho);
  const auto epsilon = static_cast<float>(options.epsilon);
  ForEach(elements, common, [=](size_t i, float g) {
    const float s = squares[i] = rho * squares[i] + rest * Squared(g);
    const float delta = std::sqrt(deltas[i] + epsilon) / std::sqrt(s + epsilon) * g;
    deltas[i] = rho * deltas[i] + rest * Squared(delta);
    return rate * delta;
  });
}

}  // namespace

std::vector<Slot> SlotsOf(const OptimizerOptions& options) {
  std::vector<Slot> slots;
  switch (options.kind) {
    case OptimizerKind::kSgd:
      break;
    case OptimizerKind::kAdagrad:
      return {{"sum", static_cast<float>(options.initial_accumulator)}};
    case OptimizerKind::kRmsProp:
      slots = {{"square_avg"}};
      if (options.centered) slots.push_back({"grad_avg"});
      break;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      slots = {{"exp_avg"}, {"exp_avg_sq"}};
      if (options.amsgrad) slots.push_back({"max_exp_avg_sq"});
      break;
    case OptimizerKind::kAdadelta:
      return {{"square_avg"}, {"acc_delta"}};
  }
  if (options.momentum != 0) slots.push_back({"momentum_buffer"});
  return slots;
}

void UpdateElements(const OptimizerOptions& options, double learning_rate, int64_t step, bool decay,
                    const Elements& elements) {
  const double weight_decay = decay ? options.weight_decay : 0;
  const bool decoupled = DecouplesWeightDecay(options);
  const Common common = {learning_rate, static_cast<float>(learning_rate),
                         static_cast<float>(decoupled ? 0 : weight_decay),
                         static_cast<float>(decoupled ? learning_rate * weight_decay : 0)};
  switch (options.kind) {
    case OptimizerKind::kSgd:
      return Sgd(options, step, elements, common);
    case OptimizerKind::kAdagrad:
      return Adagrad(options, step, elements, common);
    case OptimizerKind::kRmsProp:
      return RmsProp(options, elements, common);
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      return Adam(options, step, elements, common);
    case OptimizerKind::kAdadelta:
      return Adadelta(options, elements, common);
  }
}

}  // namespace beak
