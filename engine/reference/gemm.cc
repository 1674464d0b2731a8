#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "engine/base/status.h"
#include "engine/reference/activation.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/strided_walk.h"

// Matrix products. Every element is summed over the inner dimension in its order, floats in double, integers wrapping
// around in their own type: the same bits for a row whatever rows are beside it. NaN and infinity follow from the
// arithmetic (0 * inf is NaN).

namespace beak {
namespace {

// Two matrices, given by the elements between rows and between columns.
struct Product {
  int64_t m, n, k;
  int64_t a_row, a_column;
  int64_t b_row, b_column;
};

template <typename T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, T>;

// Calls put(row, column, sum) for every element of a x b. Columns go in blocks, so that a compiler can vectorise.
template <typename T, typename Fn>
void MultiplyMatrices(const Product& p, const T* a, const T* b, Fn put) {
  constexpr int64_t kBlock = 64;
  std::array<Sum<T>, kBlock> sums;
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; j += kBlock) {
      const int64_t count = std::min(kBlock, p.n - j);
      sums.fill(0);
      for (int64_t k = 0; k < p.k; ++k) {
        const Sum<T> left = a[i * p.a_row + k * p.a_column];
        const T* const right = b + k * p.b_row + j * p.b_column;
        for (int64_t c = 0; c < count; ++c) {
          sums[c] = Add(sums[c], Multiply(left, static_cast<Sum<T>>(right[c * p.b_column])));
        }
      }
      for (int64_t c = 0; c < count; ++c) put(i, j + c, sums[c]);
    }
  }
}

// ---------------------------------------------------------------- Gemm

struct GemmPlan {
  Product product;
  double alpha, beta;
  bool has_c;
  int64_t c_row, c_column;  // 0 where C is repeated
};

absl::StatusOr<GemmPlan> PlanGemm(const KernelRequest& request) {
  const Shape& a = request.inputs[0].shape;
  const Shape& b = request.inputs[1].shape;
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  const bool trans_a = request.node.Get<int64_t>("transA", 0) != 0;
  const bool trans_b = request.node.Get<int64_t>("transB", 0) != 0;
  if (a.size() != 2 || b.size() != 2 || a[trans_a ? 0 : 1] != b[trans_b ? 1 : 0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs: expected matrices that fit, got ", ToString(a), " and ", ToString(b)));
  }
  GemmPlan plan;
  plan.product = {a[trans_a ? 1 : 0], b[trans_b ? 0 : 1], a[trans_a ? 0 : 1], trans_a ? 1 : a[1],
                  trans_a ? a[1] : 1, trans_b ? 1 : b[1], trans_b ? b[1] : 1};
  plan.alpha = request.node.Get("alpha", 1.0f);
  plan.beta = request.node.Get("beta", 1.0f);
  plan.has_c = HasInput(request, 2);
  plan.c_row = 0;
  plan.c_column = 0;
  if (!plan.has_c) return plan;
  const Shape& c = request.inputs[2].shape;
  RETURN_IF_ERROR(StridedWalk::Broadcast({plan.product.m, plan.product.n}, {c}).status());
  if (!c.empty() && c.back() != 1) plan.c_column = 1;
  if (c.size() == 2 && c[0] != 1) plan.c_row = c[1];
  return plan;
}

template <typename T>
ReferenceRun Gemm(const GemmPlan& plan, Activation<T> activation, T alpha, T beta) {
  return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
    const T* const c = plan.has_c ? Input<T>(inputs, 2) : nullptr;
    T* const y = Output<T>(outputs);
    MultiplyMatrices(plan.product, Input<T>(inputs, 0), Input<T>(inputs, 1),
                     [&](int64_t row, int64_t column, double sum) {
                       sum *= plan.alpha;
                       if (c != nullptr)
                         sum += plan.beta * static_cast<double>(c[row * plan.c_row + column * plan.c_column]);
                       y[row * plan.product.n + column] = activation(static_cast<T>(sum), alpha, beta);
                     });
    return absl::OkStatus();
  };
}

// Gemm, and FusedGemm with its activation: y = activation(alpha * A' B' + beta * C).
absl::StatusOr<ReferenceRun> PrepareGemm(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const GemmPlan plan, PlanGemm(request));
  const std::string name = request.node.Get<std::string>("activation", "");
  RETURN_IF_ERROR(FindActivation<float>(name).status());
  const float alpha = request.node.Get("activation_alpha", 0.0f);
  const float beta = request.node.Get("activation_beta", 0.0f);
  return DispatchFloat(request.inputs[0].dtype,
                       [&]<typename T>() { return Gemm<T>(plan, *FindActivation<T>(name), alpha, beta); });
}

// ---------------------------------------------------------------- MatMul

struct MatMulPlan {
  Product product;
  StridedWalk batch;  // over the matrices of the result
  int64_t a_size, b_size, y_size;
};

// A vector in front is one row, behind one column; what stands before the last two dimensions is broadcast.
absl::StatusOr<MatMulPlan> PlanMatMul(const KernelRequest& request) {
  Shape a = request.inputs[0].shape;
  Shape b = request.inputs[1].shape;
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) {
    return absl::InvalidArgumentError(absl::StrCat("inputs: expected matrices that fit, got ",
                                                   ToString(request.inputs[0].shape), " and ",
                                                   ToString(request.inputs[1].shape)));
  }
  const int64_t m = a[a.size() - 2];
  const int64_t k = a.back();
  const int64_t n = b.back();
  const Shape a_batch(a.begin(), a.end() - 2);
  const Shape b_batch(b.begin(), b.end() - 2);
  ASSIGN_OR_RETURN(const Shape batch, Broadcast(a_batch, b_batch));
  ASSIGN_OR_RETURN(StridedWalk walk, StridedWalk::Broadcast(batch, {a_batch, b_batch}));
  return MatMulPlan{{m, n, k, k, 1, n, 1}, std::move(walk), m * k, k * n, m * n};
}

template <typename T>
void MatMul(const MatMulPlan& plan, const T* a, const T* b, T* y) {
  plan.batch.ForEachRun<2>([&](int64_t first, const std::array<int64_t, 2>& offsets) {
    for (int64_t i = 0; i < plan.batch.run_length(); ++i) {
      T* const out = y + (first + i) * plan.y_size;
      MultiplyMatrices(
          plan.product, a + (offsets[0] + i * plan.batch.step(0)) * plan.a_size,
          b + (offsets[1] + i * plan.batch.step(1)) * plan.b_size,
          [&](int64_t row, int64_t column, Sum<T> sum) { out[row * plan.product.n + column] = static_cast<T>(sum); });
    }
  });
}

absl::StatusOr<ReferenceRun> PrepareMatMul(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const MatMulPlan plan, PlanMatMul(request));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      MatMul(plan, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> GemmReferences() {
  return {{"FusedGemm", PrepareGemm}, {"Gemm", PrepareGemm}, {"MatMul", PrepareMatMul}};
}

}  // namespace beak
