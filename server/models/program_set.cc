#include "server/models/program_set.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/process.h"
#include "engine/base/status.h"

namespace beak {
namespace {

using std::chrono::nanoseconds;

// A program is run until its figure can be trusted: the least of some runs, within a time.
constexpr int kMaxRuns = 20;
constexpr nanoseconds kEnoughTime = std::chrono::milliseconds(20);

constexpr size_t kMaxPrograms = 32;
// Batches of one size on larger programs, after which it gets one of its own.
constexpr int kUsual = 32;

// What a run computes: a loading thread is often made to wait by the lanes, which must not count.
absl::StatusOr<nanoseconds> Measure(const Program& program, Workspace& workspace) {
  RETURN_IF_ERROR(program.Run(workspace));  // the first run touches what the others find
  nanoseconds least = nanoseconds::max();
  nanoseconds sum(0);
  for (int run = 0; run < kMaxRuns && sum < kEnoughTime; ++run) {
    const nanoseconds begin = ThreadCpuTime();
    RETURN_IF_ERROR(program.Run(workspace));
    const nanoseconds duration = ThreadCpuTime() - begin;
    least = std::min(least, duration);
    sum += duration;
  }
  return least;
}

}  // namespace

ProgramSet::ProgramSet(std::shared_ptr<Model> network, std::vector<Shape> row_shapes, bool batched, int lanes)
    : network_(std::move(network)), row_shapes_(std::move(row_shapes)), batched_(batched), workspaces_(lanes) {}

// Rows of outputs are handed out as rows of inputs came in.
absl::Status ProgramSet::CheckRows(const Program& program, int64_t rows) const {
  if (!batched_) return absl::OkStatus();
  for (const Program::Operand& output : program.outputs()) {
    if (!output.shape.empty() && output.shape[0] == rows) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "output '", output.name, "': expected ", rows, " rows for as many of the inputs, got shape ",
        ToString(output.shape), "; max_batch_size: 0 in the configuration serves networks that are not batched"));
  }
  return absl::OkStatus();
}

absl::Status ProgramSet::Prepare(int64_t rows, int threads, const Check& check) {
  if (Has(rows, threads)) return absl::OkStatus();
  std::vector<Shape> shapes = row_shapes_;
  if (batched_) {
    for (Shape& shape : shapes) shape.insert(shape.begin(), rows);
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Program> program, network_->GetProgram(shapes, threads));
  RETURN_IF_ERROR(CheckRows(*program, rows));
  // Not kept: a model that nobody asks costs its weights alone. It comes zeroed, inputs included.
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace();
  ASSIGN_OR_RETURN(const nanoseconds duration, Measure(*program, *workspace));
  {
    MutexLock lock(mutex_);
    programs_[{rows, threads}] = std::move(program);
  }
  if (const absl::Status status = check ? check() : absl::OkStatus(); !status.ok()) {
    MutexLock lock(mutex_);
    programs_.erase({rows, threads});
    return status;
  }
  costs_.Add(rows, threads, duration);
  return absl::OkStatus();
}

bool ProgramSet::Has(int64_t rows, int threads) const { return Find(rows, threads) != nullptr; }

std::shared_ptr<const Program> ProgramSet::Find(int64_t rows, int threads) const {
  MutexLock lock(mutex_);
  const auto program = programs_.find({rows, threads});
  return program == programs_.end() ? nullptr : program->second;
}

absl::StatusOr<WorkspaceLease> ProgramSet::Acquire(int64_t rows, int threads) {
  std::shared_ptr<const Program> program = Find(rows, threads);
  if (!program) {
    return absl::InternalError(absl::StrCat("no program for ", rows, " rows on ", threads, " threads"));
  }
  return workspaces_.Acquire(std::move(program));
}

bool ProgramSet::ClaimPreparation() {
  MutexLock lock(mutex_);
  return !std::exchange(claimed_, true);
}

void ProgramSet::GiveUpPreparation() {
  MutexLock lock(mutex_);
  claimed_ = false;
}

void ProgramSet::SetFailed(absl::Status status) {
  MutexLock lock(mutex_);
  status_ = std::move(status);
}

absl::Status ProgramSet::status() const {
  MutexLock lock(mutex_);
  return status_;
}

bool ProgramSet::NotePadding(int64_t rows) {
  MutexLock lock(mutex_);
  return programs_.size() < kMaxPrograms && ++paddings_[rows] == kUsual;
}

size_t ProgramSet::WorkspaceBytes(int64_t rows, int threads) const {
  const std::shared_ptr<const Program> program = Find(rows, threads);
  return program ? program->workspace_bytes() : 0;
}

}  // namespace beak
