// A description of a network from anyone: an error, or a graph that holds together, with a parameter for each constant
// that has no bytes.
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"
#include "google/protobuf/stubs/logging.h"
#include "proto/beak/v1/network.pb.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it has a line to say on every text that is no UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto description = beak::ParseNetwork(std::string(reinterpret_cast<const char*>(data), size));
  if (!description.ok()) return 0;
  absl::StatusOr<beak::DescribedNetwork> network = beak::BuildNetwork(*description);
  if (!network.ok()) return 0;
  BEAK_CHECK(beak::VerifyStructure(network->graph).ok() && beak::InferShapes(network->graph).ok());
  size_t without_bytes = 0;
  for (beak::ValueId id = 0; id < network->graph.num_values(); ++id) {
    const auto& constant = network->graph.value(id).constant;
    without_bytes += constant && !constant->has_bytes();
  }
  BEAK_CHECK(without_bytes == network->parameters.size());
  for (const beak::ParameterSpec& spec : network->parameters) {
    const beak::ValueId id = network->graph.FindValue(spec.name);
    BEAK_CHECK(id != beak::kNoValue && network->graph.value(id).constant->shape() == spec.shape);
  }
  return 0;
}
