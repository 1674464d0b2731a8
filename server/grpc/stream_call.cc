#include "server/grpc/stream_call.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "proto/inference/open_inference.pb.h"
#include "server/frontend/convert.h"
#include "server/grpc/call_context.h"
#include "server/grpc/stream_state.h"

namespace beak {
namespace {

using Act = StreamState::Act;
using End = StreamState::End;

// One request of a stream, and its answer. Of whoever has it: gRPC while it reads, the predictor, gRPC while it writes.
struct Exchange {
  std::unique_ptr<inference::ModelInferRequest> request = std::make_unique<inference::ModelInferRequest>();
  std::vector<wire::TensorView> views;
  std::shared_ptr<Prediction> prediction;  // guarded by the stream's mutex
  inference::ModelStreamInferResponse response;
  absl::Status status;
};

// One call. Shared by the list of all, until gRPC says that it is over, and by the requests that are under way.
class StreamCall final : public StreamCalls::Reactor, public std::enable_shared_from_this<StreamCall> {
 public:
  // `over` is told when gRPC is done with the call.
  StreamCall(Predictor& predictor, OpenCalls& calls, const Clock& clock, grpc::CallbackServerContext& context,
             std::function<void(StreamCall*)> over)
      : call_(calls),
        predictor_(predictor),
        clock_(clock),
        context_(context),
        over_(std::move(over)),
        state_(StreamState::Limits(), MetadataOf(context, "triton_grpc_error") == "true") {}

  // Does what there is to do. One thread at a time does it, so that calls into gRPC come in the order of the decisions;
  // it goes on for those that come meanwhile. No lock is held.
  void Proceed() {
    while (true) {
      StreamState::Step step;
      std::shared_ptr<Exchange> exchange;
      {
        MutexLock lock(mutex_);
        if (acting_) return;
        step = state_.Next();
        if (step.act == Act::kNothing) return;
        acting_ = true;
        exchange = Prepare(step);
      }
      Do(step, exchange.get());
      if (step.act == Act::kFinish) return;  // gRPC may be done with the call by now
      MutexLock lock(mutex_);
      acting_ = false;
    }
  }

  void EndByServer() {
    {
      MutexLock lock(mutex_);
      state_.OnServerEnds();
    }
    Proceed();
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      TakeRequest();
    } else {
      MutexLock lock(mutex_);
      state_.OnReadEnd();
    }
    Proceed();
  }
  void OnWriteDone(bool ok) override {
    std::shared_ptr<Exchange> sent;  // destroyed after the lock is released
    {
      MutexLock lock(mutex_);
      sent.swap(writing_);
      state_.OnWritten(ok);
    }
    Proceed();
  }
  void OnCancel() override {
    {
      MutexLock lock(mutex_);
      state_.OnCancel();
    }
    Proceed();
  }
  void OnDone() override {
    std::map<uint64_t, std::shared_ptr<Exchange>> left;
    {
      MutexLock lock(mutex_);
      left.swap(exchanges_);
    }
    over_(this);
  }

 private:
  // The exchange that a step is about.
  std::shared_ptr<Exchange> Prepare(const StreamState::Step& step) REQUIRES(mutex_) {
    if (step.act == Act::kRead) return reading_ = std::make_shared<Exchange>();
    if (step.act == Act::kAbandon) abandoned_ = true;
    const auto found = exchanges_.find(step.request);
    if (found == exchanges_.end()) return nullptr;
    std::shared_ptr<Exchange> exchange = found->second;
    if (step.act == Act::kWrite) {
      writing_ = exchange;
      exchanges_.erase(found);
    }
    return exchange;
  }

  void Do(const StreamState::Step& step, Exchange* exchange) {
    switch (step.act) {
      case Act::kRead:
        StartRead(exchange->request.get());
        break;
      case Act::kWrite:
        StartWrite(&exchange->response);
        break;
      case Act::kAbandon:
        CancelAll();
        break;
      case Act::kFinish:
        Finish(FinalStatus(step.end, exchange));
        break;
      case Act::kNothing:
        break;
    }
  }

  grpc::Status FinalStatus(End end, const Exchange* exchange) {
    switch (end) {
      case End::kDone:
        break;
      case End::kError:
        return ToFinalStatus(exchange->status, context_);
      case End::kCancelled:
        return grpc::Status::CANCELLED;
      case End::kServer:
        return {grpc::StatusCode::UNAVAILABLE, "the server is shutting down"};
    }
    return grpc::Status::OK;
  }

