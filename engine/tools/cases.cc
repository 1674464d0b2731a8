#include "engine/tools/cases.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/format.h"
#include "engine/formats/onnx/onnx_reader.h"
#include "engine/tensor/close.h"
#include "engine/tools/network.h"

namespace beak::tools {
namespace {

namespace fs = std::filesystem;

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// The cases among the entries of one folder.
absl::Status AddCasesIn(const std::string& folder, std::vector<Case>& cases) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  std::vector<std::string> models;
  for (const std::string& name : names) {
    if (fs::path(name).extension() == ".onnx") models.push_back(name);
  }
  for (const std::string& model : models) {
    const std::string own = absl::StrCat("ort_", fs::path(model).stem().string(), "_data_set_");
    for (const std::string& name : names) {
      const bool belongs = StartsWith(name, own) || (models.size() == 1 && StartsWith(name, "test_data_set_"));
      const std::string path = absl::StrCat(folder, "/", name);
      if (belongs && IsDirectory(path)) cases.push_back({absl::StrCat(folder, "/", model), path});
    }
  }
  return absl::OkStatus();
}

// FOLDER/PREFIX_0.pb, PREFIX_1.pb ... as far as they go.
absl::StatusOr<std::vector<Tensor>> ReadTensors(const std::string& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  while (true) {
    const std::string name = absl::StrCat(prefix, "_", tensors.size(), ".pb");
    const std::string path = absl::StrCat(folder, "/", name);
    if (!IsRegularFile(path)) return tensors;
    ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, limits::kMaxModelFileBytes));
    absl::StatusOr<Tensor> tensor = ReadOnnxTensor(std::move(bytes));
    if (!tensor.ok()) return Annotate(tensor.status(), name);
    tensors.push_back(*std::move(tensor));
  }
}

absl::Status ExpectCount(const char* what, size_t expected, size_t actual) {
  if (expected == actual) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected ", expected, " stored tensors, got ", actual));
}

}  // namespace

absl::StatusOr<std::vector<Case>> FindCases(const std::string& folder) {
  std::vector<Case> cases;
  RETURN_IF_ERROR(AddCasesIn(folder, cases));
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error)) RETURN_IF_ERROR(AddCasesIn(entry->path().string(), cases));
  }
  if (error) return absl::UnknownError(absl::StrCat("'", folder, "': ", error.message()));
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return std::tie(a.model, a.folder) < std::tie(b.model, b.folder); });
  return cases;
}

absl::Status RunCase(const Case& c, int threads) {
  ASSIGN_OR_RETURN(const Graph graph, ReadModelFile(c.model));
  ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, ReadTensors(c.folder, "input"));
  ASSIGN_OR_RETURN(const std::vector<Tensor> expected, ReadTensors(c.folder, "output"));
  RETURN_IF_ERROR(ExpectCount("inputs", graph.inputs().size(), inputs.size()));
  RETURN_IF_ERROR(ExpectCount("outputs", graph.outputs().size(), expected.size()));
  std::map<std::string, Tensor> values;
  for (size_t i = 0; i < inputs.size(); ++i) values[graph.value(graph.inputs()[i]).name] = inputs[i];
  ASSIGN_OR_RETURN(const std::vector<Tensor> actual, Predict(graph, values, threads));
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string& name = graph.value(graph.outputs()[i]).name;
    RETURN_IF_ERROR(Annotate(ExpectClose(actual[i], expected[i]), absl::StrCat("output '", name, "'")));
  }
  return absl::OkStatus();
}

absl::Status TestFolders(const TestOptions& options, std::ostream& out) {
  int passed = 0;
  int failed = 0;
  int unsupported = 0;
  for (const std::string& folder : options.folders) {
    ASSIGN_OR_RETURN(const std::vector<Case> cases, FindCases(folder));
    for (const Case& c : cases) {
      const absl::Status status = RunCase(c, options.threads);
      int& count = status.ok() ? passed : absl::IsUnimplemented(status) ? unsupported : failed;
      ++count;
      out << (status.ok() ? "PASS" : absl::IsUnimplemented(status) ? "UNSUPPORTED" : "FAIL") << " " << c.folder;
      if (!status.ok()) out << ": " << status.message();
      out << std::endl;
    }
  }
  out << passed << " passed, " << failed << " failed, " << unsupported << " unsupported" << std::endl;
  if (failed > 0) return absl::InternalError(absl::StrCat(failed, " cases failed"));
  if (passed + unsupported == 0) return absl::NotFoundError("no cases found");
  return absl::OkStatus();
}

}  // namespace beak::tools
