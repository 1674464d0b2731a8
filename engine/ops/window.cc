#include "engine/ops/window.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace beak {
namespace {

using Ints = std::vector<int64_t>;

// No real window is larger, and sums of products of two such numbers and a dimension stay far from overflow.
constexpr int64_t kMaxWindowValue = int64_t{1} << 28;

enum class Kind { kConv, kConvTranspose, kPool };

// The attributes that shape a window, checked, before the size of the input is looked at.
struct WindowAttributes {
  Kind kind;
  std::string auto_pad;
  bool ceil_mode;
  Ints kernel, strides, dilations, pads, output_padding;
  Ints output_shape;  // empty where left out

  bool same() const { return auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER"; }
  int64_t extent(size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
};

absl::StatusOr<Ints> ReadInts(const Node& node, const char* name, size_t count, int64_t fallback, int64_t min) {
  const Ints values = node.Get<Ints>(name, Ints(count, fallback));
  const bool in_range = std::all_of(values.begin(), values.end(),
                                    [min](int64_t value) { return value >= min && value <= kMaxWindowValue; });
  if (values.size() == count && in_range) return values;
  return absl::InvalidArgumentError(absl::StrCat("attribute '", name, "': expected ", count, " numbers in [", min, ", ",
                                                 kMaxWindowValue, "], got [", absl::StrJoin(values, ", "), "]"));
}

absl::StatusOr<WindowAttributes> ReadAttributes(Kind kind, const Node& node, const Ints& kernel) {
  const size_t rank = kernel.size();
  WindowAttributes result;
  result.kind = kind;
  result.auto_pad = node.Get<std::string>("auto_pad", "NOTSET");
  result.ceil_mode = kind == Kind::kPool && node.Get<int64_t>("ceil_mode", 0) != 0;
  result.kernel = kernel;
  ASSIGN_OR_RETURN(result.strides, ReadInts(node, "strides", rank, 1, 1));
  ASSIGN_OR_RETURN(result.dilations, ReadInts(node, "dilations", rank, 1, 1));
  result.pads = Ints(2 * rank, 0);
  if (result.auto_pad == "NOTSET") {
    ASSIGN_OR_RETURN(result.pads, ReadInts(node, "pads", 2 * rank, 0, 0));
  }
  if (kind == Kind::kConvTranspose) {
    ASSIGN_OR_RETURN(result.output_padding, ReadInts(node, "output_padding", rank, 0, 0));
    if (node.Has("output_shape")) {
      ASSIGN_OR_RETURN(result.output_shape, ReadInts(node, "output_shape", rank, 1, 1));
    }
  }
  return result;
}

// One spatial dimension, resolved.
struct Resolved {
  int64_t pad_begin, pad_end, output;
};

// The larger half of an odd sum goes to the end for SAME_UPPER, to the begin otherwise.
Resolved SplitPads(const WindowAttributes& a, int64_t total, int64_t output) {
  const int64_t half = total / 2;
  const int64_t begin = a.auto_pad == "SAME_UPPER" ? half : total - half;
  return {begin, total - begin, output};
}

absl::StatusOr<Resolved> ResolveForward(const WindowAttributes& a, size_t i, int64_t input) {
  const int64_t stride = a.strides[i];
  const int64_t extent = a.extent(i);
  if (a.same()) {
    const int64_t output = input / stride + (input % stride != 0 ? 1 : 0);
    if (output < 1) return absl::InvalidArgumentError("input: expected at least one element, got none");
    return SplitPads(a, std::max<int64_t>((output - 1) * stride + extent - input, 0), output);
  }
  Resolved result{a.pads[i], a.pads[i + a.kernel.size()], 0};
  const int64_t span = input + result.pad_begin + result.pad_end - extent;
  if (span < 0) {
    return absl::InvalidArgumentError(absl::StrCat("window: expected at most ", span + extent,
                                                   " elements (input and pads), got ", extent, " in spatial dimension ",
                                                   i));
  }
  result.output = span / stride + 1;
  // A window that would begin in the padding behind the input is dropped.
  const bool partial_window = a.ceil_mode && a.auto_pad != "VALID" && span % stride != 0;
  if (partial_window && result.output * stride < input + result.pad_begin) ++result.output;
  return result;
}

absl::StatusOr<Resolved> ResolveTranspose(const WindowAttributes& a, size_t i, int64_t input) {
  if (input < 1) return absl::InvalidArgumentError("input: expected at least one element, got none");
  const int64_t full = (input - 1) * a.strides[i] + a.extent(i);
  Resolved result{a.pads[i], a.pads[i + a.kernel.size()], 0};
  if (!a.output_shape.empty()) {
    const int64_t output = a.output_shape[i];
    result = SplitPads(a, std::max<int64_t>(full + a.output_padding[i] - output, 0), output);
  } else if (a.same()) {
    const int64_t output = input * a.strides[i];
    result = SplitPads(a, std::max<int64_t>(full + a.output_padding[i] - output, 0), 0);
  }
  if (result.output == 0) result.output = full + a.output_padding[i] - result.pad_begin - result.pad_end;
  if (result.output < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("output: expected at least one element, got ", result.output, " in spatial dimension ", i));
  }
  result.pad_end = full - result.pad_begin - result.output;
  return result;
}

absl::StatusOr<Resolved> Resolve(const WindowAttributes& a, size_t i, int64_t input) {
  return a.kind == Kind::kConvTranspose ? ResolveTranspose(a, i, input) : ResolveForward(a, i, input);
}

// True where the output is as large as the input whatever that is.
bool KeepsSize(const WindowAttributes& a, size_t i) {
  if (a.strides[i] != 1) return false;
  if (a.kind == Kind::kConvTranspose) {
    if (!a.output_shape.empty()) return false;
    return a.same() || a.extent(i) - 1 + a.output_padding[i] == a.pads[i] + a.pads[i + a.kernel.size()];
  }
  return a.same() || a.pads[i] + a.pads[i + a.kernel.size()] == a.extent(i) - 1;
}

absl::Status CheckRank(size_t rank) {
  if (rank >= 3) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input: expected batch, channels and at least one spatial dimension, got rank ", rank));
}

absl::StatusOr<Window> MakeWindow(const WindowAttributes& a, const Shape& input) {
  Window window;
  window.kernel = a.kernel;
  window.strides = a.strides;
  window.dilations = a.dilations;
  for (size_t i = 0; i < a.kernel.size(); ++i) {
    ASSIGN_OR_RETURN(const Resolved dim, Resolve(a, i, input[i + 2]));
    window.pads_begin.push_back(dim.pad_begin);
    window.pads_end.push_back(dim.pad_end);
    window.output.push_back(dim.output);
  }
  return window;
}

absl::StatusOr<std::vector<Dim>> MakeOutput(const WindowAttributes& a, const PartialShape& input) {
  std::vector<Dim> output;
  for (size_t i = 0; i < a.kernel.size(); ++i) {
    const Dim& dim = input[i + 2];
    if (dim.known()) {
      ASSIGN_OR_RETURN(const Resolved resolved, Resolve(a, i, dim.value()));
      output.push_back(resolved.output);
    } else if (!a.output_shape.empty()) {
      output.push_back(a.output_shape[i]);
    } else {
      output.push_back(KeepsSize(a, i) ? dim : Dim());
    }
  }
  return output;
}

// The size of a convolution's window: of the weights, which kernel_shape must agree with where it is given. Unknown
// weight dimensions are taken from kernel_shape; empty where neither is known.
absl::StatusOr<Ints> KernelOfWeights(const Node& node, const PartialShape& input, const PartialShape& weights) {
  RETURN_IF_ERROR(CheckRank(input.size()));
  if (weights.size() != input.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights: expected rank ", input.size(), " as the input's, got ", ToString(weights)));
  }
  Ints kernel;
  if (node.Has("kernel_shape")) {
    ASSIGN_OR_RETURN(kernel, ReadInts(node, "kernel_shape", input.size() - 2, 1, 1));
  }
  for (size_t i = 2; i < weights.size(); ++i) {
    if (!weights[i].known()) {
      if (kernel.empty()) return Ints();
      continue;
    }
    const int64_t size = weights[i].value();
    if (size < 1 || size > kMaxWindowValue) {
      return absl::InvalidArgumentError(
          absl::StrCat("weights: expected a window of 1 to ", kMaxWindowValue, ", got ", ToString(weights)));
    }
    if (!node.Has("kernel_shape")) {
      kernel.push_back(size);
    } else if (kernel[i - 2] != size) {
      return absl::InvalidArgumentError(absl::StrCat("attribute 'kernel_shape': expected the weights' window ",
                                                     ToString(weights), ", got [", absl::StrJoin(kernel, ", "), "]"));
    }
  }
  return kernel;
}

absl::StatusOr<Window> WindowOfWeights(Kind kind, const Node& node, const Shape& input, const Shape& weights) {
  ASSIGN_OR_RETURN(const Ints kernel, KernelOfWeights(node, ToPartial(input), ToPartial(weights)));
  ASSIGN_OR_RETURN(const WindowAttributes attributes, ReadAttributes(kind, node, kernel));
  return MakeWindow(attributes, input);
}

absl::StatusOr<std::vector<Dim>> OutputOfWeights(Kind kind, const Node& node, const PartialShape& input,
                                                 const PartialShape& weights) {
  ASSIGN_OR_RETURN(const Ints kernel, KernelOfWeights(node, input, weights));
  if (kernel.size() != input.size() - 2) return std::vector<Dim>(input.size() - 2);
  ASSIGN_OR_RETURN(const WindowAttributes attributes, ReadAttributes(kind, node, kernel));
  return MakeOutput(attributes, input);
}

absl::StatusOr<WindowAttributes> PoolAttributes(const Node& node, size_t rank) {
  RETURN_IF_ERROR(CheckRank(rank));
  if (!node.Has("kernel_shape")) {
    return absl::InvalidArgumentError("attribute 'kernel_shape': expected one, got none");
  }
  ASSIGN_OR_RETURN(const Ints kernel, ReadInts(node, "kernel_shape", rank - 2, 1, 1));
  ASSIGN_OR_RETURN(WindowAttributes attributes, ReadAttributes(Kind::kPool, node, kernel));
  for (size_t i = 0; i < attributes.pads.size(); ++i) {
    const int64_t extent = attributes.extent(i % kernel.size());
    if (attributes.pads[i] >= extent) {
      return absl::InvalidArgumentError(absl::StrCat("attribute 'pads': expected less than the window's ", extent,
                                                     ", got [", absl::StrJoin(attributes.pads, ", "), "]"));
    }
  }
  return attributes;
}

}  // namespace

absl::StatusOr<Window> ConvWindow(const Node& node, const Shape& input, const Shape& weights) {
  return WindowOfWeights(Kind::kConv, node, input, weights);
}

absl::StatusOr<Window> ConvTransposeWindow(const Node& node, const Shape& input, const Shape& weights) {
  return WindowOfWeights(Kind::kConvTranspose, node, input, weights);
}

absl::StatusOr<Window> PoolWindow(const Node& node, const Shape& input) {
  ASSIGN_OR_RETURN(const WindowAttributes attributes, PoolAttributes(node, input.size()));
  return MakeWindow(attributes, input);
}

absl::StatusOr<std::vector<Dim>> ConvOutput(const Node& node, const PartialShape& input, const PartialShape& weights) {
  return OutputOfWeights(Kind::kConv, node, input, weights);
}

absl::StatusOr<std::vector<Dim>> ConvTransposeOutput(const Node& node, const PartialShape& input,
                                                     const PartialShape& weights) {
  return OutputOfWeights(Kind::kConvTranspose, node, input, weights);
}

absl::StatusOr<std::vector<Dim>> PoolOutput(const Node& node, const PartialShape& input) {
  ASSIGN_OR_RETURN(const WindowAttributes attributes, PoolAttributes(node, input.size()));
  return MakeOutput(attributes, input);
}

}  // namespace beak
