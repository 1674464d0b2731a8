#pragma once

#include <cstdint>

#include "engine/train/early_stopping.h"
#include "engine/train/gradients.h"
#include "engine/train/optimizer_options.h"
#include "engine/train/plateau.h"
#include "engine/train/schedule.h"
#include "engine/train/training_graph.h"
#include "engine/train/weight_average.h"

// What a job says of its training, in the terms of engine/train, with the defaults filled in. Nothing is checked here:
// the results are what Validate is asked about. Pure.
namespace beak {

namespace v1 {
class EarlyStopping;
class GradientClip;
class LearningRateSchedule;
class Loss;
class Optimizer;
class Plateau;
class WeightAverage;
}  // namespace v1

OptimizerOptions ToOptions(const v1::Optimizer& optimizer);

// `positions` is how long the training is in the schedule's unit: a length of 0 becomes what the warm-up leaves of it.
// With a plateau the rate is constant behind the warm-up.
Schedule ToOptions(const v1::LearningRateSchedule& schedule, double base_rate, int64_t positions);

PlateauOptions ToOptions(const v1::Plateau& plateau, Goal goal);
EarlyStoppingOptions ToOptions(const v1::EarlyStopping& stopping, Goal goal);
ClipOptions ToOptions(const v1::GradientClip& clip);
WeightAverageOptions ToOptions(const v1::WeightAverage& average);

// Without its output, whose default is not known here.
Loss ToOptions(const v1::Loss& loss);

}  // namespace beak
