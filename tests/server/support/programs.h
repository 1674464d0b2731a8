#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/engine.h"
#include "server/models/workspace_pool.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// Networks and runs of them, for tests below the protocol.
namespace beak::testing {

// The network that these bytes of ONNX are. REQUIRES: they are one.
inline std::shared_ptr<Model> LoadNetwork(const std::string& onnx) {
  const TempDir dir;
  absl::StatusOr<std::shared_ptr<Model>> model = Model::Load(dir.Write("model.onnx", onnx));
  EXPECT_OK(model);
  BEAK_CHECK(model.ok());
  return *std::move(model);
}

// Writes the first elements of an input; those behind them stay.
template <typename T>
void WriteInput(WorkspaceLease& lease, int input, const std::vector<T>& values) {
  BEAK_CHECK(values.size() * sizeof(T) <= lease.input(input).size());
  std::memcpy(lease.input(input).data(), values.data(), values.size() * sizeof(T));
}

template <typename T>
std::vector<T> ReadOutput(const WorkspaceLease& lease, int output) {
  std::vector<T> values(lease.output(output).size() / sizeof(T));
  std::memcpy(values.data(), lease.output(output).data(), values.size() * sizeof(T));
  return values;
}

}  // namespace beak::testing
