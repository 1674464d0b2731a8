#include <charconv>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/graph/lexer.h"
#include "engine/graph/text.h"

namespace beak {
namespace {

constexpr int64_t kMaxPrintedElements = 16;

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\""); }

std::string Name(const std::string& name) { return IsPlainName(name) ? name : Quoted(name); }

// The shortest text that reads back as the same number.
template <typename T>
std::string Number(T value) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

// With a mark that tells it from an integer.
std::string FloatLiteral(float value) {
  std::string text = Number(value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string DimText(const Dim& dim) {
  if (dim.known()) return absl::StrCat(dim.value());
  if (dim.symbol().empty()) return "?";
  // A symbol that looks like a number would be read as one.
  const bool number = dim.symbol()[0] == '-' || absl::ascii_isdigit(dim.symbol()[0]);
  return number ? Quoted(dim.symbol()) : Name(dim.symbol());
}

template <typename List, typename Format>
std::string Join(const List& list, Format format) {
  std::string text;
  for (const auto& item : list) absl::StrAppend(&text, text.empty() ? "" : ", ", format(item));
  return text;
}

std::string ShapeText(const PartialShape& shape) { return absl::StrCat("[", Join(shape, DimText), "]"); }

std::string TypeText(const TensorType& type) {
  std::string text = NameOf(type.dtype);
  if (type.shape) absl::StrAppend(&text, " ", ShapeText(*type.shape));
  return text;
}

std::string Elements(const Tensor& tensor) {
  if (tensor.dtype() == DType::kFloat16) {
    return Join(tensor.values<uint16_t>(), [](uint16_t half) { return Number(HalfToFloat(half)); });
  }
  if (tensor.dtype() == DType::kBool) {
    return Join(tensor.values<uint8_t>(), [](uint8_t value) { return value != 0 ? "1" : "0"; });
  }
  return DispatchDType(tensor.dtype(), [&]<typename T>() -> std::string {
    if constexpr (std::is_same_v<T, bool>) {
      return "";
    } else {
      return Join(tensor.values<T>(), [](T value) { return Number(value); });
    }
  });
}

struct AttributePrinter {
  std::string operator()(int64_t value) const { return Number(value); }
  std::string operator()(float value) const { return FloatLiteral(value); }
  std::string operator()(const std::string& value) const { return Quoted(value); }
  std::string operator()(const std::vector<int64_t>& list) const {
    return absl::StrCat("[", Join(list, Number<int64_t>), "]");
  }
  std::string operator()(const std::vector<float>& list) const {
    return absl::StrCat(list.empty() ? "floats " : "", "[", Join(list, FloatLiteral), "]");
  }
  std::string operator()(const std::vector<std::string>& list) const {
    return absl::StrCat(list.empty() ? "strings " : "", "[", Join(list, Quoted), "]");
  }
  std::string operator()(const Tensor& tensor) const {
    return absl::StrCat(NameOf(tensor.dtype()), " ", ToString(tensor.shape()), " {",
                        tensor.has_bytes() ? Elements(tensor) : "", "}");
  }
};

std::string ConstantText(const Value& value, bool all_elements) {
  std::string text = absl::StrCat("const ", Name(value.name), " ", TypeText(value.type));
  const Tensor& tensor = *value.constant;
  if (tensor.has_bytes() && (all_elements || tensor.num_elements() <= kMaxPrintedElements)) {
    absl::StrAppend(&text, " = {", Elements(tensor), "}");
  }
  return text;
}

std::string NodeText(const Graph& graph, const Node& node) {
  const auto name = [&graph](ValueId id) { return id == kNoValue ? std::string() : Name(graph.value(id).name); };
  const auto names = [&name](const std::vector<ValueId>& ids) {
    std::string text;
    for (size_t i = 0; i < ids.size(); ++i) absl::StrAppend(&text, i == 0 ? "" : ", ", name(ids[i]));
    return text;
  };
  std::string text = absl::StrCat(names(node.outputs), " = ", Name(node.op), "(", names(node.inputs), ")");
  if (!node.attributes.empty()) {
    const auto format = [](const auto& entry) {
      return absl::StrCat(Name(entry.first), " = ", std::visit(AttributePrinter(), entry.second));
    };
    absl::StrAppend(&text, " {", Join(node.attributes, format), "}");
  }
  return text;
}

}  // namespace

std::string PrintGraph(const Graph& graph, bool all_elements) {
  std::string text;
  if (!graph.name().empty()) absl::StrAppend(&text, "graph ", Name(graph.name()), "\n");
  for (const ValueId id : graph.inputs()) {
    absl::StrAppend(&text, "input ", Name(graph.value(id).name), " ", TypeText(graph.value(id).type), "\n");
  }
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    if (graph.value(id).constant) absl::StrAppend(&text, ConstantText(graph.value(id), all_elements), "\n");
  }
  for (const Node& node : graph.nodes()) absl::StrAppend(&text, NodeText(graph, node), "\n");
  for (const ValueId id : graph.outputs()) absl::StrAppend(&text, "output ", Name(graph.value(id).name), "\n");
  return text;
}

}  // namespace beak
