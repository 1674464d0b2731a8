#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

std::vector<AttributeSpec> GemmAttributes() {
  return {FloatAttribute("alpha"), FloatAttribute("beta"), IntAttribute("transA"), IntAttribute("transB")};
}

absl::Status ExpectInner(const InferContext& context, const Dim& a, const Dim& b) {
  if (MayBeEqual(a, b)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("inner dimensions: expected equal ones, got ",
                                                 ToString(context.shape(0)), " and ", ToString(context.shape(1))));
}

// A [M, K] or its transpose, B [K, N] or its transpose, C broadcast to [M, N] -> [M, N]
absl::Status InferGemm(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  RETURN_IF_ERROR(ExpectRank(context, 0, 2));
  RETURN_IF_ERROR(ExpectRank(context, 1, 2));
  const PartialShape& a = context.shape(0);
  const PartialShape& b = context.shape(1);
  const bool trans_a = context.node().Get<int64_t>("transA", 0) != 0;
  const bool trans_b = context.node().Get<int64_t>("transB", 0) != 0;
  RETURN_IF_ERROR(ExpectInner(context, a[trans_a ? 0 : 1], b[trans_b ? 1 : 0]));
  PartialShape output = {a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (context.has_input(2) && !BroadcastsTo(context.shape(2), output)) {
    return absl::InvalidArgumentError(absl::StrCat("input 2: expected a shape that broadcasts to ", ToString(output),
                                                   ", got ", ToString(context.shape(2))));
  }
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// NumPy's matmul: [..., M, K] x [..., K, N] -> [..., M, N]; a vector stands for one row, or one column, and its
// dimension is missing from the output.
absl::Status InferMatMul(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, 1));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 1, 1));
  PartialShape a = context.shape(0);
  PartialShape b = context.shape(1);
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim(1));
  if (column) b.push_back(Dim(1));
  RETURN_IF_ERROR(ExpectInner(context, a.back(), b[b.size() - 2]));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastDims({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2}));
  if (!row) output.push_back(a[a.size() - 2]);
  if (!column) output.push_back(b.back());
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

}  // namespace

std::vector<Op> GemmOps() {
  return {
      {.name = "Gemm", .min_inputs = 2, .max_inputs = 3, .attributes = GemmAttributes(), .infer = InferGemm},
      {.name = "MatMul", .min_inputs = 2, .max_inputs = 2, .infer = InferMatMul},
      {.name = "FusedGemm",
       .min_inputs = 2,
       .max_inputs = 3,
       .attributes = Concatenate(GemmAttributes(), ActivationAttributes()),
       .infer = InferGemm,
       .internal = true},
  };
}

}  // namespace beak
