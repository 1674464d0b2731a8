// Keeps N ModelInfer requests in flight for a while and prints requests per second and latencies as one line of JSON.

#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "proto/inference/open_inference.grpc.pb.h"

namespace beak {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string server = "127.0.0.1:8001";
  std::string model = "lecture";
  std::string input = "input";
  std::vector<int64_t> shape = {1, 1, 28, 28};
  int in_flight = 64;
  int channels = 1;
  double warm_up_seconds = 1;
  double seconds = 5;
};

inference::ModelInferRequest MakeRequest(const Options& options) {
  inference::ModelInferRequest request;
  request.set_model_name(options.model);
  auto* input = request.add_inputs();
  input->set_name(options.input);
  input->set_datatype("FP32");
  size_t elements = 1;
  for (int64_t dim : options.shape) {
    input->add_shape(dim);
    elements *= static_cast<size_t>(dim);
  }
  request.add_raw_input_contents(std::string(elements * sizeof(float), '\0'));
  return request;
}

// When a measurement begins and ends; requests that finish outside of it are not counted.
struct Window {
  Clock::time_point begin;
  Clock::time_point end;
};

// One place in flight: sends a request, and the next when the answer is there. Its members are touched by one call at
// a time.
class Slot {
 public:
  Slot(inference::GRPCInferenceService::Stub* stub, const inference::ModelInferRequest* request, Window window,
       std::latch* done)
      : stub_(stub), request_(request), window_(window), done_(done) {}

  void Send() {
    context_ = std::make_unique<grpc::ClientContext>();
    sent_ = Clock::now();
    stub_->async()->ModelInfer(context_.get(), request_, &response_, [this](const grpc::Status& s) { Answered(s); });
  }

  const std::vector<double>& milliseconds() const { return milliseconds_; }
  int failures() const { return failures_; }
  const std::string& last_error() const { return last_error_; }

 private:
  void Answered(const grpc::Status& status) {
    const Clock::time_point now = Clock::now();
    if (!status.ok()) {
      ++failures_;
      last_error_ = status.error_message();
    } else if (now >= window_.begin && now < window_.end) {
      milliseconds_.push_back(std::chrono::duration<double, std::milli>(now - sent_).count());
    }
    if (now < window_.end && status.ok()) {
      Send();
    } else {
      done_->count_down();
    }
  }

  inference::GRPCInferenceService::Stub* const stub_;
  const inference::ModelInferRequest* const request_;
  const Window window_;
  std::latch* const done_;
  std::unique_ptr<grpc::ClientContext> context_;
  inference::ModelInferResponse response_;
  Clock::time_point sent_;
  std::vector<double> milliseconds_;
  int failures_ = 0;
  std::string last_error_;
};

double Percentile(const std::vector<double>& sorted, double fraction) {
  return sorted.empty() ? 0 : sorted[static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1))];
}

Clock::duration Seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// Returns the exit code: 1 if a request failed.
int Run(const Options& options) {
  const inference::ModelInferRequest request = MakeRequest(options);
  std::vector<std::unique_ptr<inference::GRPCInferenceService::Stub>> stubs;
  for (int i = 0; i < options.channels; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    stubs.push_back(inference::GRPCInferenceService::NewStub(
        grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments)));
  }
  const Clock::time_point begin = Clock::now() + Seconds(options.warm_up_seconds);
  const Window window{begin, begin + Seconds(options.seconds)};
  std::latch done(options.in_flight);
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < options.in_flight; ++i) {
    slots.push_back(std::make_unique<Slot>(stubs[i % stubs.size()].get(), &request, window, &done));
  }
  for (auto& slot : slots) slot->Send();
  done.wait();

  std::vector<double> all;
  int failures = 0;
  std::string error;
  for (const auto& slot : slots) {
    all.insert(all.end(), slot->milliseconds().begin(), slot->milliseconds().end());
    failures += slot->failures();
    if (slot->failures() > 0) error = slot->last_error();
  }
  if (failures > 0) std::cerr << failures << " requests failed, one of them: " << error << "\n";
  std::sort(all.begin(), all.end());
  std::cout << "{\"requests_per_second\": " << static_cast<double>(all.size()) / options.seconds
            << ", \"p50_ms\": " << Percentile(all, 0.5) << ", \"p99_ms\": " << Percentile(all, 0.99)
            << ", \"failures\": " << failures << "}" << std::endl;
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace beak

int main(int argc, char** argv) {
  beak::Options options;
  CLI::App app("Keeps ModelInfer requests with a float32 input of zeros in flight and reports their rate.");
  app.option_defaults()->always_capture_default();
  app.add_option("--server", options.server, "HOST:PORT");
  app.add_option("--model", options.model, "name of the model");
  app.add_option("--input", options.input, "name of its input");
  app.add_option("--shape", options.shape, "dimensions, e.g. 1x1x28x28")->delimiter('x');
  app.add_option("--in-flight", options.in_flight, "requests at once")->check(CLI::PositiveNumber);
  app.add_option("--channels", options.channels, "connections")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up_seconds, "seconds before counting");
  app.add_option("--seconds", options.seconds, "seconds of counting")->check(CLI::PositiveNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return beak::Run(options);
}
