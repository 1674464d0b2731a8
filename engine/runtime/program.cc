#include "engine/runtime/program.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/parallel.h"

namespace beak {
namespace {

const std::byte* Resolve(const Program::Location& location, const std::byte* arena) {
  switch (location.kind) {
    case Program::Location::kAbsent:
      return nullptr;
    case Program::Location::kArena:
      return arena + location.offset;
    case Program::Location::kConstant:
      return location.constant->data();
  }
  return nullptr;
}

// What a step costs, in units of a floating-point operation: what it computes, and what it moves through memory.
double WorkOf(const Program::Step& step) {
  constexpr double kFlopsPerByte = 8;  // of a core: about 100 GFLOP/s, about 12 GB/s
  size_t bytes = 0;
  for (const auto* locations : {&step.inputs, &step.outputs}) {
    for (const Program::Location& location : *locations) bytes += location.bytes;
  }
  return step.flops + kFlopsPerByte * static_cast<double>(bytes);
}

}  // namespace

Program::Program(Parts parts) : parts_(std::move(parts)) {
  double sum = 0;
  for (const Step& step : parts_.steps) {
    done_.push_back(sum);
    sum += WorkOf(step);
  }
  for (double& done : done_) done /= std::max(sum, 1.0);
}

std::unique_ptr<Workspace> Program::CreateWorkspace(std::byte fill) const {
  std::unique_ptr<Workspace> workspace(new Workspace());
  workspace->arena_ = Buffer::Allocate(parts_.arena_bytes);
  std::byte* arena = workspace->arena_->data();
  // Touched here rather than in the first run: page faults are no request's business.
  if (parts_.arena_bytes > 0) std::memset(arena, static_cast<int>(fill), parts_.arena_bytes);
  for (const Step& step : parts_.steps) {
    Operands operands;
    for (const Location& input : step.inputs) operands.inputs.push_back(Resolve(input, arena));
    for (const Location& output : step.outputs) {
      operands.outputs.push_back(output.kind == Location::kAbsent ? nullptr : arena + output.offset);
    }
    operands.scratch = arena + step.scratch_offset;
    workspace->steps_.push_back(step.kernel->Bind(operands));
  }
  for (const Location& input : parts_.input_locations) {
    workspace->inputs_.emplace_back(arena + input.offset, input.bytes);
  }
  for (const Location& output : parts_.output_locations) {
    workspace->outputs_.emplace_back(Resolve(output, arena), output.bytes);
  }
  return workspace;
}

absl::Status Program::Run(Workspace& workspace, const RunOptions& options) const {
  SetOpenMpThreads(parts_.threads);
  for (size_t i = 0; i < workspace.steps_.size(); ++i) {
    if (options.stop != nullptr && options.stop->ShouldStop(done_[i])) return absl::CancelledError("run: cancelled");
    RETURN_IF_ERROR(workspace.steps_[i]->Run());
    if (options.observer != nullptr) options.observer->StepDone(static_cast<int>(i));
  }
  return absl::OkStatus();
}

double Program::flops() const {
  double sum = 0;
  for (const Step& step : parts_.steps) sum += step.flops;
  return sum;
}

}  // namespace beak
