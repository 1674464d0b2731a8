#pragma once

#include <string>
#include <vector>

#include "engine/initializers/flavour.h"

namespace beak {

enum class OptimizerKind { kSgd, kAdagrad, kRmsProp, kAdam, kAdamW, kAdadelta };

// "sgd", "adagrad", "rmsprop", "adam", "adamw", "adadelta".
const char* NameOf(OptimizerKind kind);

// How parameters follow their gradients: which formula, and its numbers. Fields that a kind has no use for are zero.
// A value type. Sources: torch/optim/*.py, keras/src/optimizers/*.py; update_rules.h has the formulas.
//
// Where the flavours differ:
// - epsilon is added to the root after PyTorch's bias correction, and before Keras'; into the root for Keras' RMSprop
//   and Adagrad.
// - When the learning rate changes, PyTorch's momentum rescales its whole history by it; Keras' keeps each term with
//   the rate of its time.
// - weight_decay of PyTorch is the gradient of an L2 penalty but for AdamW; Keras always takes it off the weights.
struct OptimizerOptions {
  Flavour flavour = Flavour::kPyTorch;
  OptimizerKind kind = OptimizerKind::kSgd;
  double learning_rate = 0;        // the base of its schedule
  double momentum = 0;             // SGD, RMSprop
  double dampening = 0;            // SGD, PyTorch only
  bool nesterov = false;           // SGD
  double rho = 0;                  // RMSprop (PyTorch's alpha), Adadelta: weight of the old mean of squares
  bool centered = false;           // RMSprop
  double beta1 = 0;                // Adam, AdamW
  double beta2 = 0;                // Adam, AdamW
  bool amsgrad = false;            // Adam, AdamW
  double epsilon = 0;              // all but SGD
  double learning_rate_decay = 0;  // Adagrad, PyTorch only: the rate is divided by 1 + decay * (steps so far)
  double initial_accumulator = 0;  // Adagrad
  double weight_decay = 0;
};

// What the framework uses for everything that its user leaves out.
OptimizerOptions DefaultOptions(Flavour flavour, OptimizerKind kind);

// Every field that is out of range or that the kind has no use for, named; empty where the options can be used.
std::vector<std::string> Validate(const OptimizerOptions& options);

// True where weight decay shrinks the weights themselves, false where it is added to their gradients.
bool DecouplesWeightDecay(const OptimizerOptions& options);

}  // namespace beak
