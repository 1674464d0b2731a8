// A model file from anyone, read and its shapes inferred: everything that happens to it before it is compiled. What is
// accepted must hold what every graph holds and survive its text form.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/formats/onnx/onnx_reader.h"
#include "engine/graph/text.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"
#include "google/protobuf/stubs/logging.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it has a line to say on every name that is no UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)beak::ReadOnnxTensor(bytes);
  absl::StatusOr<beak::Graph> graph = beak::ReadOnnx(bytes, "");
  if (!graph.ok()) return 0;
  Require(beak::VerifyStructure(*graph).ok());
  Require(beak::ParseGraph(beak::PrintGraph(*graph, true)).ok());
  (void)beak::InferShapes(*graph);
  return 0;
}
