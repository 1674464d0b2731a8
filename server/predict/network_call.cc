#include "server/predict/network_call.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/predict/classify.h"
#include "server/predict/record.h"

namespace beak {
namespace {

// The shape of an output of `rows` rows as clients see it, from that of a batch as the network gave it.
std::vector<int64_t> ClientShape(const Signature& signature, const TensorSignature& tensor, const Shape& shape,
                                 int64_t rows) {
  if (!signature.batched()) return MapDims(shape, tensor.network_dims, tensor.dims);
  std::vector<int64_t> mapped = MapDims({shape.begin() + 1, shape.end()}, tensor.network_dims, tensor.dims);
  mapped.insert(mapped.begin(), rows);
  return mapped;
}

// How many elements there are in a row of an output of this shape.
int64_t RowElements(const Signature& signature, const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (size_t i = signature.batched() ? 1 : 0; i < shape.size(); ++i) elements *= shape[i];
  return elements;
}

// What is not taken from the queue but turned away at its door.
bool TurnedAway(Refusal reason) { return reason == Refusal::kQueueFull || reason == Refusal::kShutdown; }

}  // namespace

PredictTask::PredictTask(std::shared_ptr<Workload> workload, const Properties& properties,
                         std::shared_ptr<NetworkCall> call, int64_t first_row)
    : Task(std::move(workload), properties), call_(std::move(call)), first_row_(first_row) {}

void PredictTask::Refuse(absl::Status why, Refusal reason) { call_->TaskFailed(std::move(why), reason); }

NetworkCall::NetworkCall(std::shared_ptr<const ModelVersion> version, ValidRequest request, About about,
                         const Parts& parts, PredictDone done)
    : version_(std::move(version)),
      request_(std::move(request)),
      about_(std::move(about)),
      parts_(parts),
      done_(std::move(done)) {
  observation_.rows = request_.rows;
  observation_.received = about_.received;
  observation_.deadline = about_.deadline;
}

void NetworkCall::Submit(const std::shared_ptr<Workload>& workload, const std::vector<int64_t>& parts,
                         uint64_t priority) {
  int64_t bytes = 0;
  for (const auto& data : request_.data) bytes += static_cast<int64_t>(data.size());
  std::vector<std::shared_ptr<Task>> tasks;
  tasks.reserve(parts.size());
  int64_t first_row = 0;
  for (const int64_t rows : parts) {
    const Task::Properties properties{rows,
                                      bytes / request_.rows * rows,
                                      about_.received,
                                      about_.deadline,
                                      priority,
                                      first_row == 0,
                                      about_.continues};
    tasks.push_back(std::make_shared<PredictTask>(workload, properties, shared_from_this(), first_row));
    first_row += rows;
  }
  {
    MutexLock lock(mutex_);
    tasks_ = tasks;
    left_ = tasks.size();
  }
  parts_.scheduler.Submit(std::move(tasks));
}

void NetworkCall::Cancel() {
  std::vector<std::shared_ptr<Task>> tasks;
  {
    MutexLock lock(mutex_);
    tasks = tasks_;
  }
  for (const std::shared_ptr<Task>& task : tasks) parts_.scheduler.Cancel(*task);
}

void NetworkCall::TaskLeftQueue(MonotonicTime now) {
  MutexLock lock(mutex_);
  if (!observation_.left_queue) observation_.left_queue = now;
}

void NetworkCall::TaskBegan(MonotonicTime now, uint64_t batch) {
  MutexLock lock(mutex_);
  observation_.run_began = std::max(observation_.run_began.value_or(now), now);
  batch_ = batch;
}

void NetworkCall::AllocateOutputs(const WorkspaceLease& lease, int64_t batch_rows) {
  MutexLock lock(mutex_);
  if (std::exchange(allocated_, true)) return;
  const Signature& signature = version_->signature();
  for (const ValidRequest::Output& wanted : request_.outputs) {
    const TensorSignature& tensor = signature.outputs[static_cast<size_t>(wanted.index)];
    OutputTensor output{tensor.name, tensor.dtype, {}, "", {}};
    output.shape = ClientShape(signature, tensor, lease.output_shape(tensor.network_index), request_.rows);
    if (wanted.classes > 0) {
      output.dtype = std::nullopt;
      const int64_t classes = std::min(wanted.classes, RowElements(signature, output.shape));
      output.strings.resize(static_cast<size_t>(request_.rows * classes));
      output.shape = signature.batched() ? std::vector<int64_t>{request_.rows, classes} : std::vector<int64_t>{classes};
    } else {
      const size_t row_bytes = lease.output(tensor.network_index).size() / static_cast<size_t>(batch_rows);
      output.data.resize(row_bytes * static_cast<size_t>(request_.rows));
    }
    outputs_.push_back(std::move(output));
  }
}

void NetworkCall::TakeOutputs(const WorkspaceLease& lease, const Place& place) {
  AllocateOutputs(lease, place.batch_rows);
  const Signature& signature = version_->signature();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const ValidRequest::Output& wanted = request_.outputs[i];
    const TensorSignature& tensor = signature.outputs[static_cast<size_t>(wanted.index)];
    const std::span<const std::byte> batch = lease.output(tensor.network_index);
    const size_t row_bytes = batch.size() / static_cast<size_t>(place.batch_rows);
    const std::span<const std::byte> rows =
        batch.subspan(static_cast<size_t>(place.batch_row) * row_bytes, static_cast<size_t>(place.rows) * row_bytes);
    OutputTensor& output = outputs_[i];
    if (wanted.classes == 0) {
      if (!rows.empty()) {
        std::memcpy(output.data.data() + static_cast<size_t>(place.first_row) * row_bytes, rows.data(), rows.size());
      }
      continue;
    }
    std::vector<std::string> strings = TopClasses(tensor.dtype, rows, place.rows, wanted.classes, tensor.labels);
    const auto first = output.strings.begin() + place.first_row * static_cast<int64_t>(strings.size()) / place.rows;
    std::move(strings.begin(), strings.end(), first);
  }
}

