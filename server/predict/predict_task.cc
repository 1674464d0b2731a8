#include "server/predict/predict_task.h"

#include <cstring>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/status.h"
#include "server/predict/classify.h"

namespace beak {
namespace {

// The shape of an output as the network gave it -> as clients see it.
std::vector<int64_t> ClientShape(const Signature& signature, const TensorSignature& tensor, const Shape& shape) {
  if (tensor.dims == tensor.network_dims) return shape;
  if (!signature.batched()) return MapDims(shape, tensor.network_dims, tensor.dims);
  std::vector<int64_t> mapped = MapDims({shape.begin() + 1, shape.end()}, tensor.network_dims, tensor.dims);
  mapped.insert(mapped.begin(), shape[0]);
  return mapped;
}

OutputTensor Classes(const TensorSignature& tensor, bool batched, int64_t classes, std::vector<int64_t> shape,
                     std::span<const std::byte> data) {
  const int64_t rows = batched ? shape[0] : 1;
  OutputTensor output{tensor.name, std::nullopt, {}, "", {}};
  output.strings = TopClasses(tensor.dtype, data, rows, classes, tensor.labels);
  if (batched) output.shape.push_back(rows);
  output.shape.push_back(static_cast<int64_t>(output.strings.size()) / rows);
  return output;
}

}  // namespace

PredictTask::PredictTask(std::shared_ptr<const ModelVersion> version, ValidRequest request, MonotonicTime received,
                         MonotonicTime deadline, const Clock& clock, Done done)
    : Task(request.rows, deadline),
      version_(std::move(version)),
      request_(std::move(request)),
      clock_(clock),
      done_(std::move(done)) {
  observation_.rows = request_.rows;
  observation_.received = received;
  observation_.deadline = deadline;
}

void PredictTask::Run(int) {
  observation_.left_queue = clock_.Now();
  Answer(Execute());
}

void PredictTask::Refuse(absl::Status why) {
  // UNAVAILABLE comes at once, from a queue that is full or closed.
  if (!absl::IsUnavailable(why)) observation_.left_queue = clock_.Now();
  Answer(std::move(why));
}

absl::StatusOr<PredictResponse> PredictTask::Execute() {
  constexpr int kThreads = 1;  // a lane is one core
  ASSIGN_OR_RETURN(WorkspaceLease lease, version_->Acquire(request_.shapes, kThreads));
  for (size_t i = 0; i < request_.data.size(); ++i) {
    const std::span<std::byte> input = lease.input(static_cast<int>(i));
    BEAK_CHECK(input.size() == request_.data[i].size());
    std::memcpy(input.data(), request_.data[i].data(), input.size());
  }
  RETURN_IF_ERROR(RunNetwork(lease));
  const MonotonicTime ran = clock_.Now();
  PredictResponse response = TakeOutputs(lease);
  observation_.compute = {*observation_.run_began - *observation_.left_queue, ran - *observation_.run_began,
                          clock_.Now() - ran};
  version_->observer().RecordExecution(request_.rows, observation_.compute);
  return response;
}

// The deadline is looked at for the last time with the very stamp that the run's beginning is recorded by.
absl::Status PredictTask::RunNetwork(WorkspaceLease& lease) {
  const MonotonicTime now = clock_.Now();
  RETURN_IF_ERROR(MayRun(*this, now));
  observation_.run_began = now;
  absl::Status status = lease.Run(&cancel_token());
  if (!absl::IsCancelled(status)) return status;
  if (clock_.Now() >= deadline()) return absl::DeadlineExceededError("the deadline passed while the request ran");
  return absl::CancelledError("the request was cancelled while it ran");
}

PredictResponse PredictTask::TakeOutputs(const WorkspaceLease& lease) const {
  const Signature& signature = version_->signature();
  PredictResponse response{version_->model(), version_->version(), {}};
  response.outputs.reserve(request_.outputs.size());
  for (const ValidRequest::Output& wanted : request_.outputs) {
    const TensorSignature& tensor = signature.outputs[static_cast<size_t>(wanted.index)];
    const std::span<const std::byte> data = lease.output(tensor.network_index);
    std::vector<int64_t> shape = ClientShape(signature, tensor, lease.output_shape(tensor.network_index));
    if (wanted.classes > 0) {
      response.outputs.push_back(Classes(tensor, signature.batched(), wanted.classes, std::move(shape), data));
    } else {
      std::string bytes(reinterpret_cast<const char*>(data.data()), data.size());
      response.outputs.push_back({tensor.name, tensor.dtype, std::move(shape), std::move(bytes), {}});
    }
  }
  return response;
}

void PredictTask::Answer(absl::StatusOr<PredictResponse> response) {
  observation_.outcome = response.status().code();
  observation_.answered = clock_.Now();
  version_->observer().RecordRequest(observation_);
  done_(std::move(response));
}

}  // namespace beak
