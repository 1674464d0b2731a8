#include "server/grpc/health_service.h"

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/mutex.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"

namespace beak {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ServingStatus = HealthCheckResponse::ServingStatus;

// One Watch call: sends the state whenever it differs from the one sent last. Shared by the service's list, until gRPC
// says that the call is over, and by whoever is updating it. *Thread-safe.*
class Watcher final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  // `state` tells the state now, from any thread; `over` is told when gRPC is done with the call.
  Watcher(std::function<ServingStatus()> state, std::function<void(Watcher*)> over)
      : state_(std::move(state)), over_(std::move(over)) {}

  // Looks at the state again. `last`: the call ends once it has been sent.
  void Update(bool last) {
    {
      MutexLock lock(mutex_);
      wanted_ = state_();  // under the lock, so that of two updates the later one sees the later state
      ending_ = ending_ || last;
    }
    Step();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
      broken_ = broken_ || !ok;
    }
    Step();
  }
  void OnCancel() override {
    {
      MutexLock lock(mutex_);
      broken_ = true;
    }
    Step();
  }
  void OnDone() override { over_(this); }

 private:
  enum class Next { kNothing, kWrite, kFinish };

  // gRPC is called without the lock held: the decision below is made by one thread at a time and taken back by none.
  void Step() {
    switch (Decide()) {
      case Next::kWrite:
        StartWrite(&response_);
        break;
      case Next::kFinish:
        Finish(grpc::Status::OK);
        break;
      case Next::kNothing:
        break;
    }
  }

  Next Decide() {
    MutexLock lock(mutex_);
    if (writing_ || finished_) return Next::kNothing;
    if (!broken_ && wanted_ != sent_) {
      writing_ = true;
      sent_ = wanted_;
      response_.set_status(*wanted_);
      return Next::kWrite;
    }
    if (!broken_ && !ending_) return Next::kNothing;
    finished_ = true;
    return Next::kFinish;
  }

  const std::function<ServingStatus()> state_;
  const std::function<void(Watcher*)> over_;

  Mutex mutex_;
  std::optional<ServingStatus> wanted_ GUARDED_BY(mutex_);
  std::optional<ServingStatus> sent_ GUARDED_BY(mutex_);
  bool writing_ GUARDED_BY(mutex_) = false;   // response_ belongs to gRPC
  bool ending_ GUARDED_BY(mutex_) = false;    // finish when all has been sent
  bool broken_ GUARDED_BY(mutex_) = false;    // nobody listens any more
  bool finished_ GUARDED_BY(mutex_) = false;  // Finish has been, or is being, called
  HealthCheckResponse response_;
};

class HealthServiceImpl final : public HealthService, public grpc::health::v1::Health::CallbackService {
 public:
  HealthServiceImpl(const Guard& guard, const ModelManager& models, const Readiness& readiness)
      : guard_(guard), models_(models), readiness_(readiness) {}

  grpc::Service* service() override { return this; }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const HealthCheckRequest* request,
                                  HealthCheckResponse* response) override {
    if (auto* refused = guard_.Refuse<grpc::ServerUnaryReactor>(*context, "/grpc.health.v1.Health/Check")) {
      return refused;
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const ServingStatus status = StatusOf(request->service());
    response->set_status(status);
    reactor->Finish(status == HealthCheckResponse::SERVICE_UNKNOWN
                        ? grpc::Status(grpc::StatusCode::NOT_FOUND, "health: expected the name of a model, or none")
                        : grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<HealthCheckResponse>* Watch(grpc::CallbackServerContext* context,
                                                       const HealthCheckRequest* request) override {
    using Reactor = grpc::ServerWriteReactor<HealthCheckResponse>;
    if (auto* refused = guard_.Refuse<Reactor>(*context, "/grpc.health.v1.Health/Watch")) return refused;
    const auto watcher = std::make_shared<Watcher>([this, name = request->service()] { return StatusOf(name); },
                                                   [this](Watcher* over) { Forget(over); });
    {
      MutexLock lock(mutex_);
      watchers_.emplace(watcher.get(), watcher);
    }
    watcher->Update(ended_);
    return watcher.get();
  }

  void Update() override {
    std::map<Watcher*, std::shared_ptr<Watcher>> watchers;
    {
      MutexLock lock(mutex_);
      watchers = watchers_;
    }
    for (const auto& [key, watcher] : watchers) watcher->Update(ended_);
  }
  void EndWatches() override {
    ended_ = true;
    Update();
  }

 private:
  ServingStatus StatusOf(const std::string& name) const {
    const auto serving = [](bool yes) { return yes ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING; };
    if (name.empty()) return serving(readiness_.ready());
    const std::shared_ptr<const ModelSnapshot> models = models_.snapshot();
    if (models->models.count(name) == 0) return HealthCheckResponse::SERVICE_UNKNOWN;
    return serving(!readiness_.stopping() && models->HasReadyVersion(name));
  }

  void Forget(Watcher* over) {
    std::shared_ptr<Watcher> last;  // destroyed after the lock is released
    MutexLock lock(mutex_);
    const auto watcher = watchers_.find(over);
    last.swap(watcher->second);
    watchers_.erase(watcher);
  }

  const Guard& guard_;
  const ModelManager& models_;
  const Readiness& readiness_;
  std::atomic<bool> ended_{false};
  Mutex mutex_;
  std::map<Watcher*, std::shared_ptr<Watcher>> watchers_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<HealthService> HealthService::Create(const Guard& guard, const ModelManager& models,
                                                     const Readiness& readiness) {
  return std::make_unique<HealthServiceImpl>(guard, models, readiness);
}

}  // namespace beak
