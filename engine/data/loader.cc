#include "engine/data/loader.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "engine/base/limits.h"
#include "engine/base/rng.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"

namespace beak::data {
namespace {

constexpr int64_t kMaxBatchRows = 1'000'000;
constexpr int kMaxPrefetch = 1024;

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("loader: ", what)); }

absl::Status CheckOptions(const LoaderOptions& options) {
  if (options.batch_size < 1 || options.batch_size > kMaxBatchRows) {
    return Bad(absl::StrCat("expected a batch size of 1 to ", kMaxBatchRows, ", got ", options.batch_size));
  }
  if (options.prefetch < 1 || options.prefetch > kMaxPrefetch) {
    return Bad(absl::StrCat("expected 1 to ", kMaxPrefetch, " batches read ahead, got ", options.prefetch));
  }
  if (options.epochs < 0) return Bad(absl::StrCat("expected 0 or more epochs, got ", options.epochs));
  return absl::OkStatus();
}

absl::Status CheckShapes(const Schema& schema) {
  for (const Field& field : schema.fields) {
    if (IsStatic(field.shape)) continue;
    return Bad(absl::StrCat("field '", field.name, "': expected one shape for all samples, got ", ToString(field.shape),
                            "; a transform has to bring them to one size"));
  }
  return absl::OkStatus();
}

// Uninitialised tensors for `rows` samples.
absl::StatusOr<std::vector<Tensor>> TensorsFor(const Schema& schema, int64_t rows) {
  std::vector<Tensor> tensors;
  for (const Field& field : schema.fields) {
    Shape shape = ToShape(field.shape);
    shape.insert(shape.begin(), rows);
    absl::StatusOr<Tensor> tensor = Tensor::Create(field.dtype, shape);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("loader: field '", field.name, "'"));
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

// The bytes of one sample. REQUIRES: what CheckShapes accepted.
absl::StatusOr<int64_t> BytesOfSample(const Schema& schema) {
  int64_t bytes = 0;
  for (const Field& field : schema.fields) {
    ASSIGN_OR_RETURN(const int64_t own, CheckedByteSize(ToShape(field.shape), field.dtype));
    bytes += own;
  }
  return bytes;
}

void CopyRow(const Sample& sample, int64_t row, std::vector<Tensor>& tensors) {
  for (size_t i = 0; i < sample.size(); ++i) {
    const size_t bytes = sample[i].byte_size();
    if (bytes == 0) continue;
    std::memcpy(tensors[i].mutable_bytes() + static_cast<size_t>(row) * bytes, sample[i].bytes(), bytes);
  }
}

}  // namespace

Loader::Loader(PipelinePtr pipeline, const LoaderOptions& options, int64_t batches)
    : pipeline_(std::move(pipeline)), options_(options), batches_(batches) {}

absl::StatusOr<std::unique_ptr<Loader>> Loader::Create(PipelinePtr pipeline, const LoaderOptions& options,
                                                       Position start) {
  RETURN_IF_ERROR(CheckOptions(options));
  RETURN_IF_ERROR(CheckShapes(pipeline->schema()));
  const int64_t samples = pipeline->size();
  const bool short_one = samples % options.batch_size != 0 && !options.drop_last;
  const int64_t batches = samples / options.batch_size + (short_one ? 1 : 0);
  if (batches == 0) {
    return Bad(absl::StrCat("expected at least ", options.batch_size, " samples, one whole batch, got ", samples));
  }
  if (start.epoch < 0 || start.batch < 0 || start.batch > batches ||
      (options.epochs > 0 && start.epoch >= options.epochs && (start.epoch > options.epochs || start.batch > 0))) {
    return Bad(absl::StrCat("start: expected one of ", batches, " batches an epoch, got batch ", start.batch,
                            " of epoch ", start.epoch));
  }
  LoaderOptions used = options;
  used.batch_size = std::min(options.batch_size, samples);  // no batch has more, so no memory is kept for it
  std::unique_ptr<Loader> loader(new Loader(std::move(pipeline), used, batches));
  RETURN_IF_ERROR(loader->Allocate());
  loader->thread_ = StartThread("beak-loader", [self = loader.get(), start] { self->Run(start); });
  return loader;
}

