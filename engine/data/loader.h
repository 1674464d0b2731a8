#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/data/pipeline.h"

namespace beak::data {

// Which batch of which epoch; a value that a checkpoint can hold.
struct Position {
  int64_t epoch = 0;
  int64_t batch = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

struct LoaderOptions {
  int64_t batch_size = 32;
  bool shuffle = true;     // each epoch in an order of its own, a function of (seed, epoch)
  bool drop_last = false;  // leaves out the last batch of an epoch where it is short
  uint64_t seed = 0;       // of the order
  int64_t epochs = 0;      // how many there are; 0: no end
  int prefetch = 2;        // batches that are read ahead, at most
};

// Some samples of an epoch.
struct Batch {
  Position position;
  int64_t rows = 0;
  std::vector<Tensor> tensors;  // one a field: [rows, ...]
};

// Batches of a pipeline's samples, read ahead on a thread. The same options, pipeline and position give the same
// batches whatever the machine does meanwhile, so that a run that starts at the position behind its last batch goes on
// as if it had never stopped. Buffers are allocated once and used again. *Thread-compatible*; the destructor stops the
// thread after at most one sample.
class Loader {
 public:
  // Starts reading at `start`. INVALID_ARGUMENT for options out of range, a start beyond the last epoch, no batch
  // because only a short one could be made, or a field whose shape is not the same in all samples (which says so);
  // RESOURCE_EXHAUSTED where the batches read ahead would take more than limits::kMaxPrefetchBytes.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(PipelinePtr pipeline, const LoaderOptions& options,
                                                        Position start = {});
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The fields of a sample; a batch's tensors have one more dimension in front.
  const Schema& schema() const { return pipeline_->schema(); }
  int64_t batches_per_epoch() const { return batches_; }

  // The next batch, waiting for it where need be; null after the last one. It belongs to the loader and stays as it is
  // until the next call. A sample that cannot be read ends it: that error takes the place of its batch, and every call
  // from then on returns it.
  absl::StatusOr<const Batch*> Next();

 private:
  // A batch and its memory, which a short last batch does not share: its tensors have a shape of their own.
  struct Slot {
    Batch batch;
    absl::Status status;  // where it is not OK there is no batch
    std::vector<Tensor> full;
    std::vector<Tensor> tail;
  };

  Loader(PipelinePtr pipeline, const LoaderOptions& options, int64_t batches);
  absl::Status Allocate();
  int64_t RowsOf(int64_t batch) const;
  void Run(Position position);
  absl::Status Fill(const Position& position, Slot& slot);
  void EnterEpoch(int64_t epoch);
  // The slot to fill next, once there is one; null when the loader stops.
  Slot* AwaitFreeSlot() EXCLUDES(mutex_);
  void FinishSlot() EXCLUDES(mutex_);
  bool Stopping() EXCLUDES(mutex_);

  // Constant after Create.
  const PipelinePtr pipeline_;
  const LoaderOptions options_;
  const int64_t batches_;  // an epoch
  std::thread thread_;

  // Of the thread.
  int64_t order_epoch_ = -1;
  std::vector<int64_t> order_;

  // Used in turn. The thread owns the one it fills; the user the one that Next gave, until it gives another.
  std::vector<Slot> slots_;

  Mutex mutex_;
  CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;      // nothing is filled any more
  int64_t filled_ GUARDED_BY(mutex_) = 0;      // how many slots were filled since the start,
  int64_t taken_ GUARDED_BY(mutex_) = 0;       // given to the user,
  int64_t given_back_ GUARDED_BY(mutex_) = 0;  // and free again
};

}  // namespace beak::data
