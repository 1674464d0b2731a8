#include "engine/job/model_config_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/ops/op.h"

namespace beak {
namespace {

constexpr int kMaxBatchSize = 64;

const char* TypeName(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "TYPE_BOOL";
    case DType::kUint8:
      return "TYPE_UINT8";
    case DType::kInt8:
      return "TYPE_INT8";
    case DType::kUint16:
      return "TYPE_UINT16";
    case DType::kInt16:
      return "TYPE_INT16";
    case DType::kUint32:
      return "TYPE_UINT32";
    case DType::kInt32:
      return "TYPE_INT32";
    case DType::kUint64:
      return "TYPE_UINT64";
    case DType::kInt64:
      return "TYPE_INT64";
    case DType::kFloat16:
      return "TYPE_FP16";
    case DType::kFloat64:
      return "TYPE_FP64";
    case DType::kFloat32:
      break;
  }
  return "TYPE_FP32";
}

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\""); }

bool FirstDimensionFree(const Value& value) {
  return value.type.shape && !value.type.shape->empty() && !value.type.shape->front().known();
}

// The line with the dimensions, those behind the batch's where there is one; "" where none are known.
std::string Dims(const Value& value, bool batched) {
  if (!value.type.shape) return "";
  std::vector<int64_t> dims;
  for (size_t i = batched ? 1 : 0; i < value.type.shape->size(); ++i) {
    const Dim& dim = (*value.type.shape)[i];
    dims.push_back(dim.known() ? dim.value() : -1);
  }
  if (dims.empty()) return "";
  return absl::StrCat("  dims: [ ", absl::StrJoin(dims, ", "), " ]\n");
}

}  // namespace

std::string ModelConfigText(const Graph& network, const ModelConfigFacts& facts) {
  Graph graph = network;
  (void)InferShapes(graph);  // what it does not find, the text leaves out
  std::vector<ValueId> ends = graph.inputs();
  ends.insert(ends.end(), graph.outputs().begin(), graph.outputs().end());
  const bool batched = std::ranges::all_of(ends, [&](ValueId id) { return FirstDimensionFree(graph.value(id)); });
  std::string text =
      absl::StrCat("name: ", Quoted(facts.model),
                   "\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: ", batched ? kMaxBatchSize : 0, "\n");
  const auto add = [&](const char* kind, ValueId id, const std::string& more) {
    const Value& value = graph.value(id);
    absl::StrAppend(&text, kind, " {\n  name: ", Quoted(value.name), "\n  data_type: ", TypeName(value.type.dtype),
                    "\n", Dims(value, batched), more, "}\n");
  };
  for (const ValueId id : graph.inputs()) add("input", id, "");
  for (const ValueId id : graph.outputs()) {
    const bool labels = !facts.labels_output.empty() && graph.NameOfValue(id) == facts.labels_output;
    add("output", id, labels ? "  label_filename: \"labels.txt\"\n" : "");
  }
  for (const auto& [key, value] : facts.parameters) {
    absl::StrAppend(&text, "parameters { key: ", Quoted(key), " value { string_value: ", Quoted(value), " } }\n");
  }
  return text;
}

}  // namespace beak
