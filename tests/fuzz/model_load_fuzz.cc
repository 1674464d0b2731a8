// A model file from anyone, loaded, compiled and run once: what the server does with it before it serves.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/formats/onnx/onnx_reader.h"
#include "engine/ops/op.h"
#include "google/protobuf/stubs/logging.h"

namespace {

// Larger work is within the limits of the engine, but not worth the fuzzer's time.
constexpr int64_t kMaxElements = 1 << 16;
constexpr size_t kMaxWorkspaceBytes = size_t{16} << 20;
constexpr double kMaxFlops = 1e8;

bool IsSmall(const beak::Shape& shape) {
  const absl::StatusOr<int64_t> bytes = beak::CheckedByteSize(shape, beak::DType::kUint8);
  return bytes.ok() && *bytes <= kMaxElements;
}

// Free dimensions become 2.
beak::Shape Fill(const beak::PartialShape& partial) {
  beak::Shape shape;
  for (const beak::Dim& dim : partial) shape.push_back(dim.known() ? dim.value() : 2);
  return shape;
}

// A tiny file may ask for large values.
bool IsLarge(const beak::Graph& graph) {
  for (beak::ValueId id = 0; id < graph.num_values(); ++id) {
    const auto& shape = graph.value(id).type.shape;
    if (shape && beak::IsStatic(*shape) && !IsSmall(beak::ToShape(*shape))) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it has a line to say on every name that is no UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::StatusOr<beak::Graph> graph = beak::ReadOnnx(std::string(reinterpret_cast<const char*>(data), size), "");
  if (!graph.ok()) return 0;
  beak::Graph inferred = *graph;
  if (!beak::InferShapes(inferred).ok() || IsLarge(inferred)) return 0;
  auto model = beak::Model::FromGraph(*std::move(graph));
  if (!model.ok()) return 0;
  std::vector<beak::Shape> shapes;
  for (const beak::TensorSpec& input : (*model)->inputs()) shapes.push_back(Fill(input.shape));
  if (!std::all_of(shapes.begin(), shapes.end(), IsSmall)) return 0;
  const auto program = (*model)->GetProgram(shapes, 1);
  if (!program.ok() || (*program)->workspace_bytes() > kMaxWorkspaceBytes || (*program)->flops() > kMaxFlops) return 0;
  const auto workspace = (*program)->CreateWorkspace();
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto input = workspace->input(static_cast<int>(i));
    std::fill(input.begin(), input.end(), std::byte{1});
  }
  (void)(*program)->Run(*workspace);
  return 0;
}
