#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/initializers/flavour.h"

// What happens to gradients between the backward pass and the optimiser: a list of float32 arrays, one a parameter.
namespace beak {

enum class ClipKind {
  kNone,
  kValue,       // every element into [-limit, limit]
  kNorm,        // each parameter's gradient to a Euclidean norm of at most `limit`
  kGlobalNorm,  // all of them together, by one factor
};

// A value type.
struct ClipOptions {
  Flavour flavour = Flavour::kPyTorch;
  ClipKind kind = ClipKind::kNone;
  double limit = 0;  // of kNone: 0
};

// Every field that is wrong, named.
std::vector<std::string> Validate(const ClipOptions& options);

// Euclidean norms. Sums are in double, in an order that depends on the sizes alone: the same bits on every run and on
// any number of threads. Finite where all elements are.
double Norm(std::span<const float> gradient);
double GlobalNorm(std::span<const std::span<float>> gradients, int threads = 1);

// The first gradient with an infinity or a NaN in it.
std::optional<size_t> FirstNonFinite(std::span<const std::span<float>> gradients);

// Clips in place. `norm` is GlobalNorm's. By norm, a gradient g with norm n is multiplied by
//   PyTorch (clip_grad_norm_; kNorm is a call per parameter):  limit / (n + 1e-6), where that is below 1
//   Keras (clipnorm, global_clipnorm):                         limit / n, where n is above the limit.
// REQUIRES: options that Validate accepts, finite gradients.
void ClipGradients(const ClipOptions& options, double norm, std::span<const std::span<float>> gradients);

// The gradients of several small batches as if they were one large one. Sums in float32. *Thread-compatible.*
class GradientAccumulator {
 public:
  // REQUIRES: gradients of the same sizes in each call.
  void Add(std::span<const std::span<float>> gradients);
  int64_t count() const { return count_; }  // added since the last TakeMean
  // Writes the mean of what was added over `gradients` and begins anew. That is Keras' gradient_accumulation_steps; in
  // PyTorch it is what dividing each loss by the number of batches gives. REQUIRES: count() > 0.
  void TakeMean(std::span<const std::span<float>> gradients);

 private:
  std::vector<std::vector<float>> sums_;
  int64_t count_ = 0;
};

}  // namespace beak