void NetworkCall::TaskRan(const ComputeTimes& times) {
  {
    MutexLock lock(mutex_);
    observation_.compute.input += times.input;
    observation_.compute.infer += times.infer;
    observation_.compute.output += times.output;
  }
  TaskOver();
}

// The other tasks are of no use without this one. They still have to be over before the request is answered, for they
// read from its memory.
void NetworkCall::TaskFailed(absl::Status status, std::optional<Refusal> refusal) {
  std::vector<std::shared_ptr<Task>> others;
  {
    MutexLock lock(mutex_);
    if (status_.ok()) {
      status_ = std::move(status);
      if (refusal) {
        observation_.refusal = NameOf(*refusal);
        if (!TurnedAway(*refusal) && !observation_.left_queue) observation_.left_queue = parts_.clock.Now();
      }
      if (left_ > 1) others = tasks_;
    }
  }
  for (const std::shared_ptr<Task>& task : others) parts_.scheduler.Cancel(*task);
  TaskOver();
}

void NetworkCall::TaskOver() {
  std::vector<std::shared_ptr<Task>> tasks;  // destroyed after the lock is released
  absl::StatusOr<PredictResponse> response = absl::UnknownError("");
  RequestObservation observation;
  uint64_t batch = 0;
  {
    MutexLock lock(mutex_);
    if (--left_ > 0) return;
    tasks.swap(tasks_);
    if (status_.ok()) {
      response = PredictResponse{version_->model(), version_->version(), std::move(outputs_)};
    } else {
      response = std::move(status_);
    }
    observation = observation_;
    batch = batch_;
  }
  observation.outcome = response.status().code();
  observation.answered = parts_.clock.Now();
  RecordRequest(*version_, observation, about_.trace, about_.observed);
  if (traced()) Trace(observation, batch);
  done_(std::move(response));
}

void NetworkCall::Trace(const RequestObservation& observation, uint64_t batch) {
  parts_.tracer.Record(RequestTrace{about_.trace_number, about_.id, about_.trace, version_->model(),
                                    version_->version(), batch, observation});
}

}  // namespace beak
