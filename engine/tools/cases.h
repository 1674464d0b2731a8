#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak::tools {

// A network with stored inputs and the outputs that they must give.
struct Case {
  std::string model;   // X.onnx
  std::string folder;  // input_0.pb ... output_0.pb ...
};

// The cases in `folder` and below, sorted: X.onnx with ort_X_data_set_N/ beside it or, where it is the only .onnx of
// its folder, with test_data_set_N/. Links to folders are not followed.
absl::StatusOr<std::vector<Case>> FindCases(const std::string& folder);

// Runs one case. UNIMPLEMENTED: something in it is valid, but more than we have; any other error: it failed.
absl::Status RunCase(const Case& c, int threads);

struct TestOptions {
  std::vector<std::string> folders;
  int threads = 1;
};

// `beak-model test`: PASS, FAIL or UNSUPPORTED per case with the reason, and last "N passed, M failed, K unsupported".
// An error when any failed, and when there is no case at all.
absl::Status TestFolders(const TestOptions& options, std::ostream& out);

}  // namespace beak::tools
