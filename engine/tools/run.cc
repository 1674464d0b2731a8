#include "engine/tools/run.h"

#include <utility>
#include <vector>

#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/format.h"
#include "engine/io/npy.h"
#include "engine/tools/network.h"
#include "engine/tools/tensors.h"

namespace beak::tools {
namespace {

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  // A header of at most 64 KiB goes before the elements.
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, limits::kMaxTensorBytes + (1 << 16)));
  absl::StatusOr<Tensor> tensor = ParseNpy(bytes);
  if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("'", path, "'"));
  return tensor;
}

absl::StatusOr<std::map<std::string, Tensor>> ReadInputs(const std::map<std::string, std::string>& files) {
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, path] : files) {
    ASSIGN_OR_RETURN(inputs[name], ReadNpy(path));
  }
  return inputs;
}

absl::Status CheckOutputNames(const Graph& graph, const std::map<std::string, std::string>& files) {
  for (const auto& [name, path] : files) {
    bool found = false;
    for (const ValueId id : graph.outputs()) found |= graph.value(id).name == name;
    if (!found) {
      return absl::InvalidArgumentError(
          absl::StrCat("output '", name, "': expected an output of the network, got none"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Run(const RunCommandOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const Graph graph, ReadModelFile(options.file));
  RETURN_IF_ERROR(CheckOutputNames(graph, options.outputs));
  ASSIGN_OR_RETURN(const auto inputs, ReadInputs(options.inputs));
  ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, Predict(graph, inputs, options.threads));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = graph.value(graph.outputs()[i]).name;
    const auto file = options.outputs.find(name);
    if (file != options.outputs.end()) RETURN_IF_ERROR(WriteFileAtomically(file->second, FormatNpy(outputs[i])));
    if (options.outputs.empty()) out << "output '" << name << "' " << Summary(outputs[i]) << "\n";
  }
  return absl::OkStatus();
}

absl::Status ParseNamedFile(const std::string& flag, const std::string& text,
                            std::map<std::string, std::string>& files) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": expected NAME=FILE.npy, got '", text, "'"));
  }
  if (!files.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": expected '", text.substr(0, equals), "' once, got twice"));
  }
  return absl::OkStatus();
}

}  // namespace beak::tools
