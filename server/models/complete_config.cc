#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/config.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

using inference::ModelConfig;

using Dims = google::protobuf::RepeatedField<int64_t>;
using Specs = std::vector<TensorSpec>;

constexpr int kDefaultMaxBatchSize = 64;
constexpr int64_t kFree = -1;

std::string Text(const Dims& dims) { return absl::StrCat("[", absl::StrJoin(dims, ", "), "]"); }

const TensorSpec* Find(const Specs& specs, const std::string& name) {
  const auto spec = std::find_if(specs.begin(), specs.end(), [&](const TensorSpec& s) { return s.name == name; });
  return spec == specs.end() ? nullptr : &*spec;
}

bool FirstDimensionFree(const TensorSpec& spec) { return !spec.shape.empty() && !spec.shape[0].known(); }

// ---------------------------------------------------------------- max_batch_size

// The dims that the network itself sees.
template <typename WrittenTensor>
const Dims& NetworkDims(const WrittenTensor& tensor) {
  return tensor.has_reshape() ? tensor.reshape().shape() : tensor.dims();
}

// What the written tensors' ranks say: true where each leaves out the first dimension of the network's, false where
// none does, nullopt where they say nothing or contradict each other (checks that follow name the contradiction).
template <typename WrittenTensors>
std::optional<bool> LeavesOutBatch(const WrittenTensors& tensors, const Specs& specs) {
  std::optional<bool> all;
  for (const auto& tensor : tensors) {
    const TensorSpec* spec = Find(specs, tensor.name());
    if (!spec || (tensor.dims().empty() && !tensor.has_reshape())) continue;
    const bool leaves_out = NetworkDims(tensor).size() + 1 == static_cast<int>(spec->shape.size());
    if (all && *all != leaves_out) return std::nullopt;
    all = leaves_out;
  }
  return all;
}

int MaxBatchSize(const ConfigFile& file, const Specs& inputs, const Specs& outputs) {
  if (file.has_max_batch_size) return file.config->max_batch_size();
  if (!std::all_of(inputs.begin(), inputs.end(), FirstDimensionFree)) return 0;
  if (!std::all_of(outputs.begin(), outputs.end(), FirstDimensionFree)) return 0;
  const std::optional<bool> by_inputs = LeavesOutBatch(file.config->input(), inputs);
  const std::optional<bool> by_outputs = LeavesOutBatch(file.config->output(), outputs);
  return by_inputs.value_or(by_outputs.value_or(true)) ? kDefaultMaxBatchSize : 0;
}

// ---------------------------------------------------------------- one tensor

// The products of the sizes between free dimensions; nullopt on overflow.
std::optional<std::vector<int64_t>> Segments(const Dims& dims) {
  std::vector<int64_t> products = {1};
  for (const int64_t dim : dims) {
    if (dim == kFree) {
      products.push_back(1);
      continue;
    }
    const std::optional<int64_t> product = CheckedMul(products.back(), dim);
    if (!product) return std::nullopt;
    products.back() = *product;
  }
  return products;
}

absl::Status CheckDimValues(const Dims& dims, const char* field) {
  const bool good = std::all_of(dims.begin(), dims.end(), [](int64_t dim) { return dim >= 1 || dim == kFree; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": expected sizes of at least 1, or -1 for a free one, got ", Text(dims)));
}

// A reshape must keep the elements: free dimensions correspond in order, what lies between them has equal products.
template <typename WrittenTensor>
absl::Status CheckReshape(const WrittenTensor& tensor) {
  if (!tensor.has_reshape()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckDimValues(tensor.reshape().shape(), "reshape"));
  const auto from = Segments(tensor.dims());
  if (from && from == Segments(tensor.reshape().shape())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("reshape: expected as many elements as dims ", Text(tensor.dims()),
                                                 " have, got ", Text(tensor.reshape().shape())));
}

Dims DimsOf(const TensorSpec& spec, bool batched) {
  Dims dims;
  for (size_t i = batched ? 1 : 0; i < spec.shape.size(); ++i) {
    dims.Add(spec.shape[i].known() ? spec.shape[i].value() : kFree);
  }
  return dims;
}

// A dimension may be written narrower than the network's, never wider.
absl::Status CheckAgainstNetwork(const Dims& written, const TensorSpec& spec, bool batched) {
  const Dims network = DimsOf(spec, batched);
  const bool fits = std::equal(written.begin(), written.end(), network.begin(), network.end(),
                               [](int64_t wrote, int64_t has) { return has == kFree || wrote == has; });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("dims: expected what the network has, ", Text(network),
                                                 batched ? " after its batch dimension, got " : ", got ",
                                                 Text(written)));
}

// Checks what is written of a tensor and fills in the rest.
template <typename WrittenTensor>
absl::Status CompleteTensor(const TensorSpec& spec, bool batched, WrittenTensor* tensor) {
  const int data_type = ToProtocol(spec.dtype);
  if (tensor->data_type() == inference::TYPE_INVALID) {
    tensor->set_data_type(static_cast<inference::DataType>(data_type));
  } else if (tensor->data_type() != data_type) {
    return absl::InvalidArgumentError(absl::StrCat("data_type: expected what the network has, TYPE_",
                                                   ProtocolName(spec.dtype), ", got ",
                                                   inference::DataType_Name(tensor->data_type())));
  }
  if (tensor->dims().empty() && !tensor->has_reshape()) *tensor->mutable_dims() = DimsOf(spec, batched);
  RETURN_IF_ERROR(CheckDimValues(tensor->dims(), "dims"));
  RETURN_IF_ERROR(CheckReshape(*tensor));
  return CheckAgainstNetwork(NetworkDims(*tensor), spec, batched);
}

