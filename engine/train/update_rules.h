#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/train/optimizer_options.h"

// The formulas of the optimisers on plain arrays: what Optimizer is made of.
namespace beak {

// A number per element that an optimiser remembers from step to step: its name, PyTorch's in either flavour, and its
// value before the first step.
struct Slot {
  std::string name;
  float initial = 0;
};

inline constexpr size_t kMaxSlots = 3;

// The slots in the order in which UpdateElements takes them; at most kMaxSlots.
std::vector<Slot> SlotsOf(const OptimizerOptions& options);

// Where the elements of one parameter, or of a part of one, are. Arrays must not overlap.
struct Elements {
  float* values = nullptr;
  const float* gradients = nullptr;
  std::array<float*, kMaxSlots> slots = {};  // in the order of SlotsOf; the rest null
  size_t count = 0;
};

// One update of all elements, in float32; factors that all elements share are computed in double. Elements don't see
// each other: any division of a parameter into parts gives the same bits. `step` counts updates from 1; `decay` false
// leaves the weight decay out.
//
// Departs from both frameworks in one thing, which an intact run does not notice: the variance that centered RMSprop
// estimates is held at or above zero, for rounding can bring it below, whose root is NaN. Decoupled decay is
// p - p * (rate * decay) for PyTorch too, which computes p * (1 - rate * decay): the same but for rounding.
//
// REQUIRES: options that Validate accepts, step >= 1.
void UpdateElements(const OptimizerOptions& options, double learning_rate, int64_t step, bool decay,
                    const Elements& elements);

}  // namespace beak