  void TakeRequest() {
    std::shared_ptr<Exchange> exchange;
    std::optional<uint64_t> number;
    {
      MutexLock lock(mutex_);
      exchange.swap(reading_);
      number = state_.OnRead(static_cast<int64_t>(exchange->request->ByteSizeLong()));
      if (!number) return;
      exchanges_.emplace(*number, exchange);
    }
    const MonotonicTime now = clock_.Now();
    PredictRequest converted = ToPredictRequest(*exchange->request, now, DeadlineOf(context_, now), &exchange->views);
    converted.trace = TraceContextOf(context_.client_metadata());
    // The answer may come before this returns.
    const std::shared_ptr<Prediction> prediction = predictor_.Start(
        converted, [self = shared_from_this(), number = *number](absl::StatusOr<PredictResponse> answer) {
          self->Answered(number, std::move(answer));
        });
    bool abandoned = false;
    {
      MutexLock lock(mutex_);
      exchange->prediction = prediction;
      abandoned = abandoned_;
    }
    if (abandoned && prediction) prediction->Cancel();
  }

  void Answered(uint64_t number, absl::StatusOr<PredictResponse> answer) {
    std::shared_ptr<Exchange> exchange;
    {
      MutexLock lock(mutex_);
      exchange = exchanges_.at(number);
    }
    exchange->status = ToStreamMessage(std::move(answer), *exchange->request, &exchange->response);
    exchange->views.clear();
    exchange->request.reset();
    const auto bytes = static_cast<int64_t>(exchange->response.ByteSizeLong());
    {
      MutexLock lock(mutex_);
      state_.OnAnswer(number, exchange->status.ok(), bytes);
    }
    Proceed();
  }

  void CancelAll() {
    std::vector<std::shared_ptr<Prediction>> predictions;
    {
      MutexLock lock(mutex_);
      for (const auto& [number, exchange] : exchanges_) predictions.push_back(exchange->prediction);
    }
    for (const std::shared_ptr<Prediction>& prediction : predictions) {
      if (prediction) prediction->Cancel();
    }
  }

  const OpenCalls::Call call_;
  Predictor& predictor_;
  const Clock& clock_;
  grpc::CallbackServerContext& context_;
  const std::function<void(StreamCall*)> over_;

  Mutex mutex_;
  StreamState state_ GUARDED_BY(mutex_);
  bool acting_ GUARDED_BY(mutex_) = false;     // a thread is in Proceed
  bool abandoned_ GUARDED_BY(mutex_) = false;  // requests that are just being started are to be cancelled too
  std::shared_ptr<Exchange> reading_ GUARDED_BY(mutex_);
  std::shared_ptr<Exchange> writing_ GUARDED_BY(mutex_);
  std::map<uint64_t, std::shared_ptr<Exchange>> exchanges_ GUARDED_BY(mutex_);  // read, and not yet being written
};

class StreamCallsImpl final : public StreamCalls {
 public:
  StreamCallsImpl(Predictor& predictor, OpenCalls& calls, const Clock& clock)
      : predictor_(predictor), open_calls_(calls), clock_(clock) {}

  Reactor* Start(grpc::CallbackServerContext& context) override {
    const auto call = std::make_shared<StreamCall>(predictor_, open_calls_, clock_, context,
                                                   [this](StreamCall* over) { Forget(over); });
    bool ended = false;
    {
      MutexLock lock(mutex_);
      calls_.emplace(call.get(), call);
      ended = ended_;
    }
    // What gRPC is asked for before it has the reactor waits until then.
    ended ? call->EndByServer() : call->Proceed();
    return call.get();
  }

  void EndAll() override {
    std::map<StreamCall*, std::shared_ptr<StreamCall>> calls;
    {
      MutexLock lock(mutex_);
      ended_ = true;
      calls = calls_;
    }
    for (const auto& [key, call] : calls) call->EndByServer();
  }

 private:
  void Forget(StreamCall* over) {
    std::shared_ptr<StreamCall> last;  // destroyed after the lock is released
    MutexLock lock(mutex_);
    const auto call = calls_.find(over);
    last.swap(call->second);
    calls_.erase(call);
  }

  Predictor& predictor_;
  OpenCalls& open_calls_;
  const Clock& clock_;
  Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  std::map<StreamCall*, std::shared_ptr<StreamCall>> calls_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<StreamCalls> StreamCalls::Create(Predictor& predictor, OpenCalls& calls, const Clock& clock) {
  return std::make_unique<StreamCallsImpl>(predictor, calls, clock);
}

}  // namespace beak