template <typename WrittenTensors>
absl::Status CompleteTensors(const Specs& specs, bool batched, const std::string& kind, WrittenTensors* tensors) {
  std::set<std::string> seen;
  for (auto& tensor : *tensors) {
    const std::string place = absl::StrCat(kind, " '", tensor.name(), "'");
    const TensorSpec* spec = Find(specs, tensor.name());
    if (!spec) return absl::InvalidArgumentError(absl::StrCat(place, ": the network has no such ", kind));
    if (!seen.insert(tensor.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected once, got it twice"));
    }
    if (batched && !FirstDimensionFree(*spec)) {
      return absl::InvalidArgumentError(absl::StrCat("max_batch_size: expected 0, for ", place, " has shape ",
                                                     ToString(spec->shape), ", whose first dimension is not free"));
    }
    RETURN_IF_ERROR(Annotate(CompleteTensor(*spec, batched, &tensor), place));
  }
  return absl::OkStatus();
}

template <typename WrittenTensors>
void AddUnwritten(const Specs& specs, WrittenTensors* tensors) {
  for (const TensorSpec& spec : specs) {
    const auto written =
        std::find_if(tensors->begin(), tensors->end(), [&](const auto& tensor) { return tensor.name() == spec.name; });
    if (written == tensors->end()) tensors->Add()->set_name(spec.name);
  }
}

// ---------------------------------------------------------------- all of it

// What every model's configuration says, whatever the model is made of.
absl::StatusOr<std::shared_ptr<ModelConfig>> Begin(const ConfigFile& file, const std::string& name,
                                                   int max_batch_size) {
  RETURN_IF_ERROR(CheckSupported(*file.config));
  auto config = std::make_shared<ModelConfig>(*file.config);
  if (!config->name().empty() && config->name() != name) {
    return absl::InvalidArgumentError(
        absl::StrCat("name: expected the folder's name '", name, "', got '", config->name(), "'"));
  }
  if (max_batch_size < 0) {
    return absl::InvalidArgumentError(absl::StrCat("max_batch_size: expected at least 0, got ", max_batch_size));
  }
  config->set_name(name);
  config->set_max_batch_size(max_batch_size);
  if (config->version_policy().policy_choice_case() == inference::ModelVersionPolicy::POLICY_CHOICE_NOT_SET) {
    config->mutable_version_policy()->mutable_latest()->set_num_versions(1);
  }
  return config;
}

// A tensor of an ensemble must say all of itself.
template <typename WrittenTensors>
absl::Status CheckDeclared(const WrittenTensors& tensors, const std::string& kind) {
  std::set<std::string> seen;
  for (const auto& tensor : tensors) {
    const std::string place = absl::StrCat(kind, " '", tensor.name(), "'");
    if (!seen.insert(tensor.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected once, got it twice"));
    }
    if (!DTypeFromProtocol(static_cast<int>(tensor.data_type()))) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": data_type: expected one of numbers, got ",
                                                     inference::DataType_Name(tensor.data_type())));
    }
    if (tensor.has_reshape()) return absl::InvalidArgumentError(absl::StrCat(place, ": expected no reshape"));
    RETURN_IF_ERROR(Annotate(CheckDimValues(tensor.dims(), "dims"), place));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelConfig>> CompleteConfig(const ConfigFile& file, const std::string& name,
                                                                  const Specs& inputs, const Specs& outputs) {
  const int max_batch_size = MaxBatchSize(file, inputs, outputs);
  ASSIGN_OR_RETURN(const std::shared_ptr<ModelConfig> config, Begin(file, name, max_batch_size));
  if (config->platform().empty() && config->backend().empty()) config->set_backend("beak");
  if (config->default_model_filename().empty()) config->set_default_model_filename("model.onnx");
  AddUnwritten(inputs, config->mutable_input());
  if (config->output().empty()) AddUnwritten(outputs, config->mutable_output());
  RETURN_IF_ERROR(CompleteTensors(inputs, max_batch_size > 0, "input", config->mutable_input()));
  RETURN_IF_ERROR(CompleteTensors(outputs, max_batch_size > 0, "output", config->mutable_output()));
  return config;
}

absl::StatusOr<std::shared_ptr<const ModelConfig>> CompleteEnsembleConfig(const ConfigFile& file,
                                                                          const std::string& name) {
  ASSIGN_OR_RETURN(const std::shared_ptr<ModelConfig> config, Begin(file, name, file.config->max_batch_size()));
  if (config->platform().empty()) config->set_platform("ensemble");
  RETURN_IF_ERROR(CheckDeclared(config->input(), "input"));
  RETURN_IF_ERROR(CheckDeclared(config->output(), "output"));
  return config;
}

}  // namespace beak
