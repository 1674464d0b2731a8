#include "engine/train/optimizer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/parallel.h"
#include "engine/base/status.h"

namespace beak {
namespace {

// Ranges begin at multiples of this, a cache line of floats: no two threads write to one.
constexpr size_t kGrain = 16;

absl::Status CheckOptions(const OptimizerOptions& options) {
  const std::vector<std::string> errors = Validate(options);
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("optimizer: ", absl::StrJoin(errors, "; ")));
}

std::string StateName(const ParameterInfo& parameter, const Slot& slot) {
  return absl::StrCat(parameter.name, "/", slot.name);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Optimizer>> Optimizer::Create(const OptimizerOptions& options,
                                                             std::vector<ParameterInfo> parameters) {
  RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Optimizer> optimizer(new Optimizer(options));
  std::set<std::string> names;
  for (ParameterInfo& info : parameters) {
    if (!names.insert(info.name).second) {
      return absl::InvalidArgumentError(absl::StrCat("parameter '", info.name, "': expected a name of its own"));
    }
    Parameter parameter = {.info = std::move(info)};
    for (const Slot& slot : optimizer->slots_) {
      absl::StatusOr<Tensor> tensor = FilledTensor(parameter.info.shape, slot.initial);
      if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("parameter '", parameter.info.name, "'"));
      parameter.slots.push_back(*std::move(tensor));
    }
    parameter.count = static_cast<size_t>(NumElements(parameter.info.shape));
    optimizer->total_ += parameter.count;
    optimizer->parameters_.push_back(std::move(parameter));
  }
  return optimizer;
}

void Optimizer::Step(double learning_rate, std::span<const ParameterBytes> bytes, int threads) {
  BEAK_CHECK(bytes.size() == parameters_.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    BEAK_CHECK(bytes[i].values.size() == parameters_[i].count);
    BEAK_CHECK(bytes[i].gradients.size() == parameters_[i].count);
  }
  ++steps_;
  const auto team = static_cast<size_t>(std::max(threads, 1));
  const size_t part = (total_ / team / kGrain + 1) * kGrain;
  ParallelFor(threads, [&](int thread) {
    const size_t begin = std::min(static_cast<size_t>(thread) * part, total_);
    StepRange(learning_rate, bytes, begin, std::min(begin + part, total_));
  });
}

void Optimizer::StepRange(double learning_rate, std::span<const ParameterBytes> bytes, size_t begin, size_t end) {
  size_t start = 0;  // of the parameter among all elements
  for (size_t i = 0; i < parameters_.size() && start < end; ++i) {
    Parameter& parameter = parameters_[i];
    const size_t from = std::max(begin, start) - start;
    const size_t to = std::min(end - start, parameter.count);
    start += parameter.count;
    if (from >= to) continue;
    Elements elements = {bytes[i].values.data() + from, bytes[i].gradients.data() + from, {}, to - from};
    for (size_t s = 0; s < parameter.slots.size(); ++s) {
      elements.slots[s] = parameter.slots[s].mutable_values<float>().data() + from;
    }
    UpdateElements(options_, learning_rate, steps_, parameter.info.weight_decay, elements);
  }
}

NamedState Optimizer::Export() const {
  NamedState state;
  state.numbers["step"] = static_cast<double>(steps_);
  for (const Parameter& parameter : parameters_) {
    for (size_t s = 0; s < slots_.size(); ++s) {
      state.tensors[StateName(parameter.info, slots_[s])] = CopyOf(parameter.slots[s]);
    }
  }
  return state;
}

absl::Status Optimizer::Import(const NamedState& state) {
  StateReader reader(state);
  const int64_t steps = reader.TakeCount("step");
  std::vector<std::vector<Tensor>> read;
  for (const Parameter& parameter : parameters_) {
    std::vector<Tensor>& slots = read.emplace_back();
    for (const Slot& slot : slots_) {
      slots.push_back(reader.TakeTensor(StateName(parameter.info, slot), parameter.info.shape));
    }
  }
  if (const absl::Status status = reader.Finish(); !status.ok()) return Annotate(status, "optimizer state");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (size_t s = 0; s < slots_.size(); ++s) parameters_[i].slots[s] = CopyOf(read[i][s]);
  }
  steps_ = steps;
  return absl::OkStatus();
}

}  // namespace beak
