#include "server/models/golden.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/tensor/close.h"

namespace beak {
namespace {

std::string FileOf(const TensorSpec& spec) {
  return absl::StrCat(absl::StrReplaceAll(spec.name, {{"/", "_"}}), ".npy");
}

// A file that belongs to nothing is a name that was mistyped: the case would prove less than it seems to.
absl::Status CheckFiles(const std::string& folder, const Model& network) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder));
  const auto is_of = [](const std::vector<TensorSpec>& specs, const std::string& file) {
    return std::any_of(specs.begin(), specs.end(), [&](const TensorSpec& spec) { return FileOf(spec) == file; });
  };
  bool has_output = false;
  for (const std::string& file : files) {
    const bool output = is_of(network.outputs(), file);
    has_output = has_output || output;
    if (output || is_of(network.inputs(), file)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected files named for inputs and outputs of the network (<name>.npy), got '", file, "'"));
  }
  if (has_output) return absl::OkStatus();
  return absl::InvalidArgumentError("expected at least one output, got none");
}

absl::StatusOr<std::vector<Tensor>> ReadInputs(const std::string& folder, const Model& network) {
  std::vector<Tensor> inputs;
  for (const TensorSpec& spec : network.inputs()) {
    ASSIGN_OR_RETURN(Tensor tensor, ReadNpyFile(absl::StrCat(folder, "/", FileOf(spec))));
    if (tensor.dtype() != spec.dtype) {
      return absl::InvalidArgumentError(
          absl::StrCat("input '", spec.name, "': expected ", NameOf(spec.dtype), ", got ", NameOf(tensor.dtype())));
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

absl::Status CheckOutput(const std::string& folder, const Program::Operand& output, std::span<const std::byte> bytes,
                         const TensorSpec& spec) {
  const std::string path = absl::StrCat(folder, "/", FileOf(spec));
  if (!IsRegularFile(path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Tensor expected, ReadNpyFile(path));
  ASSIGN_OR_RETURN(Tensor actual, Tensor::Create(output.dtype, output.shape));
  if (!bytes.empty()) std::memcpy(actual.mutable_bytes(), bytes.data(), bytes.size());
  const absl::Status close = ExpectClose(actual, expected);
  if (close.ok()) return close;
  return absl::FailedPreconditionError(absl::StrCat("output '", spec.name, "': ", close.message()));
}

absl::Status CheckCase(const std::string& folder, Model& network, const CancelToken* stop) {
  RETURN_IF_ERROR(CheckFiles(folder, network));
  ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, ReadInputs(folder, network));
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, network.GetProgram(shapes, 1));
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].byte_size() == 0) continue;
    std::memcpy(workspace->input(static_cast<int>(i)).data(), inputs[i].bytes(), inputs[i].byte_size());
  }
  RETURN_IF_ERROR(program->Run(*workspace, {.stop = stop}));
  for (size_t i = 0; i < network.outputs().size(); ++i) {
    RETURN_IF_ERROR(
        CheckOutput(folder, program->outputs()[i], workspace->output(static_cast<int>(i)), network.outputs()[i]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckGoldenSamples(const std::string& folder, Model& network, const CancelToken* stop) {
  const std::string golden = absl::StrCat(folder, "/golden");
  if (folder.empty() || !IsDirectory(golden)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(golden));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(golden, "/", name);
    if (!IsDirectory(path)) continue;
    if (stop != nullptr && stop->cancelled()) return absl::CancelledError("the check of golden samples was stopped");
    RETURN_IF_ERROR(Annotate(CheckCase(path, network, stop), absl::StrCat("golden sample '", name, "'")));
  }
  return absl::OkStatus();
}

}  // namespace beak
