#include "server/models/model_warmup.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

using inference::ModelWarmup;

constexpr uint32_t kMaxCount = 10'000;
constexpr uint64_t kSeed = 1;  // the same at every start

using WarmupInput = ModelWarmup::Input;

// The shape of a row as clients see it: what is written, in the sizes that the model leaves open.
absl::Status CheckInput(const WarmupInput& input, const TensorSignature& tensor) {
  if (input.data_type() != ToProtocol(tensor.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("data_type: expected TYPE_", ProtocolName(tensor.dtype), ", got ",
                                                   inference::DataType_Name(input.data_type())));
  }
  const bool fits =
      std::equal(input.dims().begin(), input.dims().end(), tensor.dims.begin(), tensor.dims.end(),
                 [](int64_t wrote, int64_t has) { return wrote > 0 && (has == kFreeDim || wrote == has); });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("dims: expected sizes of [", absl::StrJoin(tensor.dims, ", "),
                                                 "], got [", absl::StrJoin(input.dims(), ", "), "]"));
}

absl::Status CheckSample(const ModelWarmup& sample, const Signature& signature) {
  const uint32_t most = signature.batched() ? static_cast<uint32_t>(signature.max_batch_size) : 1;
  if (sample.batch_size() > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch_size: expected at most ", most, ", got ", sample.batch_size()));
  }
  if (sample.count() > kMaxCount) {
    return absl::InvalidArgumentError(absl::StrCat("count: expected at most ", kMaxCount, ", got ", sample.count()));
  }
  for (const TensorSignature& tensor : signature.inputs) {
    const auto input = sample.inputs().find(tensor.name);
    if (input == sample.inputs().end()) {
      return absl::InvalidArgumentError(absl::StrCat("inputs: expected input '", tensor.name, "' too"));
    }
    RETURN_IF_ERROR(Annotate(CheckInput(input->second, tensor), absl::StrCat("input '", tensor.name, "'")));
  }
  if (static_cast<size_t>(sample.inputs_size()) == signature.inputs.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("inputs: expected the model's ", signature.inputs.size(),
                                                 " and no others, got ", sample.inputs_size()));
}

// Numbers in [0, 1), bytes and truth values of all kinds, and zeros for other integers, which are valid as whatever
// index they may be.
void FillRandomly(DType dtype, std::mt19937_64& random, std::span<std::byte> bytes) {
  if (IsFloat(dtype)) {
    std::vector<float> values(bytes.size() / SizeOf(dtype));
    std::uniform_real_distribution<float> uniform(0, 1);
    for (float& value : values) value = uniform(random);
    CastElements(DType::kFloat32, reinterpret_cast<const std::byte*>(values.data()), dtype, bytes.data(),
                 static_cast<int64_t>(values.size()));
    return;
  }
  const uint64_t mask = dtype == DType::kUint8 ? 255 : dtype == DType::kBool ? 1 : 0;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & mask);
}

absl::Status FillFromFile(const std::string& folder, const std::string& name, size_t rows, std::span<std::byte> bytes) {
  if (folder.empty()) return absl::InvalidArgumentError("input_data_file: expected a model that has a folder");
  ASSIGN_OR_RETURN(const std::string row, ReadFile(absl::StrCat(folder, "/warmup/", name), limits::kMaxTensorBytes));
  if (row.size() * rows != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("input_data_file '", name, "': expected ", bytes.size() / rows,
                                                   " bytes, a row of the input, got ", row.size()));
  }
  for (size_t i = 0; i < rows && !row.empty(); ++i) std::memcpy(bytes.data() + i * row.size(), row.data(), row.size());
  return absl::OkStatus();
}

absl::Status Fill(const WarmupInput& input, DType dtype, const std::string& folder, size_t rows,
                  std::mt19937_64& random, std::span<std::byte> bytes) {
  if (!input.input_data_file().empty()) return FillFromFile(folder, input.input_data_file(), rows, bytes);
  if (input.random_data()) {
    FillRandomly(dtype, random, bytes);
  } else {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
  }
  return absl::OkStatus();
}

absl::Status RunSample(const ModelWarmup& sample, const Signature& signature, const std::string& folder, Model& network,
                       const CancelToken* stop) {
  RETURN_IF_ERROR(CheckSample(sample, signature));
  const size_t rows = std::max<uint32_t>(1, sample.batch_size());
  std::vector<Shape> shapes;
  for (const TensorSignature& tensor : signature.inputs) {
    const auto& dims = sample.inputs().at(tensor.name).dims();
    Shape shape = MapDims({dims.begin(), dims.end()}, tensor.dims, tensor.network_dims);
    if (signature.batched()) shape.insert(shape.begin(), static_cast<int64_t>(rows));
    shapes.push_back(std::move(shape));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, network.GetProgram(shapes, 1));
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace();
  std::mt19937_64 random(kSeed);
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    const TensorSignature& tensor = signature.inputs[i];
    RETURN_IF_ERROR(Annotate(Fill(sample.inputs().at(tensor.name), tensor.dtype, folder, rows, random,
                                  workspace->input(static_cast<int>(i))),
                             absl::StrCat("input '", tensor.name, "'")));
  }
  for (uint32_t run = 0; run < std::max<uint32_t>(1, sample.count()); ++run) {
    RETURN_IF_ERROR(program->Run(*workspace, {.stop = stop}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunModelWarmup(const inference::ModelConfig& config, const Signature& signature, const std::string& folder,
                            Model& network, const CancelToken* stop) {
  for (const ModelWarmup& sample : config.model_warmup()) {
    RETURN_IF_ERROR(Annotate(RunSample(sample, signature, folder, network, stop),
                             absl::StrCat("model_warmup '", sample.name(), "'")));
  }
  return absl::OkStatus();
}

}  // namespace beak
