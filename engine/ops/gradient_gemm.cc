#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

bool Transposed(const Node& node, const char* attribute) { return node.Get<int64_t>(attribute, 0) != 0; }

// a x b, or a x transpose(b). Transposes of a are made, so that the fast kernels see one form.
ValueId Product(GradientContext& context, ValueId a, ValueId b, bool transpose_b, float alpha) {
  AttributeMap attributes;
  if (transpose_b) attributes["transB"] = int64_t{1};
  if (alpha != 1) attributes["alpha"] = alpha;
  return context.Emit("Gemm", {a, b}, std::move(attributes));
}

// y = alpha a' b' + beta c, where a' and b' are a and b or their transposes: da' = alpha dy b'^T, db' = alpha a'^T dy.
absl::Status Gemm(GradientContext& context) {
  const Node& node = context.node();
  const ValueId a = context.input(0), b = context.input(1), dy = context.gradient();
  const bool trans_a = Transposed(node, "transA"), trans_b = Transposed(node, "transB");
  const float alpha = node.Get("alpha", 1.0f);
  if (context.wants(0)) {
    const ValueId da = Product(context, dy, b, !trans_b, alpha);
    context.Give(0, trans_a ? EmitTransposed(context, da, 2) : da);
  }
  if (context.wants(1)) {
    const ValueId a_transposed = trans_a ? a : EmitTransposed(context, a, 2);
    const ValueId a_plain = trans_a && trans_b ? EmitTransposed(context, a, 2) : a;
    context.Give(1, trans_b ? Product(context, EmitTransposed(context, dy, 2), a_plain, false, alpha)
                            : Product(context, a_transposed, dy, false, alpha));
  }
  if (context.input(2) == kNoValue || !context.wants(2)) return absl::OkStatus();
  GiveBroadcast(context, 2, EmitScaled(context, dy, context.dtype(a), node.Get("beta", 1.0f)));
  return absl::OkStatus();
}

// Rows by a matrix: all dimensions in front are rows.
void RowsByMatrix(GradientContext& context) {
  const ValueId x = context.input(0), w = context.input(1);
  const Shape shape = context.shape(x), weights = context.shape(w);
  const int64_t rows = NumElements(shape) / shape.back();
  const ValueId dy = EmitReshape(context, context.gradient(), {rows, weights[1]});
  if (context.wants(0)) context.Give(0, EmitReshape(context, Product(context, dy, w, true, 1), shape));
  if (!context.wants(1)) return;
  const ValueId flat = EmitReshape(context, x, {rows, shape.back()});
  context.Give(1, Product(context, EmitTransposed(context, flat, 2), dy, false, 1));
}

absl::Status MatMul(GradientContext& context) {
  const ValueId a = context.input(0), b = context.input(1), dy = context.gradient();
  const Shape a_shape = context.shape(a), b_shape = context.shape(b);
  if (a_shape.size() < 2 || b_shape.size() < 2) return absl::UnimplementedError("gradient: expected no vectors");
  if (b_shape.size() == 2) {
    RowsByMatrix(context);
    return absl::OkStatus();
  }
  // What the products come out as before the sum over what was broadcast.
  Shape full = context.shape(context.output());
  if (context.wants(0)) {
    full.back() = a_shape.back();
    const ValueId da = context.Emit("MatMul", {dy, EmitTransposed(context, b, b_shape.size())});
    context.Give(0, EmitSumTo(context, da, full, a_shape));
  }
  if (context.wants(1)) {
    full[full.size() - 2] = a_shape.back();
    full.back() = b_shape.back();
    const ValueId db = context.Emit("MatMul", {EmitTransposed(context, a, a_shape.size()), dy});
    context.Give(1, EmitSumTo(context, db, full, b_shape));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> GemmGradients() { return {{"Gemm", Gemm}, {"MatMul", MatMul}}; }

}  // namespace beak
