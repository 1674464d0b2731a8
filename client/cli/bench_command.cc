#include "client/cli/bench_command.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

#include "client/cli/bench_inputs.h"
#include "client/cli/bench_report.h"
#include "client/cli/tensors.h"
#include "client/client.h"
#include "client/convert.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "proto/inference/open_inference.pb.h"

namespace beak::cli {
namespace {

using bench::Load;
using client::Client;
using client::PredictRequest;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kProgress(5);
// For the last answers, after the end.
constexpr std::chrono::seconds kPatience(30);

// SIGINT and SIGTERM become something to wait for, in all threads that are started from now on.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // Waits for that long. Whether one came.
  bool Wait(nanoseconds time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(std::max(time, nanoseconds(0)));
    const timespec limit = {seconds.count(), (std::max(time, nanoseconds(0)) - seconds).count()};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_;
};

// A first dimension that is free is the batch, unless the model's configuration says that it takes none.
absl::StatusOr<bool> TakesBatches(Client& client, const BenchFlags& flags) {
  const absl::StatusOr<inference::ModelConfig> config = client.GetModelConfig(flags.model, flags.version);
  if (config.ok()) return config->max_batch_size() > 0;
  if (config.status().code() == absl::StatusCode::kUnimplemented) return true;
  return config.status();
}

// The client goes with its connection and threads before the load begins, which they would cost something.
absl::StatusOr<PredictRequest> MakeRequest(const BenchFlags& flags, const client::Security& security, int64_t* rows) {
  client::ClientOptions connect;
  connect.security = security;
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, Client::Connect(flags.load.server, connect));
  PredictRequest request;
  request.model = flags.model;
  request.version = flags.version;
  request.priority = flags.priority;
  InputPlan plan = {flags.rows, {}, flags.zeros};
  for (const std::string& text : flags.shapes) {
    auto shape = ParseShape(text);
    if (!shape) return absl::InvalidArgumentError("--shape: expected NAME=1x3x480x640");
    plan.shapes.insert(*std::move(shape));
  }
  ASSIGN_OR_RETURN(const client::ModelMetadata metadata, client->GetModelMetadata(flags.model, flags.version));
  ASSIGN_OR_RETURN(const bool batched, TakesBatches(*client, flags));
  ASSIGN_OR_RETURN(request.inputs, ReadNpyInputs(flags.inputs));
  ASSIGN_OR_RETURN(request.inputs, MakeInputs(metadata, batched, plan, std::move(request.inputs)));
  const bool has_rows = batched && !request.inputs.empty() && !request.inputs[0].shape().empty();
  *rows = has_rows ? request.inputs[0].shape()[0] : 1;
  return request;
}

// Whether an error may be gone with the next request.
bool Passes(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

bench::Tally Run(Load& load, Signals& signals) {
  load.Start();
  MonotonicTime progress = Clock::Real().Now() + kProgress;
  bool stop = false;
  while (!stop && Clock::Real().Now() < load.end()) {
    const MonotonicTime now = Clock::Real().Now();
    if (now >= progress) {
      std::fprintf(stderr, "beak: %s\n", ProgressLine(load.so_far()).c_str());
      progress += kProgress;
    }
    stop = signals.Wait(std::min(progress, load.end()) - now);
  }
  const MonotonicTime patience = load.end() + kPatience;
  while (!stop && !load.all_answered() && Clock::Real().Now() < patience) {
    stop = signals.Wait(std::chrono::milliseconds(10));
  }
  return load.Finish();
}

}  // namespace

absl::StatusOr<BenchOutcome> Bench(const BenchFlags& flags) {
  Signals signals;
  bench::LoadOptions options = flags.load;
  int64_t rows = 1;
  ASSIGN_OR_RETURN(options.security, flags.security.Read());
  ASSIGN_OR_RETURN(PredictRequest request, MakeRequest(flags, options.security, &rows));
  ASSIGN_OR_RETURN(const inference::ModelInferRequest message, client::ToProto(std::move(request)));
  options.body = message.SerializeAsString();
  ASSIGN_OR_RETURN(const std::unique_ptr<Load> load, Load::Connect(options));
  if (absl::Status status = load->Probe(); !Passes(status)) return status;
  const bench::Tally tally = Run(*load, signals);
  const BenchReport report = {flags.model, rows, options, tally};
  return BenchOutcome{flags.json ? ToJson(report) : ToText(report), tally.latency.count() > 0};
}

}  // namespace beak::cli
