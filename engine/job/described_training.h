#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "engine/formats/beak/network.h"
#include "engine/train/trainer.h"

namespace beak {

// Gives every parameter of a described network its first values, which follow from `seed` and its name.
// INVALID_ARGUMENT names the parameter whose initialiser cannot be used.
absl::Status InitializeParameters(uint64_t seed, DescribedNetwork& network);

// Puts into `options` what a description says of how its parameters are trained: which stay as they are, penalties,
// limits, weight decay, how running variances are kept, which dropouts drop whole channels.
void TakeDescribedOptions(const DescribedNetwork& network, TrainerOptions& options);

}  // namespace beak
