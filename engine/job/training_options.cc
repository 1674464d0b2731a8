#include "engine/job/training_options.h"

#include <algorithm>
#include <utility>

#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

Flavour ToFlavour(v1::Flavour flavour) { return flavour == v1::PYTORCH ? Flavour::kPyTorch : Flavour::kKeras; }

OptimizerKind ToKind(v1::Optimizer::Kind kind) {
  switch (kind) {
    case v1::Optimizer::ADAMW:
      return OptimizerKind::kAdamW;
    case v1::Optimizer::SGD:
      return OptimizerKind::kSgd;
    case v1::Optimizer::RMSPROP:
      return OptimizerKind::kRmsProp;
    case v1::Optimizer::ADAGRAD:
      return OptimizerKind::kAdagrad;
    case v1::Optimizer::ADADELTA:
      return OptimizerKind::kAdadelta;
    default:
      return OptimizerKind::kAdam;
  }
}

// Makes schedule shapes. `all` is the length of the training behind the warm-up.
class ShapeMaker {
 public:
  explicit ShapeMaker(int64_t all) : all_(all) {}

  ScheduleShape Make(const v1::LearningRateSchedule& schedule) const {
    switch (schedule.shape_case()) {
      case v1::LearningRateSchedule::kStep:
        return Of(schedule.step());
      case v1::LearningRateSchedule::kMultiStep:
        return Of(schedule.multi_step());
      case v1::LearningRateSchedule::kPiecewiseConstant:
        return Of(schedule.piecewise_constant());
      case v1::LearningRateSchedule::kExponential:
        return Of(schedule.exponential());
      case v1::LearningRateSchedule::kLinear:
        return Of(schedule.linear());
      case v1::LearningRateSchedule::kPolynomial:
        return Of(schedule.polynomial());
      case v1::LearningRateSchedule::kCosine:
        return CosineDecay{ToFlavour(schedule.cosine().flavour()), Length(schedule.cosine().length()),
                           schedule.cosine().end_fraction()};
      case v1::LearningRateSchedule::kCosineRestarts:
        return Of(schedule.cosine_restarts());
      case v1::LearningRateSchedule::kOneCycle:
        return Of(schedule.one_cycle());
      default:
        return ConstantRate{};
    }
  }

 private:
  int64_t Length(int64_t given) const { return given == 0 ? all_ : given; }

  static StepDecay Of(const v1::StepDecay& given) {
    StepDecay shape;
    shape.every = given.every();
    if (given.has_gamma()) shape.gamma = given.gamma();
    return shape;
  }

  static MultiStepDecay Of(const v1::MultiStepDecay& given) {
    MultiStepDecay shape;
    shape.milestones.assign(given.milestone().begin(), given.milestone().end());
    if (given.has_gamma()) shape.gamma = given.gamma();
    return shape;
  }

  static PiecewiseConstant Of(const v1::PiecewiseConstant& given) {
    return {{given.boundary().begin(), given.boundary().end()}, {given.rate().begin(), given.rate().end()}};
  }

  static ExponentialDecay Of(const v1::ExponentialDecay& given) {
    ExponentialDecay shape;
    shape.gamma = given.gamma();
    if (given.has_every()) shape.every = given.every();
    shape.staircase = given.staircase();
    return shape;
  }

  LinearFactor Of(const v1::LinearFactor& given) const {
    LinearFactor shape;
    if (given.has_start()) shape.start = given.start();
    if (given.has_end()) shape.end = given.end();
    shape.length = Length(given.length());
    return shape;
  }

  PolynomialDecay Of(const v1::PolynomialDecay& given) const {
    PolynomialDecay shape;
    shape.length = Length(given.length());
    shape.end_rate = given.end_rate();
    if (given.has_power()) shape.power = given.power();
    return shape;
  }

  static CosineRestarts Of(const v1::CosineRestarts& given) {
    CosineRestarts shape;
    shape.first_length = given.first_length();
    if (given.has_length_factor()) shape.length_factor = given.length_factor();
    if (given.has_peak_factor()) shape.peak_factor = given.peak_factor();
    shape.end_fraction = given.end_fraction();
    return shape;
  }

  OneCycle Of(const v1::OneCycle& given) const {
    OneCycle shape;
    shape.length = Length(given.length());
    if (given.has_rise()) shape.rise = given.rise();
    if (given.has_div()) shape.div = given.div();
    if (given.has_final_div()) shape.final_div = given.final_div();
    shape.linear = given.linear();
    return shape;
  }

