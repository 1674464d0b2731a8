// Uses every installed header, and fails unless the library behaves.
#include <chrono>
#include <cstdio>

#include "client/client.h"
#include "client/config_text.h"
#include "client/train_client.h"
#include "proto/beak/v1/service/train_service.pb.h"
#include "proto/beak/v1/train.pb.h"
#include "proto/inference/model_config.pb.h"

int main() {
  const auto value = beak::client::TensorValue::Of<float>("x", {2}, {1, 2});
  if (!value.ok() || value->num_elements() != 2) return std::fprintf(stderr, "no tensor\n"), 1;

  inference::ModelConfig config;
  config.set_name("m");
  if (beak::client::ToText(config) != "name: \"m\"\n") return std::fprintf(stderr, "no configuration\n"), 1;

  beak::v1::TrainJob job;
  job.set_state(beak::v1::TrainJob::FAILED);
  if (!beak::client::HasEnded(job)) return std::fprintf(stderr, "no end\n"), 1;

  // Nobody listens on port 1.
  beak::client::ClientOptions options;
  options.connect_timeout = std::chrono::milliseconds(50);
  const auto client = beak::client::Client::Connect("127.0.0.1:1", options);
  if (client.status().code() != absl::StatusCode::kUnavailable) return std::fprintf(stderr, "no error\n"), 1;
  const auto train = beak::client::TrainClient::Connect("127.0.0.1:1", options);
  if (train.status().code() != absl::StatusCode::kUnavailable) return std::fprintf(stderr, "no error\n"), 1;
  return 0;
}
