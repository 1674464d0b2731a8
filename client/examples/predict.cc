// Asks a server for its models and sends each that is ready a tensor of zeros: what a program needs to know about the
// client, from connecting to reading an answer.
//
//   beak_example_predict [HOST:PORT]

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "client/client.h"

namespace {

using beak::client::Client;
using beak::client::Datatype;
using beak::client::ModelMetadata;
using beak::client::PredictRequest;
using beak::client::PredictResponse;
using beak::client::TensorMetadata;
using beak::client::TensorValue;

// Zeros of an input's type and shape; dimensions that are free become 1.
absl::StatusOr<TensorValue> Zeros(const TensorMetadata& input) {
  const absl::StatusOr<Datatype> datatype = beak::wire::ParseDatatype(input.datatype);
  if (!datatype.ok()) return datatype.status();
  std::vector<int64_t> shape = input.shape;
  size_t bytes = beak::wire::Describe(*datatype).byte_size;
  for (int64_t& dim : shape) {
    dim = std::max<int64_t>(dim, 1);
    bytes *= static_cast<size_t>(dim);
  }
  return TensorValue::FromBytes(input.name, *datatype, shape, std::string(bytes, '\0'));
}

absl::Status PredictZeros(Client& client, const std::string& model) {
  const absl::StatusOr<ModelMetadata> metadata = client.GetModelMetadata(model);
  if (!metadata.ok()) return metadata.status();

  PredictRequest request;
  request.model = model;
  for (const TensorMetadata& input : metadata->inputs) {
    absl::StatusOr<TensorValue> value = Zeros(input);
    if (!value.ok()) return value.status();
    request.inputs.push_back(*std::move(value));
  }

  const absl::StatusOr<PredictResponse> response = client.Predict(std::move(request));
  if (!response.ok()) return response.status();
  for (const TensorValue& output : response->outputs) {
    std::printf("%s: output %s of %lld elements", model.c_str(), output.name().c_str(),
                static_cast<long long>(output.num_elements()));
    const absl::StatusOr<std::vector<float>> values = output.Values<float>();
    if (values.ok() && !values->empty()) {
      std::printf(", the largest %g", *std::max_element(values->begin(), values->end()));
    }
    std::printf("\n");
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& address) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(address);
  if (!client.ok()) return client.status();
  const auto models = (*client)->ListModels(/*ready_only=*/true);
  if (!models.ok()) return models.status();
  for (const beak::client::ModelIndex& model : *models) {
    if (absl::Status status = PredictZeros(**client, model.name); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "127.0.0.1:8001");
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