Loader::~Loader() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status Loader::Allocate() {
  const int64_t slots = options_.prefetch + 1;  // the user holds one while the others are filled
  const int64_t tail = RowsOf(batches_ - 1);
  const int64_t rows = options_.batch_size + (tail < options_.batch_size ? tail : 0);
  ASSIGN_OR_RETURN(const int64_t bytes, BytesOfSample(schema()));
  if (bytes > limits::kMaxPrefetchBytes / (slots * rows)) {
    return absl::ResourceExhaustedError(absl::StrCat("loader: expected at most ", limits::kMaxPrefetchBytes,
                                                     " bytes for batches, got ", slots, " batches of ", rows,
                                                     " samples of ", bytes, " bytes"));
  }
  slots_.resize(static_cast<size_t>(slots));
  for (Slot& slot : slots_) {
    ASSIGN_OR_RETURN(slot.full, TensorsFor(schema(), options_.batch_size));
    if (tail < options_.batch_size) {
      ASSIGN_OR_RETURN(slot.tail, TensorsFor(schema(), tail));
    }
  }
  return absl::OkStatus();
}

int64_t Loader::RowsOf(int64_t batch) const {
  return std::min(options_.batch_size, pipeline_->size() - batch * options_.batch_size);
}

absl::StatusOr<const Batch*> Loader::Next() {
  const MutexLock lock(mutex_);
  given_back_ = taken_;
  changed_.NotifyAll();
  while (filled_ == taken_ && !ended_) changed_.Wait(mutex_);
  if (filled_ == taken_) return nullptr;
  const Slot& slot = slots_[static_cast<size_t>(taken_) % slots_.size()];
  RETURN_IF_ERROR(slot.status);
  ++taken_;
  return &slot.batch;
}

void Loader::Run(Position position) {
  while (Slot* slot = AwaitFreeSlot()) {
    if (position.batch == batches_) position = {position.epoch + 1, 0};
    if (options_.epochs > 0 && position.epoch >= options_.epochs) break;
    slot->status = Fill(position, *slot);
    const bool good = slot->status.ok();
    FinishSlot();
    if (!good) break;
    ++position.batch;
  }
  const MutexLock lock(mutex_);
  ended_ = true;
  changed_.NotifyAll();
}

Loader::Slot* Loader::AwaitFreeSlot() {
  const MutexLock lock(mutex_);
  const int64_t slots = static_cast<int64_t>(slots_.size());
  while (filled_ - given_back_ == slots && !stop_) changed_.Wait(mutex_);
  return stop_ ? nullptr : &slots_[static_cast<size_t>(filled_ % slots)];
}

void Loader::FinishSlot() {
  const MutexLock lock(mutex_);
  ++filled_;
  changed_.NotifyAll();
}

bool Loader::Stopping() {
  const MutexLock lock(mutex_);
  return stop_;
}

absl::Status Loader::Fill(const Position& position, Slot& slot) {
  EnterEpoch(position.epoch);
  const int64_t rows = RowsOf(position.batch);
  slot.batch = {position, rows, rows == options_.batch_size ? slot.full : slot.tail};
  for (int64_t row = 0; row < rows; ++row) {
    if (Stopping()) return absl::CancelledError("loader: stopped");
    const int64_t index = order_[static_cast<size_t>(position.batch * options_.batch_size + row)];
    ASSIGN_OR_RETURN(const Sample sample, pipeline_->Read(position.epoch, index));
    CopyRow(sample, row, slot.batch.tensors);
  }
  return absl::OkStatus();
}

void Loader::EnterEpoch(int64_t epoch) {
  if (epoch == order_epoch_) return;
  order_epoch_ = epoch;
  order_.resize(static_cast<size_t>(pipeline_->size()));
  std::iota(order_.begin(), order_.end(), 0);
  if (options_.shuffle) Rng(options_.seed).Fork(static_cast<uint64_t>(epoch)).Shuffle(std::span<int64_t>(order_));
}

}  // namespace beak::data
