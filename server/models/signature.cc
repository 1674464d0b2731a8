#include "server/models/signature.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

int IndexOf(const std::vector<TensorSpec>& specs, const std::string& name) {
  const auto spec = std::find_if(specs.begin(), specs.end(), [&](const TensorSpec& s) { return s.name == name; });
  BEAK_CHECK(spec != specs.end());
  return static_cast<int>(spec - specs.begin());
}

template <typename ConfigTensor>
TensorSignature MakeTensor(const ConfigTensor& tensor, const std::vector<TensorSpec>& specs) {
  TensorSignature signature;
  signature.name = tensor.name();
  signature.network_index = IndexOf(specs, tensor.name());
  signature.dtype = specs[static_cast<size_t>(signature.network_index)].dtype;
  signature.dims.assign(tensor.dims().begin(), tensor.dims().end());
  const auto& network_dims = tensor.has_reshape() ? tensor.reshape().shape() : tensor.dims();
  signature.network_dims.assign(network_dims.begin(), network_dims.end());
  return signature;
}

}  // namespace

Signature MakeSignature(const inference::ModelConfig& config, const std::vector<TensorSpec>& inputs,
                        const std::vector<TensorSpec>& outputs) {
  Signature signature;
  signature.max_batch_size = config.max_batch_size();
  for (const auto& input : config.input()) signature.inputs.push_back(MakeTensor(input, inputs));
  for (const auto& output : config.output()) signature.outputs.push_back(MakeTensor(output, outputs));
  std::sort(signature.inputs.begin(), signature.inputs.end(),
            [](const TensorSignature& a, const TensorSignature& b) { return a.network_index < b.network_index; });
  return signature;
}

std::vector<int64_t> MapDims(const std::vector<int64_t>& shape, const std::vector<int64_t>& from,
                             const std::vector<int64_t>& to) {
  std::vector<int64_t> free_sizes;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == kFreeDim) free_sizes.push_back(shape[i]);
  }
  std::vector<int64_t> mapped = to;
  auto next = free_sizes.begin();
  for (int64_t& dim : mapped) {
    if (dim == kFreeDim) dim = *next++;
  }
  return mapped;
}

}  // namespace beak