  int64_t all_;
};

Loss::Kind ToKind(v1::Loss::Kind kind) {
  if (kind == v1::Loss::BINARY_CROSS_ENTROPY) return Loss::Kind::kBinaryCrossEntropy;
  if (kind == v1::Loss::MEAN_SQUARED_ERROR) return Loss::Kind::kMeanSquaredError;
  return Loss::Kind::kSoftmaxCrossEntropy;
}

ClipKind ToKind(v1::GradientClip::Kind kind) {
  if (kind == v1::GradientClip::NORM) return ClipKind::kNorm;
  if (kind == v1::GradientClip::VALUE) return ClipKind::kValue;
  return ClipKind::kGlobalNorm;
}

}  // namespace

OptimizerOptions ToOptions(const v1::Optimizer& optimizer) {
  OptimizerOptions options = DefaultOptions(ToFlavour(optimizer.flavour()), ToKind(optimizer.kind()));
  if (optimizer.has_learning_rate()) options.learning_rate = optimizer.learning_rate();
  if (optimizer.has_momentum()) options.momentum = optimizer.momentum();
  if (optimizer.has_dampening()) options.dampening = optimizer.dampening();
  if (optimizer.has_nesterov()) options.nesterov = optimizer.nesterov();
  if (optimizer.has_rho()) options.rho = optimizer.rho();
  if (optimizer.has_centered()) options.centered = optimizer.centered();
  if (optimizer.has_beta1()) options.beta1 = optimizer.beta1();
  if (optimizer.has_beta2()) options.beta2 = optimizer.beta2();
  if (optimizer.has_amsgrad()) options.amsgrad = optimizer.amsgrad();
  if (optimizer.has_epsilon()) options.epsilon = optimizer.epsilon();
  if (optimizer.has_learning_rate_decay()) options.learning_rate_decay = optimizer.learning_rate_decay();
  if (optimizer.has_initial_accumulator()) options.initial_accumulator = optimizer.initial_accumulator();
  if (optimizer.has_weight_decay()) options.weight_decay = optimizer.weight_decay();
  return options;
}

Schedule ToOptions(const v1::LearningRateSchedule& schedule, double base_rate, int64_t positions) {
  Schedule options;
  options.unit = schedule.unit() == v1::LearningRateSchedule::EPOCH ? ScheduleUnit::kEpoch : ScheduleUnit::kStep;
  options.base_rate = base_rate;
  options.warmup = schedule.warmup();
  options.warmup_start = schedule.warmup_start();
  const int64_t warmup = std::clamp<int64_t>(schedule.warmup(), 0, positions);
  options.shape = ShapeMaker(std::max<int64_t>(positions - warmup, 1)).Make(schedule);
  return options;
}

PlateauOptions ToOptions(const v1::Plateau& plateau, Goal goal) {
  PlateauOptions options;
  options.flavour = ToFlavour(plateau.flavour());
  options.goal = goal;
  if (plateau.has_factor()) options.factor = plateau.factor();
  if (plateau.has_patience()) options.patience = plateau.patience();
  if (plateau.has_threshold()) options.threshold = plateau.threshold();
  options.cooldown = plateau.cooldown();
  options.min_rate = plateau.min_rate();
  return options;
}

EarlyStoppingOptions ToOptions(const v1::EarlyStopping& stopping, Goal goal) {
  return {goal, stopping.patience(), stopping.min_delta()};
}

ClipOptions ToOptions(const v1::GradientClip& clip) {
  return {ToFlavour(clip.flavour()), ToKind(clip.kind()), clip.limit()};
}

WeightAverageOptions ToOptions(const v1::WeightAverage& average) {
  WeightAverageOptions options;
  if (average.has_decay()) options.decay = average.decay();
  options.correct_bias = average.correct_bias();
  return options;
}

Loss ToOptions(const v1::Loss& loss) {
  Loss options;
  options.kind = ToKind(loss.kind());
  if (loss.has_weight()) options.weight = loss.weight();
  options.label_smoothing = loss.label_smoothing();
  options.class_weights.assign(loss.class_weight().begin(), loss.class_weight().end());
  if (loss.has_ignore_index()) options.ignore_index = loss.ignore_index();
  return options;
}

}  // namespace beak
